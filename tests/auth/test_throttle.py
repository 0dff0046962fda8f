"""Guessing passwords: how often, from where, and that no answer tells a known account from an unknown one."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from sqlmodel import col, select
from starlette.testclient import TestClient

from app.auth import own_password, throttle
from app.auth.throttle import PER_ACCOUNT, PER_ADDRESS, PER_PAIR, WINDOW_SECONDS, Attempt
from app.domain.permissions import Role
from app.errors import TooManyRequests, Unavailable
from app.infra import queue
from app.infra.counters import PREFIX
from app.infra.db import transaction
from app.tables import AuditEvent
from tests.support.people import PASSWORD, Person, make_person

SIGN_IN = "/api/v1/auth/sign-in"
EMAIL = "ada.admin@example.test"


def attempts(count: int, email: Callable[[int], str], address: Callable[[int], str]) -> int:
    """How many of `count` attempts are let through to the password."""
    passed = 0
    for number in range(count):
        try:
            Attempt(email(number), address(number))
        except TooManyRequests:
            break
        passed += 1
    return passed


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("email", "address", "limit"),
    [
        (lambda _: EMAIL, lambda _: "192.0.2.1", PER_PAIR),
        (lambda number: f"{number}@example.test", lambda _: "192.0.2.1", PER_ADDRESS),
        (lambda _: EMAIL, lambda number: f"192.0.2.{number}", PER_ACCOUNT),
        (lambda _: EMAIL, lambda number: f"2001:db8:0:7::{number:x}", PER_PAIR),
        (lambda number: f"{number}@example.test", lambda number: f"2001:db8:0:7:{number:x}::1", PER_ADDRESS),
    ],
)
def test_each_limit_stops_the_next_attempt(
    email: Callable[[int], str], address: Callable[[int], str], limit: int
) -> None:
    assert attempts(limit + 5, email, address) == limit
    with pytest.raises(TooManyRequests) as stopped:
        Attempt(email(limit), address(limit))
    assert 0 < stopped.value.fields["retry_after"] <= WINDOW_SECONDS
    Attempt("other@example.test", "198.51.100.1")


@pytest.mark.usefixtures("database")
def test_attempts_at_the_same_time_do_not_pass_a_limit_together() -> None:
    def passes(_: int) -> bool:
        try:
            Attempt(EMAIL, "192.0.2.1")
        except TooManyRequests:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(passes, range(40))) == PER_PAIR


@pytest.mark.usefixtures("database")
def test_what_is_stopped_counts_nowhere_and_every_counter_ends_by_itself() -> None:
    attempts(PER_PAIR + 3, lambda _: EMAIL, lambda _: "192.0.2.1")
    stored = {key: int(queue.get_redis().get(key)) for key in queue.get_redis().keys(f"{PREFIX}*")}
    assert sorted(stored.values()) == [PER_PAIR] * 3
    assert all(0 < queue.get_redis().ttl(key) <= WINDOW_SECONDS for key in stored)
    assert not [key for key in stored if EMAIL.encode() in key]


@pytest.mark.usefixtures("database")
def test_right_password_forgets_the_failures_of_the_pair_and_is_none_itself() -> None:
    attempts(PER_PAIR - 1, lambda _: EMAIL, lambda _: "192.0.2.1")
    Attempt(EMAIL, "192.0.2.1").succeeded()
    counts = sorted(int(queue.get_redis().get(key)) for key in queue.get_redis().keys(f"{PREFIX}*"))
    assert counts == [PER_PAIR - 1] * 2, "address and account still know of the failures"
    assert attempts(PER_PAIR + 1, lambda _: EMAIL, lambda _: "192.0.2.1") == PER_PAIR


@pytest.mark.parametrize("known", [True, False])
def test_known_and_unknown_accounts_are_answered_alike(
    client: TestClient, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str | None] = []
    real = own_password.verify_password
    monkeypatch.setattr(own_password, "verify_password", lambda known, text: hashed.append(known) or real(known, text))
    if known:
        make_person("Ada Admin", Role.SUPER_ADMIN)
    body = {"email": EMAIL, "password": "a wrong one"}
    answers = [client.post(SIGN_IN, json=body) for _ in range(PER_PAIR + 2)]
    assert [answer.status_code for answer in answers] == [401] * PER_PAIR + [429] * 2
    assert {answer.json()["type"].rpartition("/")[2] for answer in answers} == {"sign-in-failed", "sign-in-throttled"}
    assert answers[0].json()["detail"] == "E-mail address or password is wrong."
    assert answers[-1].json()["detail"] == "Too many attempts with a wrong password. Wait 15 min, then try again."
    assert 0 < int(answers[-1].headers["retry-after"]) <= WINDOW_SECONDS
    assert len(hashed) == PER_PAIR, "a password is hashed for every attempt, and for none that is stopped"
    body["password"] = PASSWORD
    assert client.post(SIGN_IN, json=body).status_code == 429, "also the right one has to wait"


def refusals() -> list[AuditEvent]:
    with transaction() as session:
        query = select(AuditEvent).where(AuditEvent.outcome == "refused").order_by(col(AuditEvent.id))
        return list(session.exec(query))


def test_every_failed_sign_in_is_one_event_that_names_the_address_and_no_password(
    client: TestClient, super_admin: Person
) -> None:
    for email in (super_admin.email, super_admin.email, "nobody@example.test"):
        client.post(SIGN_IN, json={"email": email, "password": "hunter2-hunter2"})
    events = refusals()
    assert [event.subject_id for event in events] == [super_admin.email, super_admin.email, "nobody@example.test"]
    assert {(event.actor, event.action, event.after["code"]) for event in events} == {
        ("anonymous", "session.sign_in", "sign-in-failed")
    }
    assert events[0].ip_address == "testclient"
    assert "hunter2" not in repr([event.model_dump() for event in events])


def test_stopped_attempts_do_not_fill_the_log(client: TestClient, super_admin: Person) -> None:
    for _ in range(PER_PAIR + 5):
        client.post(SIGN_IN, json={"email": super_admin.email, "password": "wrong"})
    codes = [event.after["code"] for event in refusals()]
    assert codes == ["sign-in-failed"] * PER_PAIR + ["sign-in-throttled"]


def test_nobody_signs_in_uncounted_while_redis_is_away(
    client: TestClient, super_admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> redis.Redis:
        return redis.Redis(unix_socket_path="/nowhere/valkey.sock")

    monkeypatch.setattr("app.infra.counters.get_redis", away)
    with pytest.raises(Unavailable):
        throttle.Attempt(EMAIL, "192.0.2.1")
    answer = client.post(SIGN_IN, json={"email": super_admin.email, "password": PASSWORD})
    assert answer.status_code == 503
    assert "set-cookie" not in answer.headers
