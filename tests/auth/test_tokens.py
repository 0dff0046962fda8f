"""Personal API tokens: none survives its person's deactivation, and a revocation happens once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlmodel import select

from app.auth import tokens
from app.domain.permissions import SystemActor
from app.errors import Unauthenticated
from app.infra.db import transaction
from app.schemas.people import ApiTokenCreate, ApiTokenCreated, UserUpdate
from app.services import users
from app.tables import ApiToken, AuditEvent
from tests.support.people import Person
from tests.support.waiting import wait_for

BLOCKED = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def make(person: Person) -> ApiTokenCreated:
    with transaction() as session:
        return tokens.create_token(session, person.actor, ApiTokenCreate(name="script", scope="full"))


def somebody_waits() -> bool:
    with transaction() as session:
        return bool(session.connection().execute(text(BLOCKED)).scalar_one())


def test_token_that_is_made_during_the_deactivation_of_its_person_does_not_come_to_be(member: Person) -> None:
    gone = UserUpdate(name="Max Member", role=member.actor.role, organization_id=None, is_active=False)
    with ThreadPoolExecutor(1) as pool:
        with transaction() as session:
            users.update(session, SystemActor("command line"), member.id, gone)
            made = pool.submit(make, member)
            wait_for(somebody_waits, 20, "the token to wait for the deactivation")
        with pytest.raises(Unauthenticated, match="deactivated"):
            made.result(20)
    with transaction() as session:
        assert session.exec(select(ApiToken)).all() == []


def test_revoking_once_more_changes_nothing_and_writes_no_event(member: Person) -> None:
    made = make(member).api_token
    answers = []
    for _ in range(2):
        with transaction() as session:
            answers.append(tokens.revoke_token(session, member.actor, made.id))
    assert answers[0].revoked_at == answers[1].revoked_at
    with transaction() as session:
        events = session.exec(select(AuditEvent).where(AuditEvent.action == "api_token.revoke")).all()
    assert len(events) == 1
