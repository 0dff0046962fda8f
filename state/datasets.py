"""Datasets: the list, and the form that makes one."""

# ruff: noqa: RUF012 Reflex copies a default for every client

from typing import Any

import reflex as rx
from pydantic import ValidationError

from app.domain.permissions import Permission, permissions_of
from app.schemas.datasets import DatasetCreate, DatasetFilter
from app.schemas.people import OrganizationFilter
from app.services import datasets, organizations, usage
from state import views
from state.addresses import NEWEST
from state.base import Page, caller, in_words, sortable
from state.marks import permission

PAGE = 25
_READ, _WRITE = Permission.DATASETS_READ, Permission.DATASETS_WRITE
# Colours of the classes, far apart from each other; they repeat after twelve.
PALETTE = (
    "#3e63dd #30a46c #e5484d #ffb224 #8e4ec6 #0091ff #f76b15 #12a594 #e93d82 #978365 #46a758 #6e56cf".split()  # noqa: SIM905
)


class DatasetsState(sortable(_READ, "/datasets"), rx.State):
    """One page of datasets."""

    rows: list[views.DatasetRow] = []
    status: str = ""
    environment: str = ""
    module: str = ""
    modules: list[views.Option] = []

    @permission(_READ)
    async def load(self) -> None:
        """The first page, filtered as the address says."""
        query = self.router.url.query_parameters
        self.status, self.environment = query.get("status", ""), query.get("environment", "")
        self.module, self.sort = query.get("module", ""), query.get("sort") or NEWEST
        self._first_page()
        found = await self._do(datasets.modules)
        self.modules = [{"value": name, "label": name} for name in (found or [])[:200]]
        await self._refresh()

    @permission(_READ)
    def filter_status(self, value: str) -> Any:
        """Put the filter into the address; loading follows from it."""
        return self._go(status=str(value))

    @permission(_READ)
    def filter_environment(self, value: str) -> Any:
        """Put the filter into the address."""
        return self._go(environment=str(value))

    @permission(_READ)
    def filter_module(self, value: str) -> Any:
        """Put the filter into the address."""
        return self._go(module=str(value))

    def _filters(self) -> dict[str, str]:
        return {"status": self.status, "environment": self.environment, "module": self.module}

    async def _refresh(self) -> None:
        values = {"status": self.status, "environment": self.environment, "ai_module": self.module}
        try:
            wanted = DatasetFilter.model_validate(
                {**{name: value or None for name, value in values.items()}, "sort": self.sort}
            )
        except ValidationError as error:
            self.problem = in_words(error)
            return
        page = await self._load(datasets.list_datasets, wanted, self._cursor(), PAGE)
        if page is not None:
            owners = {item.organization_id for item in page.items if item.organization_id is not None}
            room = (await self._load(usage.storage, owners) if owners else None) or {}
            self.rows = [views.dataset_row(item, room.get(item.organization_id or 0)) for item in page.items]
            self._shown(page, "dataset", "datasets")


class NewDatasetState(Page, rx.State):
    """The form of a new dataset."""

    is_open: bool = False
    organizations: list[views.Option] = []

    @permission(_WRITE)
    async def set_open(self, is_open: bool) -> None:
        """Open or close the form."""
        self.form_error, self.is_open = "", bool(is_open)
        if self.is_open and Permission.ORGANIZATIONS_READ in permissions_of(caller.get()):
            page = await self._submit(organizations.list_organizations, OrganizationFilter(sort="name"), None, 200)
            found = page.items if page else []
            self.organizations = [{"value": str(item.id), "label": item.name} for item in found]

    @permission(_WRITE)
    async def submit(self, form: dict[str, Any]) -> Any:
        """Make the dataset and go to its page."""
        texts = {str(name): str(value).strip() for name, value in form.items()}
        names = [line.strip() for line in texts.get("classes", "").replace(",", "\n").splitlines() if line.strip()]
        classes = [{"name": name, "color": PALETTE[place % len(PALETTE)]} for place, name in enumerate(names)]
        request = self._parse(
            DatasetCreate,
            {
                "name": texts.get("name", ""),
                "ai_module": texts.get("ai_module", ""),
                "description": texts.get("description", ""),
                "environment": texts.get("environment", "dev"),
                "version": texts.get("version", ""),
                "organization_id": texts.get("organization_id") or None,
                "label_schema": {"task": texts.get("task", "classification"), "classes": classes},
            },
        )
        made = await self._submit(datasets.create, request) if request else None
        if made is None:
            return None
        self.is_open = False
        return rx.redirect(f"/datasets/{made.id}")
