"""What the dashboard refuses is in the audit log: by whom, which event, which service, and why."""

import asyncio
from typing import Any

import pytest
from sqlmodel import select

from app.domain.permissions import Actor
from app.errors import DomainError, Forbidden, Invalid, NotFound
from app.infra.db import transaction
from app.schemas.samples import SampleVerify
from app.services import datasets, reviews
from app.tables import AuditEvent, TrainingDataset
from state.base import asked, call, caller, note_refusal
from tests.support.people import Person
from tests.support.records import make_dataset, make_samples

EVENT = "event.SamplesState.accept"


def refused_events() -> list[AuditEvent]:
    with transaction() as session:
        return list(session.exec(select(AuditEvent).where(AuditEvent.outcome == "refused").order_by(AuditEvent.id)))  # type: ignore[arg-type]


def as_caller(actor: Actor, *arguments: Any) -> None:
    async def run() -> None:
        caller.set(actor)
        asked.set(EVENT)
        await call(*arguments)

    asyncio.run(run())


def test_refusal_of_a_service_is_written_although_its_transaction_was_rolled_back(super_admin: Person) -> None:
    dataset = make_dataset(super_admin)
    (sample,) = make_samples(dataset, 1, super_admin)
    with pytest.raises(Forbidden, match="yourself"):
        as_caller(super_admin.actor, reviews.verify, dataset.id, sample, SampleVerify(verified=True))
    (event,) = refused_events()
    assert (event.actor, event.action) == (super_admin.email, EVENT)
    assert (event.subject_type, event.subject_id) == ("service", "reviews.verify")
    assert event.after["code"] == "forbidden"
    assert "yourself" in event.after["message"]


def test_every_refusal_of_a_known_person_is_written(member: Person) -> None:
    for _ in range(3):
        with pytest.raises(Forbidden):
            as_caller(member.actor, datasets.modules)
    assert [event.actor for event in refused_events()] == [member.email] * 3


def test_what_is_wrong_or_missing_is_no_refusal(super_admin: Person) -> None:
    with pytest.raises(NotFound):
        as_caller(super_admin.actor, datasets.get, TrainingDataset(name="x", ai_module="m", created_by=1).id)
    note_refusal(Invalid("The form is not complete."), "service", "datasets.create")
    assert refused_events() == []


@pytest.mark.usefixtures("database")
def test_refusals_of_nobody_fill_no_disk() -> None:
    for _ in range(3):
        with pytest.raises(DomainError):
            as_caller(None, datasets.modules)
    (event,) = refused_events()
    assert (event.actor, event.actor_user_id, event.after["code"]) == ("anonymous", None, "unauthenticated")
