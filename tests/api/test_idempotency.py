"""A request that is repeated with its Idempotency-Key happens once, also when it is repeated at the same moment."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlmodel import select
from starlette.testclient import TestClient

from app.infra.db import transaction
from app.services import idempotency, organizations
from app.tables import ApiToken, IdempotencyKey, Organization
from app.tables.base import utcnow
from tests.support.people import Person
from workers.reconciler import RECONCILER

PATH = "/api/v1/organizations"
AsPerson = Callable[..., TestClient]


def key(value: str) -> dict[str, str]:
    return {"Idempotency-Key": value}


def names() -> list[str]:
    with transaction() as session:
        return sorted(session.exec(select(Organization.name)))


def test_repetition_gets_the_first_answer(admin: TestClient) -> None:
    first = admin.post(PATH, json={"name": "Once"}, headers=key("a"))
    again = admin.post(PATH, json={"name": "Once"}, headers=key("a"))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert names() == ["Once"]


def test_other_key_is_another_request(admin: TestClient) -> None:
    assert admin.post(PATH, json={"name": "Twice"}, headers=key("a")).status_code == 201
    assert admin.post(PATH, json={"name": "Twice"}, headers=key("b")).status_code == 409


def test_key_of_another_request_is_refused(admin: TestClient) -> None:
    admin.post(PATH, json={"name": "One"}, headers=key("a"))
    answer = admin.post(PATH, json={"name": "Two"}, headers=key("a"))
    assert answer.status_code == 422
    assert answer.json()["type"].endswith("/idempotency-key-reused")
    assert names() == ["One"]


def test_key_belongs_to_its_person(as_person: AsPerson, super_admin: Person, second_admin: Person) -> None:
    assert as_person(super_admin).post(PATH, json={"name": "Mine"}, headers=key("a")).status_code == 201
    assert as_person(second_admin).post(PATH, json={"name": "Yours"}, headers=key("a")).status_code == 201


def test_ten_equal_requests_at_once_make_one(admin: TestClient) -> None:
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: admin.post(PATH, json={"name": "Race"}, headers=key("r")), range(10)))
    assert {answer.status_code for answer in answers} == {201}, [answer.text for answer in answers]
    assert len({answer.text for answer in answers}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    assert names() == ["Race"]


def test_refused_request_may_be_sent_again(admin: TestClient) -> None:
    admin.post(PATH, json={"name": "Taken"})
    assert admin.post(PATH, json={"name": "Taken"}, headers=key("a")).status_code == 409
    with transaction() as session:
        row = session.exec(select(Organization)).one()
        row.name = "Renamed"
        session.add(row)
    assert admin.post(PATH, json={"name": "Taken"}, headers=key("a")).status_code == 201


def test_failure_after_the_change_leaves_neither_change_nor_key(
    admin: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = organizations.create

    def broken(*arguments: object) -> None:
        make(*arguments)  # type: ignore[arg-type]
        raise RuntimeError("the process died here")

    monkeypatch.setattr(organizations, "create", broken)
    with pytest.raises(RuntimeError):
        admin.post(PATH, json={"name": "Half"}, headers=key("a"))
    assert names() == []
    monkeypatch.undo()
    assert admin.post(PATH, json={"name": "Half"}, headers=key("a")).status_code == 201


def test_secret_is_answered_once_and_stored_nowhere(admin: TestClient) -> None:
    body = {"name": "script"}
    made = admin.post("/api/v1/auth/tokens", json=body, headers=key("t"))
    again = admin.post("/api/v1/auth/tokens", json=body, headers=key("t"))
    assert (made.status_code, again.status_code) == (201, 409)
    assert again.json()["type"].endswith("/idempotency-secret")
    with transaction() as session:
        assert session.exec(select(IdempotencyKey)).one().answer is None
        assert len(session.exec(select(ApiToken).where(ApiToken.name == "script")).all()) == 1


@pytest.mark.parametrize("value", ["", "x" * 201, "tab\there"])
def test_absurd_key_is_refused(admin: TestClient, value: str) -> None:
    assert admin.post(PATH, json={"name": "X"}, headers=key(value)).status_code == 422


def test_key_is_forgotten_after_a_day(admin: TestClient) -> None:
    admin.post(PATH, json={"name": "Old"}, headers=key("a"))
    with transaction() as session:
        session.exec(update(IdempotencyKey).values(created_at=utcnow() - timedelta(hours=25)))  # type: ignore[call-overload]
    assert admin.post(PATH, json={"name": "New"}, headers=key("a")).status_code == 201
    with transaction() as session:
        session.exec(update(IdempotencyKey).values(created_at=utcnow() - timedelta(hours=25)))  # type: ignore[call-overload]
    with transaction() as session:
        assert idempotency.forget_old(session, RECONCILER) == 1
    with transaction() as session:
        assert session.exec(select(IdempotencyKey)).all() == []
