"""Sessions, tokens and the own password: what ends what, and when."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlmodel import select
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.auth import own_password, sessions
from app.auth.throttle import PER_PAIR
from app.domain.devices import UNKNOWN, device
from app.infra.db import transaction
from app.tables import ApiToken, AuditEvent, User, UserSession
from app.tables.base import utcnow
from tests.conftest import ORIGIN
from tests.support.people import PASSWORD, Person

AUTH = "/api/v1/auth"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605 Version/18 Safari/604"
EDGE = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36 Edg/142.0"
NEW = "another correct horse"

Browser = Callable[..., TestClient]
AsPerson = Callable[..., TestClient]


@pytest.fixture
def browser(database: str, api: Starlette) -> Browser:
    """`browser(person, user_agent=FIREFOX)`: a browser in which that person has signed in."""

    def make(person: Person, user_agent: str = FIREFOX, password: str = PASSWORD) -> TestClient:
        made = TestClient(api, base_url=ORIGIN, headers={"Origin": ORIGIN, "User-Agent": user_agent})
        answer = made.post(f"{AUTH}/sign-in", json={"email": person.email, "password": password})
        assert answer.status_code == 200, answer.text
        return made

    return make


def ok(answer: httpx.Response) -> Any:
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


def signed_in(caller: TestClient) -> bool:
    return caller.get(f"{AUTH}/me").status_code == 200


def actions() -> list[str]:
    with transaction() as session:
        return [event.action for event in session.exec(select(AuditEvent).order_by("id"))]


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        (IPHONE, "Safari on iPhone"),
        (EDGE, "Edge on Windows"),
        ("curl/8.5.0", "curl"),
        ("", UNKNOWN),
        ("\x00<script>", UNKNOWN),
    ],
)
def test_device_is_named_in_plain_words(user_agent: str, words: str) -> None:
    assert device(user_agent) == words


def test_own_sessions_are_listed_with_device_and_the_present_one(
    browser: Browser, super_admin: Person, member: Person
) -> None:
    phone, desk = browser(super_admin, IPHONE), browser(super_admin)
    browser(member)
    listed = ok(desk.get(f"{AUTH}/sessions"))
    assert [(item["device"], item["current"]) for item in listed] == [
        ("Firefox on Linux", True),
        ("Safari on iPhone", False),
    ]
    assert {item["method"] for item in listed} == {"password"}
    assert [item["current"] for item in ok(phone.get(f"{AUTH}/sessions"))] == [False, True]
    assert "token_hash" not in listed[0]


def test_revoked_session_ends_at_once_and_nobody_revokes_another_persons(
    browser: Browser, super_admin: Person, member: Person
) -> None:
    phone, desk, other = browser(super_admin, IPHONE), browser(super_admin), browser(member)
    path = f"{AUTH}/sessions/{ok(desk.get(f'{AUTH}/sessions'))[1]['id']}/revoke"
    assert other.post(path).status_code == 404
    assert signed_in(phone)
    assert ok(desk.post(path))["revoked_at"] is not None
    assert not signed_in(phone)
    assert signed_in(desk)
    assert ok(desk.post(path))["revoked_at"] is not None, "once more changes nothing"
    assert actions().count("session.revoke") == 1
    assert len(ok(desk.get(f"{AUTH}/sessions"))) == 1


@pytest.mark.parametrize("api_tokens", [False, True])
def test_sign_out_everywhere_ends_all_sessions_and_tokens_when_asked(
    browser: Browser, as_person: AsPerson, super_admin: Person, member: Person, api_tokens: bool
) -> None:
    phone, desk, script, other = browser(super_admin), browser(super_admin), as_person(super_admin), browser(member)
    answer = desk.post(f"{AUTH}/sign-out-everywhere", json={"api_tokens": api_tokens})
    assert ok(answer) == {"sessions": 2, "api_tokens": int(api_tokens)}
    assert [signed_in(caller) for caller in (phone, desk, script, other)] == [False, False, not api_tokens, True]
    assert actions().count("session.sign_out_everywhere") == 1


def test_sign_out_is_audited_once(browser: Browser, super_admin: Person) -> None:
    desk = browser(super_admin)
    for _ in range(2):
        assert desk.post(f"{AUTH}/sign-out").status_code == 204
    assert actions() == ["session.sign_in", "session.sign_out"]


def test_every_sign_in_is_a_new_session(browser: Browser, super_admin: Person) -> None:
    desk = browser(super_admin)
    before = desk.cookies["trainyard_session"]
    ok(desk.post(f"{AUTH}/sign-in", json={"email": super_admin.email, "password": PASSWORD}))
    assert desk.cookies["trainyard_session"] != before
    assert len(ok(desk.get(f"{AUTH}/sessions"))) == 2


def test_session_ends_ninety_days_after_its_sign_in_however_often_it_is_used(
    browser: Browser, super_admin: Person
) -> None:
    desk = browser(super_admin)
    started = utcnow() - sessions.LIFETIME + timedelta(days=2)
    with transaction() as session:
        row = session.exec(select(UserSession)).one()
        row.created_at, row.last_used_at = started, utcnow() - timedelta(minutes=5)
        session.add(row)
    assert signed_in(desk)
    with transaction() as session:
        assert session.exec(select(UserSession)).one().expires_at == started + sessions.LIFETIME


def change(caller: TestClient, present: str = PASSWORD, new: str = NEW) -> httpx.Response:
    return caller.post(f"{AUTH}/password", json={"current_password": present, "new_password": new})


def test_changed_password_ends_all_other_sessions_and_only_the_new_one_signs_in(
    browser: Browser, client: TestClient, super_admin: Person, member: Person
) -> None:
    phone, desk, other = browser(super_admin), browser(super_admin), browser(member)
    assert ok(change(desk)) == {"sessions": 1, "api_tokens": 0}
    assert [signed_in(caller) for caller in (phone, desk, other)] == [False, True, True]
    body = {"email": super_admin.email, "password": PASSWORD}
    assert client.post(f"{AUTH}/sign-in", json=body).status_code == 401
    browser(super_admin, password=NEW)
    assert "user.change_password" in actions()


def test_password_is_changed_only_with_the_present_one_and_by_nobody_who_guesses_it(
    browser: Browser, super_admin: Person
) -> None:
    desk = browser(super_admin)
    wrong = [change(desk, present="wrong").status_code for _ in range(PER_PAIR + 1)]
    assert wrong == [403] * PER_PAIR + [429]
    assert change(desk).status_code == 429


def test_api_token_changes_no_password(as_person: AsPerson, super_admin: Person) -> None:
    answer = change(as_person(super_admin))
    assert answer.status_code == 403
    assert "not by an API token" in answer.json()["detail"]


@pytest.mark.parametrize(("new", "status"), [(PASSWORD, 422), ("short", 422), (NEW, 409)])
def test_password_that_cannot_follow_is_refused(browser: Browser, member: Person, new: str, status: int) -> None:
    desk = browser(member)
    if status == 409:
        with transaction() as session:
            user = session.exec(select(User).where(User.id == member.id)).one()
            user.password_hash = None
            session.add(user)
    assert change(desk, new=new).status_code == status


def test_password_that_changes_while_it_is_checked_opens_no_session(
    client: TestClient, super_admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = own_password.verify_password

    def slowly(known: str | None, text: str) -> bool:
        with transaction() as session:
            user = session.exec(select(User)).one()
            user.password_hash = "changed meanwhile"
            session.add(user)
        return real(known, text)

    monkeypatch.setattr(own_password, "verify_password", slowly)
    body = {"email": super_admin.email, "password": PASSWORD}
    assert client.post(f"{AUTH}/sign-in", json=body).status_code == 401


def test_token_made_by_a_token_lives_no_longer_than_its_maker(
    browser: Browser, client: TestClient, super_admin: Person
) -> None:
    desk = browser(super_admin)
    maker = ok(desk.post(f"{AUTH}/tokens", json={"name": "maker", "scope": "full", "days": 1}))
    bearer = {"Authorization": f"Bearer {maker['token']}"}
    made = ok(client.post(f"{AUTH}/tokens", json={"name": "made", "scope": "full", "days": 300}, headers=bearer))
    assert made["api_token"]["expires_at"] == maker["api_token"]["expires_at"]
    listed = ok(desk.get(f"{AUTH}/tokens"))
    assert [(item["name"], item["last_used_at"] is not None) for item in listed] == [("made", False), ("maker", True)]
    with transaction() as session:
        assert len(session.exec(select(ApiToken)).all()) == 2


def test_me_names_the_organization(browser: Browser, member: Person) -> None:
    assert ok(browser(member).get(f"{AUTH}/me"))["organization"] == "Members Ltd"
