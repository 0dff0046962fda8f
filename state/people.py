"""People: the list, and the form that makes or changes one. For super admins."""

# ruff: noqa: RUF012 Reflex copies a default for every client

from typing import Any

import reflex as rx
from pydantic import ValidationError

from app.domain.permissions import Permission, PersonActor
from app.schemas.people import UserCreate, UserFilter, UserUpdate, UserView
from app.services import etags, users
from state import views
from state.addresses import NEWEST, number_of
from state.base import Page, caller, in_words, sortable
from state.marks import permission
from state.organizations import organization_names
from state.views.people import PersonRow, organization_options, person_row

PAGE = 25
_READ, _WRITE = Permission.USERS_READ, Permission.USERS_WRITE
ACTIVE = {"active": True, "disabled": False}


class PeopleState(sortable(_READ, "/people"), rx.State):
    """One page of people."""

    rows: list[PersonRow] = []
    q: str = ""
    role: str = ""
    active: str = ""

    @permission(_READ)
    async def load(self) -> None:
        """The first page, filtered and ordered as the address says."""
        query = self.router.url.query_parameters
        self.q, self.role, self.active = query.get("q", ""), query.get("role", ""), query.get("active", "")
        self.sort = query.get("sort") or NEWEST
        self._first_page()
        await self._refresh()

    @permission(_READ)
    def search(self, form: dict[str, Any]) -> Any:
        """Put the beginning of a name or an address into the address; loading follows from it."""
        return self._go(q=str(form.get("q", "")).strip()[:200])

    @permission(_READ)
    def filter_role(self, role: str) -> Any:
        """Only people with one role."""
        return self._go(role=str(role))

    @permission(_READ)
    def filter_active(self, active: str) -> Any:
        """Only those who may sign in, or only those who may not."""
        return self._go(active=str(active))

    def _filters(self) -> dict[str, str]:
        return {"q": self.q, "role": self.role, "active": self.active}

    async def _refresh(self) -> None:
        is_active = ACTIVE.get(self.active, self.active or None)
        given = {"q": self.q or None, "role": self.role or None, "is_active": is_active, "sort": self.sort}
        try:
            wanted = UserFilter.model_validate(given)
        except ValidationError as error:
            self.problem = in_words(error)
            return
        page = await self._load(users.list_users, wanted, self._cursor(), PAGE)
        if page is None:
            return
        names = await organization_names() if any(item.organization_id for item in page.items) else {}
        own = caller.get()
        own_id = own.user_id if isinstance(own, PersonActor) else None
        self.rows = [person_row(item, names, own_id) for item in page.items]
        self._shown(page, "person", "people")


class PersonState(Page, rx.State):
    """The form of a new person, or of the one with the id `edited`."""

    is_open: bool = False
    edited: int = 0
    email: str = ""
    name: str = ""
    role: str = ""
    organization: str = ""
    active: str = ""
    organizations: list[views.Option] = []
    _tag: str = ""

    @permission(_WRITE)
    async def open_new(self) -> None:
        """Open an empty form."""
        self.email = self.name = self.organization = self._tag = ""
        self.edited, self.role, self.active = 0, "member", "active"
        await self._open(None)

    @permission(_WRITE)
    async def open_for(self, user_id: str) -> None:
        """Open the form with what the person is now."""
        found = await self._do(users.get, number_of(str(user_id)) or 0)
        if found is None:
            return
        self.edited, self.email, self.name, self.role = found.id, found.email, found.name, str(found.role)
        self.organization = str(found.organization_id or "")
        self.active = "active" if found.is_active else "disabled"
        self._tag = etags.etag(found)
        await self._open(found.organization_id)

    @permission(_WRITE)
    def set_open(self, is_open: bool) -> None:
        """Close the form."""
        self.form_error, self.is_open = "", bool(is_open)

    @permission(_WRITE)
    async def submit(self, form: dict[str, Any]) -> Any:
        """Make the person, or change them unless somebody else did meanwhile."""
        given = {
            "name": str(form.get("name", "")),
            "role": str(form.get("role", "")),
            "organization_id": str(form.get("organization_id", "")) or None,
        }
        if await (self._change(given, form) if self.edited else self._create(given, form)) is None:
            return None
        self.is_open = False
        return PeopleState.load

    async def _create(self, given: dict[str, Any], form: dict[str, Any]) -> UserView | None:
        secret = {"email": str(form.get("email", "")), "password": str(form.get("password", ""))}
        request = self._parse(UserCreate, given | secret)
        return await self._submit(users.create, request) if request else None

    async def _change(self, given: dict[str, Any], form: dict[str, Any]) -> UserView | None:
        request = self._parse(UserUpdate, given | {"is_active": form.get("active") == "active"})
        return await self._submit(users.update, self.edited, request, frozenset({self._tag})) if request else None

    async def _open(self, present: int | None) -> None:
        self.form_error, self.is_open = "", True
        self.organizations = organization_options(await organization_names(), present)
