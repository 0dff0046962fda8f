"""Model versions: the list of all modules."""

# ruff: noqa: RUF012 Reflex copies a default for every client

from typing import Any

import reflex as rx
from pydantic import ValidationError

from app.domain.permissions import Permission
from app.schemas.model_versions import ModelVersionFilter
from app.services import datasets, model_versions
from state import views
from state.addresses import NEWEST
from state.base import in_words, sortable
from state.marks import permission

PAGE = 25
_READ = Permission.MODELS_READ


class ModelVersionsState(sortable(_READ, "/models"), rx.State):
    """One page of model versions."""

    rows: list[views.VersionRow] = []
    status: str = ""
    module: str = ""
    modules: list[views.Option] = []

    @permission(_READ)
    async def load(self) -> None:
        """The first page, filtered as the address says."""
        query = self.router.url.query_parameters
        self.status, self.module = query.get("status", ""), query.get("module", "")
        self.sort = query.get("sort") or NEWEST
        self._first_page()
        found = await self._do(datasets.modules)
        self.modules = [{"value": name, "label": name} for name in (found or [])[:200]]
        await self._refresh()

    @permission(_READ)
    def filter_status(self, value: str) -> Any:
        """Put the filter into the address; loading follows from it."""
        return self._go(status=str(value))

    @permission(_READ)
    def filter_module(self, value: str) -> Any:
        """Put the filter into the address."""
        return self._go(module=str(value))

    def _filters(self) -> dict[str, str]:
        return {"status": self.status, "module": self.module}

    async def _refresh(self) -> None:
        try:
            wanted = ModelVersionFilter.model_validate(
                {"status": self.status or None, "ai_module": self.module or None, "sort": self.sort}
            )
        except ValidationError as error:
            self.problem = in_words(error)
            return
        page = await self._load(model_versions.list_versions, wanted, self._cursor(), PAGE)
        if page is not None:
            self.rows = [views.version_row(item) for item in page.items]
            self._shown(page, "version", "versions")
