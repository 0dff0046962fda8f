"""Every event handler times everybody, called by a client that is no browser, on a running server.

`tests/support/handlers.py` says who each handler is for, written out: a handler without a row fails, and so does a row
without a handler. Whoever is refused changes nothing and learns nothing, and the refusal stands in the audit log.
"""

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from reflex_base.registry import RegistrationContext
from sqlmodel import col, select

import app.app  # noqa: F401 registers every state of the product
from app.auth.actors import digest
from app.domain.permissions import Plan, Role
from app.infra import queue
from app.infra.db import transaction
from app.tables import AuditEvent, UserSession
from app.tables.base import utcnow
from tests.api.test_matrix import everything
from tests.browser.web_process import Web, running_web
from tests.state.test_socket import HYDRATE, Client, sign_in
from tests.support import people
from tests.support.handlers import HANDLERS
from tests.support.people import Person
from tests.support.records import make_dataset
from tests.support.servers import Servers
from tests.support.world import make_world

SECRET = "what only the right people may see"
MAY: dict[str, set[str]] = {
    "public": {"anonymous", "ended", "expired", "member", "professional", "enterprise", "super admin"},
    "own": {"member", "professional", "enterprise", "super admin"},
    "read": {"enterprise", "super admin"},
    "admin": {"super admin"},
}
PART = 50
CALLERS = sorted(MAY["public"])


def names() -> dict[str, str]:
    """`State.handler` and the full name of each event that a browser could send to us."""
    found = {}
    for name, known in RegistrationContext.get().event_handlers.items():
        state = known.states[0]
        if state.__module__.startswith("state") and not name.endswith(".setvar"):
            found[f"{state.__name__}.{name.rpartition('.')[2]}"] = name
    return found


def test_every_handler_stands_in_the_matrix() -> None:
    assert set(names()) == set(HANDLERS)
    assert set(HANDLERS.values()) == set(MAY)


@pytest.fixture(scope="module")
def web(stack: Servers) -> Iterator[Web]:
    with running_web(stack, front_end=False) as started:
        yield started


@pytest.fixture(scope="module")
def root(web: Web) -> Person:
    """Owns records that the others may not see."""
    person = people.make_person("Rita Root", Role.SUPER_ADMIN)
    make_world(person, people.make_organization("Elsewhere Ltd", Plan.ENTERPRISE))
    make_dataset(person, name=SECRET, organization_id=people.make_organization("Hidden Ltd", Plan.ENTERPRISE))
    return person


def person_of(caller: str, root: Person) -> Person:
    """Somebody new of that kind."""
    if caller in {"super admin", "ended", "expired"}:
        return root
    plan = Plan.PROFESSIONAL if caller == "professional" else Plan.ENTERPRISE
    role = Role.MEMBER if caller == "member" else Role.ORGANIZATION_ADMIN
    name = f"{caller} {uuid4().hex[:6]}"
    return people.make_person(name, role, organization_id=people.make_organization(f"Org of {name}", plan), plan=plan)


def cookie_of(caller: str, web: Web, root: Person) -> str:
    """The Cookie header of a caller; that of one whose session has ended is still sent."""
    if caller == "anonymous":
        return ""
    cookie = sign_in(web, person_of(caller, root))
    change = {"ended": {"revoked_at": utcnow()}, "expired": {"expires_at": utcnow() - timedelta(seconds=1)}}.get(caller)
    if change:
        with transaction() as session:
            hashed = digest(cookie.partition("=")[2])
            row = session.exec(select(UserSession).where(UserSession.token_hash == hashed)).one()
            session.add(row.sqlmodel_update(change))
    return cookie


def call_all(web: Web, cookie: str, events: list[str]) -> str:
    """Send all `events` on one tab; everything that came back, as text."""

    async def run() -> list[dict[str, Any]]:
        async with Client(web, str(uuid4()), cookie) as client:
            answers = await client.send(*HYDRATE)
            for event in events:
                answers += await client.send(event)
            return answers

    return json.dumps(asyncio.run(run()))


@pytest.mark.parametrize("caller", [caller for caller in CALLERS if caller != "super admin"])
def test_who_may_not_changes_nothing_learns_nothing_and_is_written_down(caller: str, web: Web, root: Person) -> None:
    refused = [name for name, word in HANDLERS.items() if caller not in MAY[word]]
    assert len(refused) > 20
    cookie = cookie_of(caller, web, root)
    before, first, answers = everything(), newest(), ""
    for start in range(0, len(refused), PART):
        queue.get_redis().flushdb()  # of one caller only so many refusals are written in a minute
        answers += call_all(web, cookie, [names()[name] for name in refused[start : start + PART]])
    changed = {table for table, content in everything().items() if content != before[table]} - {"user_sessions"}
    assert changed == set()
    assert SECRET not in answers
    assert "Elsewhere Ltd" not in answers
    with transaction() as session:
        written = session.exec(
            select(AuditEvent.action).where(col(AuditEvent.id) > first, AuditEvent.outcome == "refused")
        )
        assert {action.removeprefix("event.") for action in written} == set(refused)


def newest() -> int:
    """The number of the last event of the audit log."""
    with transaction() as session:
        return session.exec(select(AuditEvent.id).order_by(col(AuditEvent.id).desc()).limit(1)).first() or 0


@pytest.mark.parametrize("caller", ["enterprise", "member", "super admin"])
def test_who_may_is_not_refused(caller: str, web: Web, root: Person) -> None:
    """What a handler makes of a call without its arguments is another matter: the guard lets it through."""
    cookie = cookie_of(caller, web, root)
    allowed = [name for name, word in HANDLERS.items() if caller in MAY[word]]
    loads = [name for name in allowed if name.endswith((".load", ".refresh"))]
    first = newest()
    call_all(web, cookie, [names()[name] for name in loads])
    with transaction() as session:
        query = select(AuditEvent.action).where(col(AuditEvent.id) > first, AuditEvent.outcome == "refused")
        assert list(session.exec(query)) == []
