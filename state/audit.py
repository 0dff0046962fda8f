"""The audit log: searched by what stands in the address, so that a search can be sent to somebody else."""

# ruff: noqa: RUF012 Reflex copies a default for every client

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import reflex as rx
from pydantic import ValidationError

from app.domain.permissions import Permission
from app.schemas.audit import AuditFilter, AuditWanted
from app.schemas.people import OrganizationFilter
from app.services import audit, audit_chain, organizations
from state import views
from state.addresses import address
from state.base import call, in_words, paged
from state.marks import permission
from state.views.audit import AuditRow, audit_row, chain_words

PAGE = 50
PATH, EXPORT = "/audit", "/api/v1/training/audit/export"
_READ = Permission.AUDIT_READ
FIELDS = tuple(AuditWanted.model_fields)
# Those that few people look for: folded away until one of them is set.
MORE = ("subject_type", "subject_id", "organization_id", "request_id")


class AuditState(paged(_READ), rx.State):
    """One page of events, newest first. `search` holds what the address asks for."""

    rows: list[AuditRow] = []
    search: dict[str, str] = dict.fromkeys(FIELDS, "")
    organizations: list[views.Option] = []
    query: str = ""
    is_narrowed: bool = False
    is_detailed: bool = False
    export_href: str = EXPORT
    chain: str = ""
    head: str = ""

    @permission(_READ)
    async def load(self) -> None:
        """The first page of what the address asks for."""
        query = self.router.url.query_parameters
        self.search = {name: str(query.get(name, ""))[:400] for name in FIELDS}
        self.query = address("", **self.search)
        self.is_narrowed = any(self.search.values())
        self.is_detailed = any(self.search[name] for name in MORE)
        page = await call(organizations.list_organizations, OrganizationFilter(sort="name"), None, 200)
        self.organizations = [{"value": str(item.id), "label": item.name} for item in page.items]
        self._first_page()
        await self._refresh()

    @permission(_READ)
    def find(self, form: dict[str, Any]) -> Any:
        """Put what was filled in into the address; loading follows from it."""
        wanted = {name: str(form.get(name) or "").strip()[:400] for name in FIELDS}
        return rx.redirect(address(PATH, **wanted))

    async def _refresh(self) -> None:
        try:
            wanted = AuditFilter.model_validate(asked(self.search))
        except ValidationError as error:
            self.problem, self.loading = in_words(error), False
            return
        page = await self._load(audit.list_events, wanted, self._cursor(), PAGE)
        chain = await self._load(audit_chain.state)
        if page is None or chain is None:
            return
        names = {int(item["value"]): item["label"] for item in self.organizations}
        self.rows = [audit_row(event, names) for event in page.items]
        self.chain, self.head = chain_words(chain), chain.head if chain.length else ""
        kept = wanted.model_dump(mode="json", exclude={"sort"}, exclude_none=True)
        self.export_href = address(EXPORT, format="jsonl", **{name: str(value) for name, value in kept.items()})
        self._shown(page, "event", "events")


def asked(search: Mapping[str, str]) -> dict[str, str | datetime]:
    """The filter of a search. Days are those of UTC, and the last one counts whole."""
    wanted: dict[str, str | datetime] = {name: text for name, text in search.items() if text}
    for name, days in (("since", 0), ("until", 1)):
        day = _day(search.get(name, ""))
        if day is not None:
            wanted[name] = datetime.combine(day + timedelta(days=days), time(), UTC)
    return wanted


def _day(text: str) -> date | None:
    """The day that `text` is, if it is one; anything else is left to the filter, which takes moments too."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1 < day.year < 9998 else None
