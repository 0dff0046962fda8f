"""One's own account over the event socket: secrets that leave with their dialog, and sign-ins that really end."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar
from uuid import uuid4

import httpx
import pytest
from sqlmodel import col, select

from app.domain.permissions import Plan, Role
from app.infra.db import transaction
from app.tables import ApiToken, AuditEvent, UserSession
from tests.browser.web_process import Web, running_web
from tests.state.test_socket import HYDRATE, Client, attack, sign_in, state
from tests.support import people
from tests.support.people import PASSWORD, Person, make_token
from tests.support.servers import Servers

ACCOUNT = state("account", "account_state")
NEW = "another correct horse"
R = TypeVar("R")


@pytest.fixture(scope="module")
def web(stack: Servers) -> Iterator[Web]:
    with running_web(stack, front_end=False) as started:
        yield started


@pytest.fixture
def max_member(web: Web) -> Person:
    """Somebody new without any access to the training interface."""
    return people.make_person(f"Max Member {uuid4().hex[:8]}", Role.MEMBER)


def event(name: str, **payload: Any) -> tuple[str, dict[str, Any], str]:
    return f"{ACCOUNT}.{name}", payload, "/account"


def on_one_tab(web: Web, cookie: str, steps: Callable[[Client], Awaitable[R]]) -> R:
    async def run() -> R:
        async with Client(web, str(uuid4()), cookie) as client:
            await client.send(*HYDRATE)
            return await steps(client)

    return asyncio.run(run())


async def said(client: Client, name: str, **payload: Any) -> str:
    return json.dumps(await client.send(*event(name, **payload)))


def who(web: Web, **headers: str) -> int:
    """The status with which the API answers that credential."""
    return httpx.get(f"{web.url}/api/v1/auth/me", headers=headers, trust_env=False).status_code


def password_form(present: str = PASSWORD, new: str = NEW, repeated: str = NEW) -> dict[str, str]:
    return {"current_password": present, "new_password": new, "repeated_password": repeated}


@pytest.mark.parametrize("closing", [("forget_secret", {"is_open": False}), ("load", {})])
def test_secret_of_a_new_token_leaves_with_its_dialog(
    web: Web, max_member: Person, closing: tuple[str, dict[str, Any]]
) -> None:
    async def steps(client: Client) -> tuple[str, str]:
        await said(client, "open_form", form="token")
        shown = await said(client, "create_token", form={"name": "script", "scope": "full", "days": "30"})
        name, payload = closing
        await said(client, name, **payload)
        return shown, json.dumps(await client.send(*HYDRATE))

    shown, later = on_one_tab(web, sign_in(web, max_member), steps)
    secret = json.loads(shown[shown.index('"tyat_') :].partition(",")[0].rstrip("}"))
    assert who(web, Authorization=f"Bearer {secret}") == 200
    assert secret not in later
    assert secret not in web.log
    assert '"script"' in later, "the token itself is listed"


def test_token_that_is_revoked_is_useless_and_another_persons_is_not_found(web: Web, max_member: Person) -> None:
    make_token(max_member)
    other = people.make_person(f"Olga Other {uuid4().hex[:8]}", Role.MEMBER)
    secret, cookie = make_token(other), sign_in(web, max_member)
    with transaction() as session:
        own, theirs = (
            str(session.exec(select(ApiToken.id).where(ApiToken.user_id == person.id)).one())
            for person in (max_member, other)
        )
    assert "is revoked" in attack(web, cookie, HYDRATE, event("revoke_token", token_id=own))
    answers = attack(web, cookie, HYDRATE, event("revoke_token", token_id=theirs))
    assert "You have no API token" in answers
    assert who(web, Authorization=f"Bearer {secret}") == 200
    assert "You have no API token" in attack(web, cookie, HYDRATE, event("revoke_token", token_id="none"))


def test_own_devices_are_listed_and_another_one_is_signed_out(web: Web, max_member: Person) -> None:
    phone, desk = sign_in(web, max_member), sign_in(web, max_member)
    answers = attack(web, desk, HYDRATE, event("load"))
    assert answers.count('"is_current": true') == 1
    assert '"python' not in answers.lower().replace('"python', "", 1) or "Python" in answers
    with transaction() as session:
        query = select(UserSession.id).where(UserSession.user_id == max_member.id)
        first = str(session.exec(query.order_by(col(UserSession.created_at))).first())
    assert "is signed out" in attack(web, desk, HYDRATE, event("revoke_session", session_id=first))
    assert (who(web, Cookie=phone), who(web, Cookie=desk)) == (401, 200)


def test_sign_out_everywhere_ends_this_tab_too(web: Web, max_member: Person) -> None:
    phone, desk, secret = sign_in(web, max_member), sign_in(web, max_member), make_token(max_member)

    async def steps(client: Client) -> tuple[str, str]:
        left = await said(client, "sign_out_everywhere", form={"api_tokens": "on"})
        return left, await said(client, "load")

    left, after = on_one_tab(web, desk, steps)
    assert '"/sign-in"' in left
    assert max_member.email not in after
    assert "/sign-in" in after
    assert (who(web, Cookie=phone), who(web, Cookie=desk)) == (401, 401)
    assert who(web, Authorization=f"Bearer {secret}") == 401


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (password_form(repeated="another correct house"), "The two new passwords differ"),
        (password_form(present="a wrong password"), "The present password is wrong"),
        (password_form(new="short", repeated="short"), "12 to 200 characters"),
        ({}, "Please check"),
    ],
)
def test_password_form_says_what_is_wrong_and_changes_nothing(
    web: Web, max_member: Person, form: dict[str, str], words: str
) -> None:
    answers = attack(web, sign_in(web, max_member), HYDRATE, event("change_password", form=form))
    assert words in answers
    for text in form.values():
        assert text == "short" or text not in answers, "what was typed is in no variable"
    sign_in(web, max_member)


def test_changed_password_keeps_this_tab_ends_the_others_and_is_in_no_log(web: Web, max_member: Person) -> None:
    phone, desk = sign_in(web, max_member), sign_in(web, max_member)
    answers = attack(web, desk, HYDRATE, event("change_password", form=password_form()))
    assert "Your password is changed. One other device was signed out." in answers
    assert (who(web, Cookie=phone), who(web, Cookie=desk)) == (401, 200)
    body = {"email": max_member.email, "password": PASSWORD}
    assert httpx.post(f"{web.url}/api/v1/auth/sign-in", json=body, trust_env=False).status_code == 401
    for password in (PASSWORD, NEW):
        assert password not in answers
        assert password not in web.log


def test_wrong_present_password_is_one_refused_event_in_the_audit_log(web: Web, max_member: Person) -> None:
    cookie = sign_in(web, max_member)
    attack(web, cookie, HYDRATE, event("change_password", form=password_form(present="a wrong password")))
    with transaction() as session:
        query = select(AuditEvent).where(AuditEvent.actor == max_member.email, AuditEvent.outcome == "refused")
        (refusal,) = session.exec(query)
    assert refusal.action == "event.AccountState.change_password"
    assert refusal.after["code"] == "password-wrong"


def test_account_is_open_to_those_whose_training_interface_is_closed(web: Web) -> None:
    organization = people.make_organization(f"Small Ltd {uuid4().hex[:8]}", Plan.PROFESSIONAL)
    pat = people.make_person(
        f"Pat {uuid4().hex[:8]}", Role.ORGANIZATION_ADMIN, organization_id=organization, plan=Plan.PROFESSIONAL
    )
    answers = attack(web, sign_in(web, pat), HYDRATE, event("load"))
    for words in (pat.email, "Organization admin", "Professional", "Small Ltd"):
        assert words in answers
    assert '"/sign-in' in attack(web, "", HYDRATE, event("load"))


def test_open_dialog_stays_when_the_page_loads_late_or_again(web: Web, max_member: Person) -> None:
    async def steps(client: Client) -> str:
        await said(client, "open_form", form="password")
        return await said(client, "load")

    changed = on_one_tab(web, sign_in(web, max_member), steps)
    assert "Max Member" in changed  # it did load
    assert '"form_rx_state_"' not in changed


@pytest.mark.parametrize("form", ["token", "password", "leave", "made up", 7, None, {"a": 1}])
def test_only_known_dialogs_open(web: Web, max_member: Person, form: Any) -> None:
    answers = attack(web, sign_in(web, max_member), HYDRATE, event("open_form", form=form))
    assert "made up" not in answers
    assert "Traceback" not in answers


def test_password_in_a_malformed_event_is_in_no_log(web: Web, max_member: Person) -> None:
    """Reflex logs events that it cannot read, payload included."""
    cookie = sign_in(web, max_member)
    for payload in ({"form": password_form(), "more": 1}, {"other": password_form()}, {"form": [password_form()]}):
        attack(web, cookie, HYDRATE, (f"{ACCOUNT}.change_password", payload, "/account"))
    made_up = (f"{ACCOUNT}.no_such_event", {"form": password_form()}, "/account")
    attack(web, cookie, HYDRATE, made_up)
    assert "no_such_event" in web.log
    for password in (PASSWORD, NEW):
        assert password not in web.log
