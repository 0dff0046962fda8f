"""The page on which data is added to a dataset: which dataset, and what it holds by now."""

from typing import Any
from uuid import UUID

import reflex as rx

from app.domain.permissions import Permission
from app.schemas.datasets import DatasetUpdate
from app.services import datasets
from state import views
from state.addresses import dataset_of
from state.base import Page
from state.marks import permission

_READ, _WRITE = Permission.DATASETS_READ, Permission.DATASETS_WRITE


class DatasetAddState(Page, rx.State):
    """The dataset whose id stands in the address. Files go past this state, straight into the store."""

    dataset: views.DatasetRow = views.NO_DATASET
    keeps_location: bool = False

    @permission(_READ)
    async def load(self) -> Any:
        """The dataset from the beginning."""
        wanted = dataset_of(self.router.url.path)
        if wanted is None:
            self.problem, self.loading = "There is no such dataset. Choose one from the list.", False
            return
        if self.dataset["id"] != str(wanted):
            self.dataset, self.loading, self.problem = views.NO_DATASET, True, ""
            yield
        await self._refresh(wanted)

    @permission(_READ)
    async def files_settled(self) -> None:
        """Files went in: look at the counts again."""
        if self.dataset["id"]:
            await self._refresh(UUID(self.dataset["id"]))

    @permission(_WRITE)
    async def keep_location(self, keeps: bool) -> None:
        """Whether what arrives from now on keeps where it was taken."""
        request = self._parse(DatasetUpdate, {"keeps_location": bool(keeps)})
        if request is None or not self.dataset["id"]:
            return
        dataset_id = UUID(self.dataset["id"])
        changed = await self._do(datasets.update, dataset_id, request)
        if changed is not None:
            self._tell("Places are kept from now on." if changed.keeps_location else "Places are removed from now on.")
        await self._refresh(dataset_id)

    async def _refresh(self, dataset_id: UUID) -> None:
        found = await self._load(datasets.get, dataset_id)
        if found is not None:
            self.dataset, self.loading = views.dataset_row(found), False
            self.keeps_location = found.keeps_location
