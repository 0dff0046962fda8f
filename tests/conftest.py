"""Fixtures that every test may ask for: real servers, a fresh database, people, clients, an edge, trusted keys.

Only what a test asks for is started. A test that uses `database` (most fixtures here do) has a database of its own,
cloned from a migrated template, an empty Redis database and the session's own bucket.
"""

import os
from collections.abc import Callable, Iterator

import pytest
from sqlmodel import Session
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.domain.permissions import Plan, Role
from app.infra import db, object_store, queue
from app.settings import Settings, get_settings
from tests.support import people, servers
from tests.support.edges import EdgeClient
from tests.support.people import Person
from tests.support.servers import Servers
from tests.support.trust import Trusted

ORIGIN = "http://trainyard.test"


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """PostgreSQL, Valkey and S3, once per session, and a migrated template database."""
    with servers.start(tmp_path_factory.mktemp("servers")) as started:
        yield started


@pytest.fixture
def database(stack: Servers, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A migrated, empty database that the settings point to; its name. Nothing outlives the test."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"TRAINYARD_{name}".upper(), raising=False)
    with stack.clone() as name:
        for variable, value in stack.settings_for(name).items():
            monkeypatch.setenv(variable, value)
        _forget()
        queue.get_redis().flushdb()
        object_store.get_object_store().ensure_bucket()
        yield name
        db.get_engine().dispose()
        queue.get_redis().close()
        _forget()


def _forget() -> None:
    for remembered in (get_settings, queue.get_redis, object_store.get_object_store):
        remembered.cache_clear()
    db.forget_engine()


@pytest.fixture
def session(database: str) -> Iterator[Session]:
    """A transaction of the test's own, committed when the test ends without an error."""
    with db.transaction() as opened:
        yield opened


@pytest.fixture
def super_admin(database: str) -> Person:
    """May do everything."""
    return people.make_person("Ada Admin", Role.SUPER_ADMIN)


@pytest.fixture
def second_admin(database: str) -> Person:
    """Another super admin: nobody verifies an own label."""
    return people.make_person("Bob Admin", Role.SUPER_ADMIN)


@pytest.fixture
def enterprise_admin(database: str) -> Person:
    """Sees the organization `Enterprise Ltd` and what is global, and changes nothing."""
    organization = people.make_organization("Enterprise Ltd", Plan.ENTERPRISE)
    return people.make_person(
        "Eve Enterprise", Role.ORGANIZATION_ADMIN, organization_id=organization, plan=Plan.ENTERPRISE
    )


@pytest.fixture
def professional_admin(database: str) -> Person:
    """Admin of `Professional Ltd`, whose plan has no training interface."""
    organization = people.make_organization("Professional Ltd", Plan.PROFESSIONAL)
    return people.make_person(
        "Pat Professional", Role.ORGANIZATION_ADMIN, organization_id=organization, plan=Plan.PROFESSIONAL
    )


@pytest.fixture
def member(database: str) -> Person:
    """Has an account and no access to the training interface."""
    organization = people.make_organization("Members Ltd", Plan.ENTERPRISE)
    return people.make_person("Max Member", Role.MEMBER, organization_id=organization, plan=Plan.ENTERPRISE)


@pytest.fixture(scope="session")
def api() -> Starlette:
    """The API alone, as `create_standalone` makes it. It holds no state between requests."""
    from app.api.app import create_standalone

    return create_standalone()


@pytest.fixture
def client(database: str, api: Starlette) -> TestClient:
    """An anonymous caller."""
    return TestClient(api, base_url=ORIGIN)


@pytest.fixture
def as_person(database: str, api: Starlette) -> Callable[..., TestClient]:
    """`as_person(person, scope="full")`: a caller with an API token of that person."""

    def make(person: Person, scope: str = "full") -> TestClient:
        headers = {"Authorization": f"Bearer {people.make_token(person, scope)}"}
        return TestClient(api, base_url=ORIGIN, headers=headers)

    return make


@pytest.fixture
def admin(as_person: Callable[..., TestClient], super_admin: Person) -> TestClient:
    """The super admin as a caller."""
    return as_person(super_admin)


@pytest.fixture
def trusted(database: str, super_admin: Person, second_admin: Person) -> Trusted:
    """A published root in which both super admins are approvers, and their keys."""
    made = Trusted()
    made.publish(super_admin, second_admin)
    return made


@pytest.fixture
def enrolled(admin: TestClient, client: TestClient, trusted: Trusted) -> Callable[..., EdgeClient]:
    """`enrolled(name, organization_id=None)`: a new edge server, enrolled with a key of its own."""

    def make(name: str = "pump-house", organization_id: int | None = None) -> EdgeClient:
        body = {"name": name, "organization_id": organization_id}
        created = admin.post("/api/v1/training/edge-servers", json=body)
        assert created.status_code == 201, created.text
        edge = EdgeClient(client)
        answer = edge.enrol(created.json()["enrolment"]["token"])
        assert answer.status_code == 200, answer.text
        return edge

    return make


@pytest.fixture
def edge_client(enrolled: Callable[..., EdgeClient]) -> EdgeClient:
    """One enrolled edge server."""
    return enrolled()


@pytest.fixture(scope="session", autouse=True)
def _no_proxy() -> Iterator[None]:
    """The servers are on this machine: no proxy may stand between."""
    with pytest.MonkeyPatch.context() as patch:
        hosts = ",".join(filter(None, [os.environ.get("NO_PROXY"), "127.0.0.1", "localhost"]))
        patch.setenv("NO_PROXY", hosts)
        patch.setenv("no_proxy", hosts)
        yield
