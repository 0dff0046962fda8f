"""People and organizations over the event socket, and as rows: what a form keeps, refuses and never shows."""

import json
import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from sqlmodel import select

from app.domain.permissions import Plan, Role
from app.infra.db import transaction
from app.schemas.people import UserUpdate
from app.schemas.sessions import SessionView
from app.services import users
from app.tables import Organization, User
from app.tables.base import utcnow
from state.views.people import named, organization_options, session_row
from tests.browser.web_process import Web, running_web
from tests.state.test_account import on_one_tab, who
from tests.state.test_socket import HYDRATE, Client, attack, sign_in, state
from tests.support import people
from tests.support.people import Person
from tests.support.servers import Servers

PEOPLE, FORM = state("people", "people_state"), state("people", "person_state")
ORGANIZATIONS, ORGANIZATION = (state("organizations", f"organization{end}_state") for end in ("s", ""))
GIVEN = "an initial password"


@pytest.fixture(scope="module")
def web(stack: Servers) -> Iterator[Web]:
    with running_web(stack, front_end=False) as started:
        yield started


@pytest.fixture(scope="module")
def ada(web: Web) -> Person:
    return people.make_person("Ada Admin", Role.SUPER_ADMIN)


@pytest.fixture
def max_member(web: Web) -> Person:
    return people.make_person(f"Max Member {uuid4().hex[:8]}", Role.MEMBER)


@pytest.fixture(scope="module")
def cookie(web: Web, ada: Person) -> str:
    return sign_in(web, ada)


def event(name: str, path: str = "/people", **payload: Any) -> tuple[str, dict[str, Any], str]:
    return name, payload, path


def filled(person: Person, **changes: str) -> dict[str, str]:
    """The form of a person as a browser sends it."""
    now = {"name": person.actor.name, "role": str(person.actor.role), "organization_id": "", "active": "active"}
    return {**now, **changes}


def opens(answers: str) -> bool:
    """Whether a dialog is open after these answers."""
    return re.search(r'"is_open(_rx_state_)?": true', answers) is not None


def stored(person: Person) -> User:
    with transaction() as session:
        return session.get_one(User, person.id)


def test_new_person_signs_in_with_the_given_password_which_is_shown_nowhere(web: Web, ada: Person, cookie: str) -> None:
    email = f"new-{uuid4().hex[:8]}@example.test"
    form = {"email": email, "name": "New", "password": GIVEN, "role": "member", "organization_id": ""}
    answers = attack(web, cookie, HYDRATE, event(f"{FORM}.open_new"), event(f"{FORM}.submit", form=form))
    assert GIVEN not in answers
    assert GIVEN not in web.log
    with transaction() as session:
        person = session.exec(select(User).where(User.email == email)).one()
        assert (person.role, person.organization_id, person.is_active) == ("member", None, True)
    answers = attack(web, cookie, HYDRATE, event(f"{FORM}.open_new"), event(f"{FORM}.submit", form=form))
    assert "exists already" in answers


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"email": "nobody"}, "an e-mail address looks like"),
        ({"password": "short"}, "12 to 200 characters"),
        ({"role": "emperor"}, "Please check: role"),
        ({"role": "organization_admin"}, "An organization admin needs an organization_id"),
        ({"organization_id": "4711"}, "4711"),
        ({"name": ""}, "Please check: name"),
    ],
)
def test_form_of_a_new_person_says_what_is_wrong(
    web: Web, cookie: str, ada: Person, changes: dict[str, str], words: str
) -> None:
    form = {"email": f"{uuid4().hex}@example.test", "name": "N", "password": GIVEN, "role": "member", **changes}
    answers = attack(web, cookie, HYDRATE, event(f"{FORM}.open_new"), event(f"{FORM}.submit", form=form))
    assert words in answers
    assert "Traceback" not in answers


def test_deactivating_ends_the_persons_sessions_at_once(web: Web, cookie: str, max_member: Person) -> None:
    theirs = sign_in(web, max_member)
    opened = event(f"{FORM}.open_for", user_id=str(max_member.id))
    attack(web, cookie, HYDRATE, opened, event(f"{FORM}.submit", form=filled(max_member, active="disabled")))
    assert not stored(max_member).is_active
    assert who(web, Cookie=theirs) == 401


def test_form_that_somebody_else_overtook_saves_nothing(web: Web, cookie: str, ada: Person, max_member: Person) -> None:
    async def steps(client: Client) -> str:
        await client.send(*event(f"{FORM}.open_for", user_id=str(max_member.id)))
        with transaction() as session:
            theirs = UserUpdate(name="Theirs", role=Role.MEMBER, organization_id=None, is_active=True)
            users.update(session, ada.actor, max_member.id, theirs)
        return json.dumps(await client.send(*event(f"{FORM}.submit", form=filled(max_member, name="Mine"))))

    assert "Somebody changed this" in on_one_tab(web, cookie, steps)
    assert stored(max_member).name == "Theirs"


def test_last_super_admin_is_told_why_they_stay_one(web: Web, cookie: str, ada: Person) -> None:
    opened = event(f"{FORM}.open_for", user_id=str(ada.id))
    answers = attack(web, cookie, HYDRATE, opened, event(f"{FORM}.submit", form=filled(ada, role="member")))
    assert "is the last active super admin" in answers
    assert opens(answers), "what was typed stays"
    assert stored(ada).role == "super_admin"


def test_list_is_filtered_by_what_stands_in_the_address(web: Web, cookie: str, ada: Person, max_member: Person) -> None:
    def listed(query: str) -> str:
        return attack(web, cookie, HYDRATE, event(f"{PEOPLE}.load", f"/people?{query}"))

    assert max_member.email in listed("role=member")
    assert max_member.email not in listed("role=super_admin")
    assert max_member.email in listed(f"q={max_member.email[:20]}&active=active")
    assert max_member.email not in listed("active=disabled")
    for broken in ("role=emperor", "active=perhaps", "sort=password_hash"):
        assert "Please check" in listed(broken)


def test_search_goes_into_the_address(web: Web, cookie: str, ada: Person) -> None:
    answers = attack(web, cookie, HYDRATE, event(f"{PEOPLE}.search", form={"q": " ann & bob "}))
    assert "/people?q=ann+%26+bob" in answers


def test_organization_is_made_and_changes_its_plan(web: Web, cookie: str, ada: Person) -> None:
    name = f"New Ltd {uuid4().hex[:8]}"
    form = {"name": name, "plan": "professional"}
    made = [event(f"{ORGANIZATION}.open_new"), event(f"{ORGANIZATION}.submit", form=form)]
    attack(web, cookie, HYDRATE, *made)
    assert "exists already" in attack(web, cookie, HYDRATE, *made)
    with transaction() as session:
        found = session.exec(select(Organization).where(Organization.name == name)).one()
    opened = event(f"{ORGANIZATION}.open_for", organization_id=str(found.id))
    attack(web, cookie, HYDRATE, opened, event(f"{ORGANIZATION}.submit", form={**form, "plan": "enterprise"}))
    with transaction() as session:
        assert session.get_one(Organization, found.id).plan == Plan.ENTERPRISE
    broken = event(f"{ORGANIZATION}.submit", form={**form, "plan": "gold"})
    assert "Please check: plan" in attack(web, cookie, HYDRATE, opened, broken)


@pytest.mark.parametrize("wanted", ["", "4711", "-1", "1; drop", "9" * 40, None, {"a": 1}])
def test_what_is_no_person_or_organization_opens_no_form(web: Web, cookie: str, ada: Person, wanted: Any) -> None:
    for name, key in ((FORM, "user_id"), (ORGANIZATION, "organization_id")):
        answers = attack(web, cookie, HYDRATE, event(f"{name}.open_for", **{key: wanted}))
        assert not opens(answers)
        assert "Traceback" not in answers


def test_members_reach_none_of_it(web: Web, ada: Person, max_member: Person) -> None:
    cookie = sign_in(web, max_member)
    form = {"email": "planted@example.test", "name": "Planted", "password": GIVEN, "role": "super_admin"}
    events = [
        event(f"{PEOPLE}.load"),
        event(f"{ORGANIZATIONS}.load"),
        event(f"{FORM}.open_for", user_id=str(ada.id)),
        event(f"{FORM}.submit", form=form),
        event(f"{ORGANIZATION}.submit", form={"name": "Planted", "plan": "enterprise"}),
    ]
    answers = attack(web, cookie, HYDRATE, *events)
    assert ada.email not in answers
    assert "does not permit" in answers
    with transaction() as session:
        assert session.exec(select(User).where(User.name == "Planted")).first() is None
        assert session.exec(select(Organization).where(Organization.name == "Planted")).first() is None


def test_organization_that_is_not_listed_stays_a_choice() -> None:
    options = organization_options({1: "First Ltd"}, present=301)
    assert options == [{"value": "1", "label": "First Ltd"}, {"value": "301", "label": "Organization 301"}]
    assert [named(key, {1: "First Ltd"}) for key in (None, 1, 2)] == ["No organization", "First Ltd", "Organization 2"]


def test_session_without_an_address_says_so() -> None:
    now = utcnow()
    view = SessionView(
        id=uuid4(),
        method="oidc",
        device="Firefox on Linux",
        ip_address="",
        created_at=now,
        last_used_at=now,
        expires_at=now,
        revoked_at=None,
        current=True,
    )
    row = session_row(view)
    assert (row["address"], row["method"], row["is_current"]) == ("unknown address", "Identity provider", True)
