"""What every page's state shares, and the dashboard's one door to the services.

Rules:
- Only here is a transaction opened and the person behind the session cookie looked up.
- `caller` is set by the guard on every event; without a guard it is nobody, and services refuse nobody.
- One event is answered by one service call in one transaction, in a thread: a handler never blocks the event loop.
- A `DomainError` becomes a message that the page shows; it never becomes a script (no server-sent toasts).
"""

# ruff: noqa: RUF012 Reflex copies a default for every client

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, Concatenate, ParamSpec, TypeVar

import reflex as rx
from pydantic import BaseModel, ValidationError
from sqlmodel import Session

from app.auth import sessions
from app.domain.permissions import Actor, Permission, PersonActor
from app.errors import DomainError
from app.infra import tracing
from app.infra.db import transaction
from app.infra.object_store import ObjectStore, get_object_store
from app.schemas import base
from app.schemas.base import AS_TEXT
from app.services import audit
from state.addresses import NEWEST, address, turned
from state.marks import permission, public
from state.views.words import span

log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")
Form = TypeVar("Form", bound=BaseModel)

caller: ContextVar[Actor] = ContextVar("caller", default=None)
# The event that is answered, as the audit log names it. The guard sets both.
asked: ContextVar[str] = ContextVar("asked", default="event.unknown")


def person_behind(cookie: str) -> PersonActor | None:
    """Who holds this session cookie now; None if nobody does."""
    if not cookie:
        return None
    with transaction() as session:
        return sessions.actor_of_session(session, cookie)


def store() -> ObjectStore:
    """The object store, for services that sign URLs."""
    return get_object_store()


def note_refusal(error: DomainError, subject_type: str, subject_id: str) -> None:
    """Write into the audit log that the caller was refused, if `error` is a refusal. Never hides the refusal itself."""
    if not isinstance(error, audit.REFUSALS):
        return
    try:
        with transaction() as session:
            audit.refused(session, caller.get(), error, asked.get(), subject_type, subject_id)
    except DomainError as failure:  # the database is away: the caller still learns of the refusal
        log.error("a refusal could not be written to the audit log: %s", failure.message)


async def call(
    service: Callable[Concatenate[Session, Actor, P], R],
    *args: P.args,
    **kwargs: P.kwargs,
) -> R:
    """Run `service` as the caller, in a thread and a transaction of its own."""

    def work() -> R:
        try:
            with tracing.service(service), transaction() as session:
                return service(session, caller.get(), *args, **kwargs)
        except DomainError as error:
            note_refusal(error, "service", f"{service.__module__.rpartition('.')[2]}.{service.__name__}")
            raise

    return await asyncio.to_thread(work)


def in_words(error: ValidationError) -> str:
    """What is wrong with a form, one short sentence per field."""
    faults = []
    for fault in error.errors(include_url=False, include_input=False)[:6]:
        field = ".".join(str(part) for part in fault["loc"] if not isinstance(part, int)).replace("_", " ")
        message = str(fault["msg"]).removeprefix("Value error, ")
        faults.append(f"{field or 'form'}: {message[:1].lower()}{message[1:]}")
    return "Please check: " + "; ".join(faults) + "."


class Page(rx.State, mixin=True):
    """What a page shows besides its content."""

    loading: bool = True
    problem: str = ""
    notice: str = ""
    notice_tone: str = "success"
    form_error: str = ""

    async def _load(
        self, service: Callable[Concatenate[Session, Actor, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R | None:
        """What the page is about. If it cannot be had, `problem` says why in its place."""
        try:
            found = await call(service, *args, **kwargs)
        except DomainError as error:
            self.problem, self.loading = error.message, False
            return None
        self.problem = ""
        return found

    async def _do(
        self, service: Callable[Concatenate[Session, Actor, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R | None:
        """Something a button asked for. A refusal becomes the page's notice."""
        try:
            return await call(service, *args, **kwargs)
        except DomainError as error:
            self._tell(error.message, "error")
            return None

    async def _submit(
        self, service: Callable[Concatenate[Session, Actor, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R | None:
        """Something a form asked for. A refusal is shown inside the form."""
        self.form_error = ""
        try:
            return await call(service, *args, **kwargs)
        except DomainError as error:
            self.form_error = error.message
            return None

    def _parse(self, form: type[Form], values: Mapping[str, Any]) -> Form | None:
        """`values` as a request, or None with the faults in `form_error`: what a browser sends is never believed."""
        self.form_error = ""
        try:
            return form.model_validate(dict(values), context=AS_TEXT)
        except ValidationError as error:
            self.form_error = in_words(error)
            return None

    def _tell(self, message: str, tone: str = "success") -> None:
        self.notice, self.notice_tone = message, tone

    @public
    def dismiss(self) -> None:
        """Close the notice."""
        self.notice = ""


class Paged(Page, mixin=True):
    """A list that is paged by key: the cursors that led here are kept, each with how many rows come before its page."""

    has_next: bool = False
    has_previous: bool = False
    summary: str = ""
    _cursors: list[tuple[str, int]] = []
    _next: tuple[str, int] = ("", 0)

    def _cursor(self) -> str | None:
        return self._cursors[-1][0] if self._cursors else None

    def _first_page(self) -> None:
        self._cursors = []

    def _turn(self, forward: bool) -> None:
        if forward and self._next[0]:
            self._cursors = [*self._cursors[-500:], self._next]
        elif not forward:
            self._cursors = self._cursors[:-1]

    def _shown(self, page: base.Page[Any], one: str, more: str) -> None:
        """Say what of the list `page` is; `one` and `more` name what is listed."""
        start = self._cursors[-1][1] if self._cursors else 0
        self._next = (page.next_cursor or "", start + len(page.items))
        self.has_next, self.has_previous = page.next_cursor is not None, bool(self._cursors)
        self.summary = span(start, len(page.items), page.total, page.total_is_exact, one, more)
        self.loading = False


def paged(needed: Permission) -> type[Paged]:
    """`Paged` with the three events that every list knows, for those who hold `needed`."""

    class List(Paged, mixin=True):
        """A list that turns its pages and looks again when something changed."""

        async def _refresh(self) -> None:
            """Read the present page again. Every list says how."""
            raise NotImplementedError

        @permission(needed)
        async def next_page(self) -> None:
            """Older ones."""
            self._turn(forward=True)
            await self._refresh()

        @permission(needed)
        async def previous_page(self) -> None:
            """Newer ones."""
            self._turn(forward=False)
            await self._refresh()

        @permission(needed)
        async def on_live(self, _topic: str, _data: dict[str, Any]) -> None:
            """Something changed: look again."""
            await self._refresh()

    return List


def sortable(needed: Permission, path: str) -> type[Paged]:
    """`paged` for the list at `path` whose filters and order stand in its address."""

    class Sortable(paged(needed), mixin=True):  # type: ignore[misc]
        """A list that can be ordered by the heads of its columns."""

        sort: str = NEWEST

        def _filters(self) -> dict[str, str]:
            """The filters in the address, and their present values."""
            return {}

        def _go(self, **changed: str) -> Any:
            """The same list with another filter or order; loading follows from the address."""
            query = {**self._filters(), "sort": self.sort, **changed}
            if query["sort"] == NEWEST:
                del query["sort"]
            return rx.redirect(address(path, **query), replace=True)

        @permission(needed)
        def sort_by(self, column: str) -> Any:
            """Order by a column, or the other way round if it is the one already."""
            return self._go(sort=turned(self.sort, str(column)))

    return Sortable
