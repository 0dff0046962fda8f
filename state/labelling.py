"""The page of the editor: which dataset it labels and for whom. The samples themselves never come through here."""

# ruff: noqa: RUF012 Reflex copies a default for every client

from typing import Any
from uuid import UUID

import reflex as rx

from app.domain.permissions import Permission, PersonActor
from app.services import datasets
from state.addresses import dataset_of
from state.base import Page, caller
from state.marks import permission


class LabellingState(Page, rx.State):
    """What the editor is told once: the dataset, its classes, and the person behind the drafts."""

    dataset_id: str = ""
    name: str = ""
    is_archived: bool = False
    task: str = ""
    classes: list[dict[str, Any]] = []
    person: str = ""

    @permission(Permission.DATASETS_READ)
    async def load(self) -> None:
        """The dataset that the address names."""
        dataset_id = dataset_of(self.router.url.path)
        if dataset_id is None:
            self.problem, self.loading = "There is no such dataset. Choose one from the list.", False
            return
        await self._show(dataset_id)

    async def _show(self, dataset_id: UUID) -> None:
        dataset = await self._load(datasets.get, dataset_id)
        actor = caller.get()
        if dataset is None or not isinstance(actor, PersonActor):
            self.dataset_id = ""
            return
        schema = dataset.label_schema
        self.name, self.is_archived = dataset.name, dataset.status == "archived"
        self.task, self.classes = schema["task"], [dict(known) for known in schema["classes"]]
        self.person, self.dataset_id, self.loading = str(actor.user_id), str(dataset_id), False
