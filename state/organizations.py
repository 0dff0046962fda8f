"""Organizations: the list, the form that makes or changes one, and their names for other pages."""

# ruff: noqa: RUF012 Reflex copies a default for every client

from typing import Any

import reflex as rx

from app.domain.permissions import Permission
from app.schemas.people import OrganizationCreate, OrganizationFilter, OrganizationUpdate
from app.services import etags, organizations
from state.addresses import number_of
from state.base import Page, call, paged
from state.marks import permission
from state.views.people import OrganizationRow, organization_row

PAGE = 25
_READ, _WRITE = Permission.ORGANIZATIONS_READ, Permission.ORGANIZATIONS_WRITE


async def organization_names() -> dict[int, str]:
    """The names of the first 200 organizations."""
    page = await call(organizations.list_organizations, OrganizationFilter(sort="name"), None, 200)
    return {item.id: item.name for item in page.items}


class OrganizationsState(paged(_READ), rx.State):
    """One page of organizations, by name."""

    rows: list[OrganizationRow] = []

    @permission(_READ)
    async def load(self) -> None:
        """The first page."""
        self._first_page()
        await self._refresh()

    async def _refresh(self) -> None:
        wanted = OrganizationFilter(sort="name")
        page = await self._load(organizations.list_organizations, wanted, self._cursor(), PAGE)
        if page is not None:
            self.rows = [organization_row(item) for item in page.items]
            self._shown(page, "organization", "organizations")


class OrganizationState(Page, rx.State):
    """The form of a new organization, or of the one with the id `edited`."""

    is_open: bool = False
    edited: int = 0
    name: str = ""
    plan: str = "professional"
    _tag: str = ""

    @permission(_WRITE)
    def open_new(self) -> None:
        """Open an empty form."""
        self.form_error, self.edited, self.name, self.plan, self.is_open = "", 0, "", "professional", True

    @permission(_WRITE)
    async def open_for(self, organization_id: str) -> None:
        """Open the form with what the organization is now."""
        found = await self._do(organizations.get, number_of(str(organization_id)) or 0)
        if found is not None:
            self.form_error, self.edited, self.name, self.plan = "", found.id, found.name, str(found.plan)
            self._tag, self.is_open = etags.etag(found), True

    @permission(_WRITE)
    def set_open(self, is_open: bool) -> None:
        """Close the form."""
        self.form_error, self.is_open = "", bool(is_open)

    @permission(_WRITE)
    async def submit(self, form: dict[str, Any]) -> Any:
        """Make the organization, or change it unless somebody else did meanwhile."""
        given = {name: str(form.get(name, "")) for name in ("name", "plan")}
        if not await self._save(given):
            return None
        self.is_open = False
        return OrganizationsState.load

    async def _save(self, given: dict[str, str]) -> bool:
        if not self.edited:
            new = self._parse(OrganizationCreate, given)
            return new is not None and await self._submit(organizations.create, new) is not None
        changed = self._parse(OrganizationUpdate, given)
        if changed is None:
            return False
        return await self._submit(organizations.update, self.edited, changed, frozenset({self._tag})) is not None
