"""Every specified endpoint × every kind of caller: who is let in, who is refused, for whom a record does not exist."""

from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from app.domain.permissions import Plan, Role
from app.infra.db import transaction
from app.settings import get_settings
from app.tables import ApiToken, AuditEvent, User, UserSession
from app.tables.base import utcnow
from tests.support.people import PASSWORD, Person, make_organization, make_person
from tests.support.world import API, Call, calls, make_world

AsPerson = Callable[..., TestClient]


def send(client: TestClient, call: Call, **headers: str) -> httpx.Response:
    return client.request(call.method, call.path, json=call.body, headers=headers)


def expect(client: TestClient, made: list[Call], wanted: Callable[[Call], int], code: str | None = None) -> None:
    """Every call is answered as wanted, refusals as problem documents."""
    faults = []
    for call in made:
        answer = send(client, call)
        problem = answer.json() if answer.status_code >= 400 else {}
        fits = answer.status_code == wanted(call) and (code is None or problem["type"].endswith(f"/{code}"))
        if not fits or (problem and answer.headers["content-type"] != "application/problem+json"):
            faults.append(f"{call.method} {call.path}: {answer.status_code} {answer.text[:200]}")
    assert not faults, "\n".join(faults)


@pytest.fixture
def made(super_admin: Person, enterprise_admin: Person) -> list[Call]:
    """A request per endpoint, about records of the Enterprise organization."""
    return calls(make_world(super_admin, enterprise_admin.organization_id))


def test_anonymous_caller_is_asked_to_sign_in(client: TestClient, made: list[Call]) -> None:
    expect(client, made, lambda _: 401, "unauthenticated")
    assert client.get(f"{API}/jobs").headers["www-authenticate"] == "Bearer"


def test_member_is_refused_everywhere(as_person: AsPerson, member: Person, made: list[Call]) -> None:
    expect(as_person(member), made, lambda _: 403, "forbidden")


def test_member_of_the_very_organization_is_refused_everywhere(
    as_person: AsPerson, enterprise_admin: Person, made: list[Call]
) -> None:
    colleague = make_person("Carl", Role.MEMBER, organization_id=enterprise_admin.organization_id, plan=Plan.ENTERPRISE)
    expect(as_person(colleague), made, lambda _: 403, "forbidden")


def test_professional_plan_is_refused_everywhere(
    as_person: AsPerson, professional_admin: Person, made: list[Call]
) -> None:
    expect(as_person(professional_admin), made, lambda _: 403, "forbidden")
    assert "Enterprise plan" in as_person(professional_admin).get(f"{API}/jobs").json()["detail"]


def test_enterprise_admin_reads_and_changes_nothing(
    as_person: AsPerson, enterprise_admin: Person, made: list[Call]
) -> None:
    expect(as_person(enterprise_admin), made, lambda call: 200 if call.reads else 403)


def test_read_only_token_of_a_super_admin_changes_nothing(
    as_person: AsPerson, super_admin: Person, made: list[Call]
) -> None:
    expect(as_person(super_admin, "read"), made, lambda call: 200 if call.reads else 403)


def test_records_of_another_organization_do_not_exist(
    as_person: AsPerson, enterprise_admin: Person, super_admin: Person
) -> None:
    other = make_organization("Another Ltd", Plan.ENTERPRISE)
    foreign = [call for call in calls(make_world(super_admin, other)) if call.reads]
    lists = [call for call in foreign if call.path.count("/") == 4]
    reader = as_person(enterprise_admin)
    expect(reader, [call for call in foreign if call not in lists], lambda _: 404, "not-found")
    for call in lists:
        assert send(reader, call).json()["items"] == [], call.path


def test_global_records_are_read_by_every_enterprise_admin(
    as_person: AsPerson, enterprise_admin: Person, super_admin: Person
) -> None:
    made = [call for call in calls(make_world(super_admin, None)) if call.reads]
    expect(as_person(enterprise_admin), made, lambda _: 200)


def test_administration_is_for_super_admins(as_person: AsPerson, enterprise_admin: Person) -> None:
    key = {"keyid": "0" * 64, "email": "x@example.test"}
    caller = as_person(enterprise_admin)
    expect(
        caller,
        [
            Call("GET", "/api/v1/users"),
            Call("GET", "/api/v1/organizations"),
            Call("GET", f"{API}/audit"),
            Call("POST", "/api/v1/users", {"email": "x@example.test", "name": "X", "password": PASSWORD}),
            Call("POST", "/api/v1/organizations", {"name": "X"}),
            Call("POST", f"{API}/edge-servers", {"name": "X"}),
            Call("POST", f"{API}/trust/root", {"metadata": "{}", "approvers": [key]}),
        ],
        lambda _: 403,
    )


@pytest.mark.parametrize(
    "change", [{"revoked_at": utcnow()}, {"expires_at": utcnow() - timedelta(seconds=1)}, {"is_active": False}]
)
def test_dead_token_is_no_credential(as_person: AsPerson, super_admin: Person, change: dict[str, object]) -> None:
    caller = as_person(super_admin)
    assert caller.get(f"{API}/jobs").status_code == 200
    with transaction() as session:
        table = User if "is_active" in change else ApiToken
        row = session.exec(select(table)).one()
        row.sqlmodel_update(change)
        session.add(row)
    assert caller.get(f"{API}/jobs").status_code == 401


def test_wrong_authorization_header_is_refused(client: TestClient) -> None:
    for header in ("Bearer tyat_unknown", "Bearer ", "Basic YTpi", "Bearer eyJ.e30.x", "tyat_unknown"):
        assert client.get(f"{API}/jobs", headers={"Authorization": header}).status_code == 401, header


def sign_in(client: TestClient, person: Person) -> None:
    answer = client.post("/api/v1/auth/sign-in", json={"email": person.email, "password": PASSWORD})
    assert answer.status_code == 200, answer.text


def test_cookie_signs_in_and_out(client: TestClient, super_admin: Person) -> None:
    sign_in(client, super_admin)
    cookie = client.cookies.get("trainyard_session")
    assert client.get("/api/v1/auth/me").json()["email"] == super_admin.email
    assert client.post("/api/v1/auth/sign-out").status_code == 403, "nobody says where this comes from"
    assert client.post("/api/v1/auth/sign-out", headers={"Origin": "http://trainyard.test"}).status_code == 204
    assert client.cookies.get("trainyard_session") is None
    client.cookies.set("trainyard_session", str(cookie))
    assert client.get("/api/v1/auth/me").status_code == 401


def test_cookie_cannot_be_read_by_scripts_and_does_not_travel_from_other_sites(
    client: TestClient, super_admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"email": super_admin.email, "password": PASSWORD}
    header = client.post("/api/v1/auth/sign-in", json=body).headers["set-cookie"].lower()
    assert "httponly" in header
    assert "samesite=lax" in header
    assert "secure" not in header
    monkeypatch.setenv("TRAINYARD_PUBLIC_URL", "https://trainyard.example")
    get_settings.cache_clear()
    header = client.post("/api/v1/auth/sign-in", json=body).headers["set-cookie"].lower()
    assert header.startswith("__host-trainyard=")
    assert "; secure" in header
    assert "domain" not in header


@pytest.mark.parametrize(
    ("email", "password"),
    [("ada.admin@example.test", "wrong"), ("nobody@example.test", PASSWORD), ("gone@example.test", PASSWORD)],
)
def test_failed_sign_in_does_not_say_why(client: TestClient, super_admin: Person, email: str, password: str) -> None:
    make_person("Gone", Role.MEMBER, active=False)
    answer = client.post("/api/v1/auth/sign-in", json={"email": email, "password": password})
    assert answer.status_code == 401
    assert answer.json()["detail"] == "E-mail address or password is wrong."
    assert "set-cookie" not in answer.headers


def test_expired_session_is_no_credential_and_a_used_one_lives_on(client: TestClient, super_admin: Person) -> None:
    sign_in(client, super_admin)
    with transaction() as session:
        row = session.exec(select(UserSession)).one()
        row.last_used_at = utcnow() - timedelta(minutes=2)
        row.expires_at = utcnow() + timedelta(minutes=1)
        session.add(row)
    assert client.get("/api/v1/auth/me").status_code == 200
    with transaction() as session:
        row = session.exec(select(UserSession)).one()
        assert row.expires_at > utcnow() + timedelta(days=13)
        row.expires_at = utcnow() - timedelta(seconds=1)
        session.add(row)
    assert client.get("/api/v1/auth/me").status_code == 401


CROSS_SITE = [
    ({}, 403),
    ({"Origin": "http://trainyard.test"}, 201),
    ({"Sec-Fetch-Site": "same-origin"}, 201),
    ({"Origin": "http://evil.test"}, 403),
    ({"Origin": "null"}, 403),
    ({"Origin": "http://trainyard.test.evil.test"}, 403),
    ({"Origin": "http://trainyard.test:8080"}, 403),
    ({"Origin": "http://["}, 403),
    ({"Sec-Fetch-Site": "cross-site"}, 403),
    ({"Sec-Fetch-Site": "same-site"}, 403),
]


def test_cookie_write_from_another_site_is_refused(client: TestClient, super_admin: Person) -> None:
    sign_in(client, super_admin)
    for number, (headers, status) in enumerate(CROSS_SITE):
        answer = client.post("/api/v1/organizations", json={"name": f"New {number}"}, headers=headers)
        assert answer.status_code == status, (headers, answer.text)
    assert client.get("/api/v1/auth/me", headers={"Origin": "http://evil.test"}).status_code == 200


def test_behind_https_only_https_pages_are_our_own(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAINYARD_PUBLIC_URL", "https://trainyard.test")
    get_settings.cache_clear()
    for scheme, status in (("https", 204), ("http", 403)):
        headers = {"Origin": f"{scheme}://trainyard.test"}
        assert client.post("/api/v1/auth/sign-out", headers=headers).status_code == status


def test_own_tokens_are_made_listed_and_revoked_and_nobody_elses(
    client: TestClient, as_person: AsPerson, super_admin: Person, member: Person
) -> None:
    own = as_person(member)
    created = own.post("/api/v1/auth/tokens", json={"name": "phone"}).json()
    bearer = {"Authorization": f"Bearer {created['token']}"}
    assert client.get("/api/v1/auth/me", headers=bearer).json()["user_id"] == member.id
    assert created["token"] not in own.get("/api/v1/auth/tokens").text
    path = f"/api/v1/auth/tokens/{created['api_token']['id']}/revoke"
    assert as_person(super_admin).post(path).status_code == 404
    assert own.post(path).status_code == 200
    assert client.get("/api/v1/auth/me", headers=bearer).status_code == 401


def test_read_only_token_makes_no_tokens(as_person: AsPerson, super_admin: Person) -> None:
    reader = as_person(super_admin, "read")
    for scope in ("read", "full"):
        assert reader.post("/api/v1/auth/tokens", json={"name": "more", "scope": scope}).status_code == 403
    assert len(reader.get("/api/v1/auth/tokens").json()) == 1


def test_audit_names_who_did_what_from_where(admin: TestClient, super_admin: Person) -> None:
    answer = admin.post("/api/v1/organizations", json={"name": "New"})
    with transaction() as session:
        event = session.exec(select(AuditEvent).where(AuditEvent.action == "organization.create")).one()
    assert (event.actor, event.actor_user_id) == (super_admin.email, super_admin.id)
    assert event.request_id == answer.headers["x-request-id"]
    assert (event.subject_type, event.subject_id) == ("organizations", str(answer.json()["id"]))
    assert event.ip_address == "testclient"
    assert admin.get(f"{API}/audit").json()["items"][0]["action"] == "organization.create"
