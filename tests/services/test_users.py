"""People and organizations: what a change ends, what it may not do, and that a super admin always remains."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pydantic import SecretStr
from sqlmodel import Session, select
from starlette.testclient import TestClient

from app.auth import sessions
from app.auth.own_password import sign_in
from app.domain.permissions import Plan, Role, SystemActor
from app.errors import Conflict, Forbidden, Invalid, NotFound, PreconditionFailed, SignInFailed
from app.infra.db import transaction
from app.schemas.people import OrganizationUpdate, SignIn, UserUpdate
from app.services import etags, organizations, users
from app.tables import AuditEvent, UserSession
from tests.support.people import PASSWORD, Person, make_organization, make_person, make_token

AsPerson = Callable[..., TestClient]
OPERATOR = SystemActor("command line")


def wanted(person: Person, **changes: Any) -> UserUpdate:
    now = {"name": person.actor.name, "role": person.actor.role, "organization_id": person.organization_id}
    return UserUpdate.model_validate({**now, "is_active": True, **changes})


def credentials(password: str = PASSWORD, email: str = "max.member@example.test") -> SignIn:
    return SignIn(email=email, password=SecretStr(password))


def signed_in(person: Person) -> str:
    """The cookie of a new session."""
    with transaction() as session:
        return sign_in(session, credentials(email=person.email), "test")[0]


def test_deactivated_person_is_out_at_once_and_for_good(
    as_person: AsPerson, super_admin: Person, member: Person
) -> None:
    cookie, script = signed_in(member), as_person(member)
    assert script.get("/api/v1/auth/me").status_code == 200
    for is_active in (False, True):
        with transaction() as session:
            users.update(session, super_admin.actor, member.id, wanted(member, is_active=is_active))
        with transaction() as session:
            assert sessions.actor_of_session(session, cookie) is None
        assert script.get("/api/v1/auth/me").status_code == 401, "also after the person was let in again"
    assert signed_in(member) != cookie
    with transaction() as session:
        event = session.exec(select(AuditEvent).where(AuditEvent.action == "user.update").order_by("id")).first()
    assert event is not None
    assert event.before == {"is_active": True}
    assert event.after == {"is_active": False, "sessions_ended": 1, "api_tokens_revoked": 1}


def test_another_role_counts_for_the_next_request(as_person: AsPerson, super_admin: Person, member: Person) -> None:
    caller = as_person(member)
    assert caller.get("/api/v1/users").status_code == 403
    with transaction() as session:
        users.update(session, super_admin.actor, member.id, wanted(member, role="super_admin"))
    assert caller.get("/api/v1/users").status_code == 200


@pytest.mark.parametrize("change", [{"is_active": False}, {"role": "member"}])
def test_last_active_super_admin_stays_one(session: Session, super_admin: Person, change: dict[str, Any]) -> None:
    make_person("Gone Admin", Role.SUPER_ADMIN, active=False)
    for actor in (super_admin.actor, OPERATOR):
        with pytest.raises(Conflict, match="last active super admin"):
            users.update(session, actor, super_admin.id, wanted(super_admin, **change))
    users.update(session, super_admin.actor, super_admin.id, wanted(super_admin, name="Renamed"))
    make_person("Second Admin", Role.SUPER_ADMIN)
    users.update(session, super_admin.actor, super_admin.id, wanted(super_admin, **change))


def test_two_super_admins_who_demote_each_other_leave_one(super_admin: Person, second_admin: Person) -> None:
    def demote(pair: tuple[Person, Person]) -> bool:
        by, whom = pair
        try:
            with transaction() as session:
                users.update(session, by.actor, whom.id, wanted(whom, role="member"))
        except Conflict:
            return False
        return True

    pairs = [(super_admin, second_admin), (second_admin, super_admin)]
    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(demote, pairs)) == [False, True]


def test_organization_admin_needs_an_organization_that_exists(
    session: Session, super_admin: Person, member: Person
) -> None:
    for organization_id in (None, 4711):
        request = wanted(member, role="organization_admin", organization_id=organization_id)
        with pytest.raises(Invalid):
            users.update(session, super_admin.actor, member.id, request)


def test_update_from_an_older_state_is_refused(session: Session, super_admin: Person, member: Person) -> None:
    tag = etags.etag(users.get(session, super_admin.actor, member.id))
    users.update(session, super_admin.actor, member.id, wanted(member, name="First"), frozenset({tag}))
    with pytest.raises(PreconditionFailed):
        users.update(session, super_admin.actor, member.id, wanted(member, name="Second"), frozenset({tag}))


def test_people_are_managed_by_super_admins_only(
    session: Session, enterprise_admin: Person, professional_admin: Person, member: Person
) -> None:
    for person in (enterprise_admin, professional_admin, member):
        for call in (
            lambda a: users.get(session, a, member.id),
            lambda a: users.by_email(session, a, member.email),
            lambda a: users.update(session, a, member.id, wanted(member)),
            lambda a: users.set_password(session, a, member.id, SecretStr(PASSWORD)),
            lambda a: organizations.get(session, a, 1),
            lambda a: organizations.update(session, a, 1, OrganizationUpdate(name="X", plan=Plan.ENTERPRISE)),
        ):
            with pytest.raises(Forbidden):
                call(person.actor)


def test_set_password_signs_the_person_out_and_in_with_the_new_one_only(member: Person) -> None:
    cookie = signed_in(member)
    with transaction() as session:
        users.set_password(session, OPERATOR, member.id, SecretStr("another correct horse"))
    with transaction() as session:
        assert sessions.actor_of_session(session, cookie) is None
        with pytest.raises(SignInFailed):
            sign_in(session, credentials(), "test")
        assert sign_in(session, credentials("another correct horse"), "test")[1].user_id == member.id


def test_last_sign_in_is_shown_and_is_no_edit(session: Session, super_admin: Person, member: Person) -> None:
    before = users.get(session, super_admin.actor, member.id)
    assert before.last_sign_in_at is None
    signed_in(member)
    session.expire_all()
    after = users.get(session, super_admin.actor, member.id)
    assert after.last_sign_in_at is not None
    assert etags.etag(before) == etags.etag(after)


def test_organization_changes_its_plan_for_all_its_people_at_once(
    as_person: AsPerson, super_admin: Person, professional_admin: Person
) -> None:
    assert professional_admin.organization_id is not None
    caller = as_person(professional_admin)
    assert caller.get("/api/v1/training/jobs").status_code == 403
    with transaction() as session:
        request = OrganizationUpdate(name="Renamed Ltd", plan=Plan.ENTERPRISE)
        view = organizations.update(session, super_admin.actor, professional_admin.organization_id, request)
    assert (view.name, view.plan) == ("Renamed Ltd", Plan.ENTERPRISE)
    assert caller.get("/api/v1/training/jobs").status_code == 200


def test_two_organizations_have_no_name_in_common(super_admin: Person) -> None:
    first, _ = make_organization("First Ltd"), make_organization("Second Ltd")
    request = OrganizationUpdate(name="Second Ltd", plan=Plan.ENTERPRISE)
    with pytest.raises(Conflict, match="'Second Ltd' exists already"), transaction() as session:
        organizations.update(session, super_admin.actor, first, request)
    with pytest.raises(NotFound), transaction() as session:
        organizations.update(session, super_admin.actor, 4711, request)


def test_rest_shows_and_changes_people_and_organizations_with_their_tags(admin: TestClient, member: Person) -> None:
    make_token(member)
    for path, body in (
        (f"/api/v1/users/{member.id}", {**wanted(member).model_dump(mode="json"), "name": "Renamed"}),
        (f"/api/v1/organizations/{member.organization_id}", {"name": "Renamed", "plan": "professional"}),
    ):
        tag = admin.get(path).headers["etag"]
        changed = admin.put(path, json=body, headers={"If-Match": tag})
        assert changed.status_code == 200, changed.text
        assert changed.json()["name"] == "Renamed"
        assert admin.put(path, json=body, headers={"If-Match": tag}).status_code == 412
        assert admin.put(path, json={"name": "Half"}).status_code == 422
        assert admin.get(f"{path}4711").status_code == 404
    with transaction() as session:
        assert session.exec(select(UserSession)).all() == []
