"""Who somebody is here whom the provider vouches for, and what they may do; whom it vouches for in vain."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from app.domain.permissions import Plan, Role
from app.infra.db import transaction
from app.tables import ApiToken, User
from tests.support.oidc_provider import Provider
from tests.support.people import Person, make_organization, make_person, make_token
from tests.support.single_sign_on import AUTH, events, me, people, problem, refusals, sessions, sign_in, to_provider
from tests.support.waiting import together

NewBrowser = Callable[[], TestClient]


def test_first_sign_in_makes_the_person_and_a_session(provider: Provider, ann: TestClient) -> None:
    assert sign_in(ann) == "/jobs?page=2"
    seen = me(ann)
    assert seen
    assert (seen["email"], seen["name"], seen["role"]) == ("ann@example.test", "Ann Example", "super_admin")
    (user,), (row,) = people(), sessions()
    assert (user.password_hash, row.method) == (None, "oidc")
    assert [event.action for event in events()] == ["user.create", "identity.link", "session.sign_in"]
    assert "trainyard_oidc" not in ann.cookies


def test_next_sign_in_is_the_same_person(provider: Provider, ann: TestClient) -> None:
    sign_in(ann)
    provider.person(groups=["admins"], email="ann.married@example.test")
    sign_in(ann)
    assert len(people()) == 1
    assert len(sessions()) == 2


def test_person_with_an_account_and_a_verified_address_gets_that_account(provider: Provider, ann: TestClient) -> None:
    ada = make_person("Ada", Role.SUPER_ADMIN)
    provider.person(groups=["admins"], email=ada.email.upper())
    sign_in(ann)
    seen = me(ann)
    assert seen
    assert seen["user_id"] == ada.id
    assert "identity.link" in [event.action for event in events()]


@pytest.mark.parametrize("verified", [False, None, "true"])
def test_address_that_is_not_verified_takes_over_no_account(provider: Provider, ann: TestClient, verified: Any) -> None:
    ada = make_person("Ada", Role.SUPER_ADMIN)
    provider.person(groups=["admins"], email=ada.email, email_verified=verified)
    assert problem(sign_in(ann)) == "oidc-email"
    assert refusals() == ["oidc-email"]
    assert me(ann) is None


def test_nobody_gets_an_account_in_the_name_of_an_address_that_is_not_theirs(
    provider: Provider, ann: TestClient
) -> None:
    """The audit log names people by their address, and an address belongs to who had it first."""
    provider.person(groups=["admins"], email="the.boss@example.test", email_verified=False)
    assert problem(sign_in(ann)) == "oidc-email"
    assert people() == []


def test_provider_that_says_nothing_of_verification_may_name_new_people(provider: Provider, ann: TestClient) -> None:
    provider.behave(person={"sub": "7", "email": "new@example.test", "groups": ["admins"]}, userinfo={"sub": "7"})
    sign_in(ann)
    assert [user.email for user in people()] == ["new@example.test"]


def test_verification_of_another_address_does_not_count(provider: Provider, ann: TestClient) -> None:
    ada = make_person("Ada", Role.SUPER_ADMIN)
    wrong = {"email": "other@example.test", "email_verified": True}
    person = {"sub": "7", "email": ada.email, "groups": ["admins"]}
    provider.behave(person=person, userinfo=wrong)
    assert problem(sign_in(ann)) == "oidc-email"


def test_address_that_went_to_somebody_else_does_not_give_them_the_account(
    provider: Provider, ann: TestClient, new_browser: NewBrowser
) -> None:
    sign_in(ann)
    provider.person(groups=["admins"], sub="somebody else")
    assert problem(sign_in(new_browser())) == "oidc-email"
    assert len(people()) == len(sessions()) == 1


def test_person_without_an_address_is_refused(provider: Provider, ann: TestClient) -> None:
    provider.person(groups=["admins"], email=None)
    assert problem(sign_in(ann)) == "oidc-email"
    assert people() == []


def test_role_and_organization_follow_the_provider(provider: Provider, ann: TestClient) -> None:
    acme = make_organization("Acme Ltd", Plan.ENTERPRISE)
    make_person("Ada", Role.SUPER_ADMIN)
    sign_in(ann)
    provider.person(resource={"trainyard": {"roles": ["viewer"]}})
    sign_in(ann)
    seen = me(ann)
    assert seen
    assert (seen["role"], seen["organization_id"]) == ("organization_admin", acme)
    change = next(event for event in events() if event.action == "user.update")
    assert (change.actor, change.before["role"], change.after["role"]) == (
        "identity provider",
        "super_admin",
        "organization_admin",
    )


def test_claim_with_dots_in_its_name_is_found(provider: Provider, ann: TestClient) -> None:
    provider.person(**{"https://acme.example/staff": True})
    sign_in(ann)
    seen = me(ann)
    assert seen
    assert seen["role"] == "member"


def test_claims_that_are_missing_come_from_userinfo(provider: Provider, ann: TestClient) -> None:
    provider.behave(userinfo={"groups": ["admins"], "email": "ann@example.test"})
    assert sign_in(ann) == "/jobs?page=2"


def test_person_whom_no_rule_fits_is_refused_and_signed_out_everywhere(provider: Provider, ann: TestClient) -> None:
    sign_in(ann)
    user_id = people()[0].id
    assert user_id is not None
    with transaction() as session:
        session.add(ApiToken(user_id=user_id, name="script", token_hash="0" * 64, scope="full"))
    provider.person(groups=["staff"])
    assert problem(sign_in(ann)) == "oidc-unmapped"
    assert me(ann) is None
    with transaction() as session:
        assert session.exec(select(ApiToken)).one().revoked_at is not None
    assert refusals() == ["oidc-unmapped"]
    ended = next(event for event in events() if event.action == "user.end_credentials")
    assert ended.after == {"code": "oidc-unmapped", "sessions_ended": 1, "api_tokens_revoked": 1}


def test_stranger_whom_no_rule_fits_signs_nobody_out(provider: Provider, ann: TestClient) -> None:
    ada = make_person("Ada", Role.SUPER_ADMIN)
    token = make_token(ada)
    provider.person(email=ada.email, groups=[])
    assert problem(sign_in(ann)) == "oidc-unmapped"
    assert ann.get(f"{AUTH}/me", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_organization_that_does_not_exist_is_named_in_the_log(provider: Provider, ann: TestClient) -> None:
    provider.person(resource={"trainyard": {"roles": ["viewer"]}})
    assert problem(sign_in(ann)) == "oidc-organization"
    assert "'Acme Ltd'" in events("refused")[0].after["message"]


def test_deactivated_person_is_refused(provider: Provider, ann: TestClient, super_admin: Person) -> None:
    sign_in(ann)
    with transaction() as session:
        user = session.exec(select(User).where(User.email == "ann@example.test")).one()
        user.is_active = False
        session.add(user)
    assert problem(sign_in(ann)) == "oidc-deactivated"
    assert me(ann) is None
    assert len(sessions()) == 1


def test_last_super_admin_is_not_made_something_else(provider: Provider, ann: TestClient) -> None:
    sign_in(ann)
    provider.person(**{"https://acme.example/staff": True})
    assert problem(sign_in(ann)) == "oidc-last-admin"
    assert people()[0].role == "super_admin"
    assert me(ann) is None


def test_two_first_sign_ins_at_the_same_moment_make_one_person(provider: Provider, new_browser: NewBrowser) -> None:
    browsers = [new_browser() for _ in range(4)]
    backs = [(browser, to_provider(browser)) for browser in browsers]
    answers = together(*[lambda one=one, back=back: one.get(back).headers["location"] for one, back in backs])
    assert "/jobs?page=2" in answers
    refused = [answer for answer in answers if answer != "/jobs?page=2"]
    assert {problem(str(answer)) for answer in refused} <= {"oidc-again"}
    assert len(people()) == 1
    assert len(sessions()) == 4 - len(refused)
