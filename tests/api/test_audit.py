"""The audit log over REST: found by everything it holds, taken away line by line, proven by its chain."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from app.domain.audit_chain import GENESIS, chain_sha256, event_sha256
from app.domain.permissions import EdgeActor, SystemActor
from app.infra.db import get_engine, transaction
from app.services import audit, audit_chain, audit_export
from app.services.request_context import RequestContext, request_context
from app.tables import Organization, User
from app.tables.base import utcnow
from tests.support.people import Person

AUDIT = "/api/v1/training/audit"
RECONCILER = SystemActor("reconciler")
PUMP = EdgeActor(7, "pump", 1)
USER, ACME = User(id=5, email="a", name="a", role="member"), Organization(id=5, name="Acme")


@pytest.fixture
def log(super_admin: Person) -> None:
    """Six events of three actors."""
    told: list[tuple[Any, str, Any, int | None]] = [
        (super_admin.actor, "organization.create", ACME, None),
        (super_admin.actor, "organization.update", ACME, 1),
        (super_admin.actor, "user.create", USER, 1),
        (PUMP, "deployment.completed", USER, 1),
        (RECONCILER, "training_job.requeue", USER, 2),
        (RECONCILER, "training_jobs%", USER, None),
    ]
    for number, (actor, action, subject, organization_id) in enumerate(told):
        token = request_context.set(RequestContext(f"request-{number}", "192.0.2.7"))
        with transaction() as session:
            audit.record(
                session, actor, action, subject, before={"n": number}, after={"n": "é"}, organization_id=organization_id
            )
        request_context.reset(token)


def link() -> int:
    with transaction() as session:
        return audit_chain.seal(session, RECONCILER)


def found(admin: TestClient, **search: Any) -> list[str]:
    answer = admin.get(AUDIT, params=search)
    assert answer.status_code == 200, answer.text
    return [event["action"] for event in answer.json()["items"]]


def lines(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/jsonl")
    assert "audit.jsonl" in answer.headers["content-disposition"]
    return [json.loads(line) for line in answer.text.splitlines()]


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize(
    ("search", "actions"),
    [
        ({"actor": "edge-7"}, ["deployment.completed"]),
        ({"actor": "reconciler"}, ["training_jobs%", "training_job.requeue"]),
        ({"action": "organization.update"}, ["organization.update"]),
        ({"action": "organization."}, ["organization.update", "organization.create"]),
        ({"action": "training_job*"}, ["training_jobs%", "training_job.requeue"]),
        ({"action": "training_jobs%*"}, ["training_jobs%"]),
        ({"action": "%*"}, []),
        ({"action": "organizatio_."}, []),
        ({"subject_type": "organizations", "subject_id": "5"}, ["organization.update", "organization.create"]),
        ({"subject_type": "users", "subject_id": "6"}, []),
        ({"organization_id": 2}, ["training_job.requeue"]),
        ({"request_id": "request-2"}, ["user.create"]),
        ({"action": "organization.", "sort": "id"}, ["organization.create", "organization.update"]),
        ({"actor": "edge-7", "action": "user."}, []),
    ],
    ids=str,
)
def test_events_are_found_by_what_they_hold(admin: TestClient, search: dict[str, Any], actions: list[str]) -> None:
    assert found(admin, **search) == actions


def test_events_are_found_by_time_and_outcome(
    admin: TestClient, as_person: Callable[..., TestClient], member: Person
) -> None:
    assert admin.post("/api/v1/organizations", json={"name": "Acme"}).status_code == 201
    before = utcnow()
    assert as_person(member).get(AUDIT).status_code == 403
    assert found(admin, outcome="done") == ["organization.create"]
    assert found(admin, outcome="refused") == found(admin, since=before.isoformat()) == ["api.list_audit"]
    assert found(admin, until=before.isoformat()) == ["organization.create"]
    assert found(admin, since=(utcnow() + timedelta(minutes=1)).isoformat()) == []


@pytest.mark.usefixtures("log")
def test_event_is_shown_whole(admin: TestClient, super_admin: Person) -> None:
    (event,) = admin.get(AUDIT, params={"action": "organization.update"}).json()["items"]
    assert (event["actor"], event["actor_user_id"], event["outcome"]) == (super_admin.email, super_admin.id, "done")
    assert (event["before"], event["after"]) == ({"n": 1}, {"n": "é"})
    assert (event["request_id"], event["ip_address"], event["organization_id"]) == ("request-1", "192.0.2.7", 1)


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize(
    "search", [{"outcome": "perhaps"}, {"sort": "actor"}, {"since": "yesterday"}, {"who": "me"}, {"actor": ""}], ids=str
)
def test_search_that_means_nothing_is_refused(admin: TestClient, search: dict[str, str]) -> None:
    for path in (AUDIT, f"{AUDIT}/export"):
        assert admin.get(path, params=search).status_code == 422


@pytest.mark.usefixtures("log")
def test_export_holds_every_linked_event_with_its_link_and_can_be_checked(
    admin: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_export, "PART", 2)
    assert link() == 6
    exported = lines(admin.get(f"{AUDIT}/export"))
    head = GENESIS
    for number, event in enumerate(exported, start=1):
        chain = event.pop("chain")
        head = chain_sha256(head, number, event["id"], event_sha256(event))
        assert (chain["number"], chain["chain_sha256"]) == (number, head)
    assert len(exported) == 6
    assert admin.get(f"{AUDIT}/chain").json()["head"] == head


@pytest.mark.usefixtures("log")
def test_export_of_a_search_holds_what_the_search_finds(admin: TestClient) -> None:
    link()
    exported = lines(admin.get(f"{AUDIT}/export", params={"action": "organization.", "format": "jsonl"}))
    assert [event["action"] for event in exported] == ["organization.create", "organization.update"]
    assert admin.get(f"{AUDIT}/export", params={"format": "csv"}).status_code == 422


@pytest.mark.usefixtures("log")
def test_export_reads_a_part_in_a_transaction_of_its_own(admin: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two parts no connection is held, however slowly somebody reads."""
    monkeypatch.setattr(audit_export, "PART", 2)
    link()
    held: list[int] = []
    told = audit_export.part

    def part(*arguments: Any) -> audit_export.Part:
        held.append(get_engine().pool.checkedout())  # type: ignore[attr-defined]
        return told(*arguments)

    monkeypatch.setattr(audit_export, "part", part)
    assert len(lines(admin.get(f"{AUDIT}/export"))) == 6
    assert held == [0] * 4  # the session connects with its first statement: nothing else is open


@pytest.mark.usefixtures("log")
def test_chain_says_how_many_events_wait(admin: TestClient) -> None:
    assert admin.get(f"{AUDIT}/chain").json() == {"length": 0, "head": GENESIS, "waiting": 6}
    link()
    chain = admin.get(f"{AUDIT}/chain").json()
    assert (chain["length"], chain["waiting"]) == (6, 0)
    assert lines(admin.get(f"{AUDIT}/export"))[-1]["chain"]["chain_sha256"] == chain["head"]


@pytest.mark.parametrize("path", ["", "/chain", "/export"])
def test_only_super_admins_read_the_log(
    path: str,
    client: TestClient,
    as_person: Callable[..., TestClient],
    enterprise_admin: Person,
    member: Person,
    super_admin: Person,
) -> None:
    assert client.get(AUDIT + path).status_code == 401
    for person in (enterprise_admin, member):
        assert as_person(person).get(AUDIT + path).status_code == 403
    assert as_person(super_admin, "read").get(AUDIT + path).status_code == 200
