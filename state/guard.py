"""The guard in front of every event: who sends it, and may they?

Deny by default. On every event, in this order:
1. The session cookie of the socket is exchanged for the person behind it, in the database, so that a sign-out or a
   deactivation counts at once.
2. A state tree belongs to one person with one role, organization and plan. If another one (or nobody) presents it, or
   the person has become another one, everything in it is wiped first.
3. Reflex's own handlers pass by name (`INTERNAL`), `setvar` never does, and ours pass only with a mark
   (`state/marks.py`) whose permission the person holds. A refusal is written to the audit log.
Objects and tenants are not decided here but in the services.
"""

import asyncio
import http.cookies
import logging
import uuid
from typing import Any

import reflex as rx
from reflex.middleware import Middleware
from reflex.state import BaseState, StateUpdate
from reflex_base.event import Event
from reflex_base.registry import RegisteredEventHandler, RegistrationContext

from app.domain.permissions import Actor, Permission, PersonActor, require
from app.errors import DomainError, Forbidden
from app.infra import metrics
from app.services.request_context import RequestContext, request_context
from state.base import asked, caller, note_refusal, person_behind
from state.marks import PUBLIC, mark_of
from state.session import SessionState, sign_in_page

log = logging.getLogger(__name__)

ROOT = "reflex___state____state"
INTERNAL = frozenset(
    {
        f"{ROOT}.hydrate",
        f"{ROOT}.hydrate_and_load",
        f"{ROOT}.set_is_hydrated",
        f"{ROOT}.reflex___state____on_load_internal_state.on_load_internal",
        f"{ROOT}.reflex___state____on_load_internal_state.set_is_hydrated",
        f"{ROOT}.reflex___state____update_vars_internal_state.update_vars_internal",
    }
)


def cookie_of(state: BaseState, name: str) -> str:
    """The session cookie that came with the socket of this event, or an empty string."""
    raw = (state.router_data.get("headers") or {}).get("cookie", "")
    jar: http.cookies.SimpleCookie = http.cookies.SimpleCookie()
    try:
        jar.load(raw)
    except http.cookies.CookieError:
        return ""
    return jar[name].value if name in jar else ""


def check(handler: RegisteredEventHandler | None, name: str, actor: Actor) -> None:
    """Return if `actor` may send the event `name`, raise `DomainError` if not."""
    if name in INTERNAL:
        return
    mark = None if handler is None or name.endswith(".setvar") else mark_of(handler.handler.fn)
    if mark is PUBLIC:
        return
    if not isinstance(mark, Permission):
        raise Forbidden("This event is not one that a page may send.")
    require(actor, mark)


class Guard(Middleware):
    """Stands first among the app's middlewares."""

    def __init__(self, cookie_name: str) -> None:
        self.cookie_name = cookie_name

    async def preprocess(self, app: Any, state: BaseState, event: Event) -> StateUpdate | None:  # noqa: ARG002
        """Let the event through (None), or answer it without its handler."""
        try:
            actor = await asyncio.to_thread(person_behind, cookie_of(state, self.cookie_name))
        except DomainError as error:
            return await self._answer(state, error.message)
        caller.set(actor)
        request_context.set(RequestContext(uuid.uuid4().hex, _address(state), {"actor": actor}))
        await self._bind(state, actor)
        handler = RegistrationContext.get().event_handlers.get(event.name)
        asked.set(_asked(handler, event.name))
        try:
            check(handler, event.name, actor)
        except DomainError as error:
            metrics.EVENTS.labels(_label(handler, event.name), "refused").inc()
            log.warning("event refused: %s (%s)", event.name[:200], error.problem_code)
            await asyncio.to_thread(note_refusal, error, "event", event.name)
            if actor is None:
                url = state.router.url
                return _redirect(await self._answer(state, ""), sign_in_page(url.path, url.query))
            return await self._answer(state, error.message)
        metrics.EVENTS.labels(_label(handler, event.name), "passed").inc()
        return None

    async def _bind(self, state: BaseState, actor: PersonActor | None) -> None:
        session = await state.get_state(SessionState)
        before, now = session._bound_to, _standing(actor)
        if before == now:
            return
        state._get_root_state().reset()
        session._bound_to = now
        if before[:1] == now[:1]:
            session.failure = "What you may see has changed. Reload the page."

    async def _answer(self, state: BaseState, message: str) -> StateUpdate:
        """What changed (a wipe, a message), without any handler having run."""
        if message:
            session = await state.get_state(SessionState)
            session.failure = message
        root = state._get_root_state()
        delta = await root._get_resolved_delta()
        root._clean()
        return StateUpdate(delta=delta)


def _standing(actor: PersonActor | None) -> tuple[str, ...]:
    """Who somebody is, first, and what decides what they may see."""
    if actor is None:
        return ()
    return (str(actor.user_id), str(actor.role), str(actor.organization_id), str(actor.plan))


def _redirect(update: StateUpdate, to: str) -> StateUpdate:
    return StateUpdate(delta=update.delta, events=Event.from_event_type(rx.redirect(to)))


def _address(state: BaseState) -> str:
    """Where the socket of this event came from; proxies are seen through before Reflex sees it (`app/api/proxies`)."""
    return str(state.router_data.get("ip") or "")


def _label(handler: RegisteredEventHandler | None, name: str) -> str:
    """`some_state.handler`: what a metric may be labelled with, which is never a name that a client made up."""
    return name.rpartition("____")[2] if handler is not None else "unknown"


def _asked(handler: RegisteredEventHandler | None, name: str) -> str:
    """How the audit log names an event: `event.<State>.<handler>`, and never by a name that a client made up."""
    return f"event.{handler.states[0].__name__}.{name.rpartition('.')[2]}" if handler is not None else "event.unknown"
