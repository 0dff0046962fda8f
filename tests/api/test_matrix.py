"""Every route times everybody who might call it; a route without a row fails, and so does a row without a route.

Rows say who a route is for; what each caller then gets follows from `EXPECTED`, which knows nothing of the product's
own marks and permissions. Callers that are refused change nothing, whatever they called.
"""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from app.api import operations
from app.api.app import create_api
from app.api.guard import endpoints
from app.domain.permissions import Plan, Role
from app.infra.db import transaction
from app.infra.object_store import get_object_store
from app.tables import (
    ApiToken,
    ConsensusDecision,
    DatasetTransfer,
    FrameCut,
    ModelDeployment,
    TrainingSample,
    UserSession,
    Webhook,
    WebhookDelivery,
)
from app.tables.base import utcnow
from tests.support.edges import EdgeClient
from tests.support.matrix import OWN_WORDS, ROUTES
from tests.support.people import Person, make_organization, make_person, make_token
from tests.support.world import World, make_world

PREFIX = "/api/v1"
OK, NO_CREDENTIAL, FORBIDDEN, HIDDEN = "ok", 401, 403, 404
NOBODY = dict.fromkeys(("anonymous", "expired", "revoked", "edge", "other edge"), NO_CREDENTIAL)
PEOPLE = ("member", "professional", "enterprise", "other enterprise", "reader", "super admin")
CALLERS = (*NOBODY, *PEOPLE)


def rule(**answers: int | str) -> dict[str, int | str]:
    """What each person gets; those who are nobody to this route are asked for a credential."""
    return {**NOBODY, **{name.replace("_", " "): answer for name, answer in answers.items()}}


EVERYBODY = dict.fromkeys(CALLERS, OK)
CLOSED = {"member": FORBIDDEN, "professional": FORBIDDEN}
EXPECTED: dict[str, dict[str, int | str]] = {
    "public": EVERYBODY,
    "edge": {**dict.fromkeys(CALLERS, NO_CREDENTIAL), "edge": OK, "other edge": HIDDEN},
    "own": rule(**dict.fromkeys(map(lambda name: name.replace(" ", "_"), PEOPLE), OK)),
    "own-write": rule(member=OK, professional=OK, enterprise=OK, other_enterprise=OK, reader=FORBIDDEN, super_admin=OK),
    "read": rule(**CLOSED, enterprise=OK, other_enterprise=HIDDEN, reader=OK, super_admin=OK),
    "admin-read": rule(**CLOSED, enterprise=FORBIDDEN, other_enterprise=FORBIDDEN, reader=OK, super_admin=OK),
    "write": rule(**CLOSED, enterprise=FORBIDDEN, other_enterprise=FORBIDDEN, reader=FORBIDDEN, super_admin=OK),
}
# Bodies without which a route does not even look for its record.
BODIES: dict[str, Any] = {"progress": {"status": "downloading"}}
# Where what was asked for is not there in this world, although its record is.
ABSENT = {"GET /training/jobs/{job_id}/split"}
Routes = dict[str, str]


def routes() -> list[tuple[str, str]]:
    found = [*endpoints(create_api().routes), *endpoints(operations.router.routes)]
    return [(method, route.path) for route in found for method in sorted(route.methods)]


def test_every_route_stands_in_the_matrix() -> None:
    assert {f"{method} {path}" for method, path in routes()} == set(ROUTES)
    assert set(ROUTES.values()) <= set(EXPECTED)


class Stage:
    """One organization with a record of every kind, and everybody."""

    def __init__(self, client: TestClient, enrolled: Callable[..., EdgeClient], root: Person) -> None:
        self.anonymous, self.root = client, root
        self.organization = make_organization("Ours Ltd", Plan.ENTERPRISE)
        self.other = make_organization("Theirs Ltd", Plan.ENTERPRISE)
        poor = make_organization("Poor Ltd", Plan.PROFESSIONAL)
        self.world: World = make_world(root, self.organization)
        self.edge, self.other_edge = enrolled("ours", self.organization), enrolled("theirs", self.other)
        self._tie_up()
        own = make_person("Eve", Role.ORGANIZATION_ADMIN, organization_id=self.organization, plan=Plan.ENTERPRISE)
        foreign = make_person("Olga", Role.ORGANIZATION_ADMIN, organization_id=self.other, plan=Plan.ENTERPRISE)
        self.people = {
            "member": make_person("Max", Role.MEMBER, organization_id=self.organization, plan=Plan.ENTERPRISE),
            "professional": make_person("Pat", Role.ORGANIZATION_ADMIN, organization_id=poor, plan=Plan.PROFESSIONAL),
            "enterprise": own,
            "other enterprise": foreign,
            "reader": root,
            "super admin": root,
        }

    def _tie_up(self) -> None:
        """The deployment is for the edge server that calls, and the sample's file could be in the store."""
        with transaction() as session:
            session.get_one(ModelDeployment, self.world.deployment).edge_server_id = self.edge.id
            session.get_one(TrainingSample, self.world.sample).file_url = get_object_store().url("datasets/0.png")

    def ids(self, caller: str) -> dict[str, Any]:
        """What stands in the path: records of the organization, and what is the caller's own."""
        person = self.people.get(caller, self.root)
        webhook = Webhook(name="w", url="https://example.org", events=["job.failed"], created_by=self.root.id)
        sent = WebhookDelivery(
            webhook_id=webhook.id, message_id=uuid4(), event_type="job.failed", status="failed", error="x"
        )
        token = ApiToken(user_id=person.id, name="own", token_hash=uuid4().hex)
        signed_in = UserSession(user_id=person.id, token_hash=uuid4().hex, expires_at=utcnow() + timedelta(days=1))
        decided = ConsensusDecision(
            sample_id=self.world.sample, dataset_id=self.world.dataset, kind="automatic", ended_at=utcnow()
        )
        cut = FrameCut(
            dataset_id=self.world.dataset, video_id=self.world.sample, every_ms=1, most=1, created_by=self.root.id
        )
        transfer = DatasetTransfer(dataset_id=self.world.dataset, kind="import", format="coco", created_by=self.root.id)
        with transaction() as session:
            session.add_all([webhook, token, signed_in, decided, cut, transfer])
            session.flush()
            session.add(sent)
        return {
            "dataset_id": self.world.dataset,
            "sample_id": self.world.sample,
            "job_id": self.world.job,
            "version_id": self.world.version,
            "edge_server_id": self.world.edge,
            "deployment_id": self.world.deployment,
            "organization_id": self.organization,
            "user_id": self.people["member"].id,
            "plan": "enterprise",
            **dict.fromkeys(("version", "before", "after"), "latest"),
            "name": "label_keys",
            "filename": "1.root.json",
            "webhook_id": webhook.id,
            "delivery_id": sent.id,
            "decision_id": decided.id,
            "cut_id": cut.id,
            "transfer_id": transfer.id,
            "token_id": token.id,
            "session_id": signed_in.id,
        }

    def call(self, caller: str, method: str, path: str) -> httpx.Response:
        """The request, with a body that says nothing where one is due."""
        body = BODIES.get(path.rpartition("/")[2], {}) if method in {"POST", "PUT"} else None
        if caller in {"edge", "other edge"}:
            edge = self.edge if caller == "edge" else self.other_edge
            if path.startswith("/edge/") and path != "/edge/enrol":
                return edge.call(method, path.removeprefix("/edge"), body)
            sent = b"" if body is None else json.dumps(body).encode()
            token = edge.sign(edge.claims(method, PREFIX + path, sent))
            return self._send(method, path, body, token)
        return self._send(method, path, body, self._token(caller))

    def _token(self, caller: str) -> str | None:
        if caller == "anonymous":
            return None
        person = self.people.get(caller, self.root)
        secret = make_token(person, "read" if caller == "reader" else "full")
        change = {"expired": {"expires_at": utcnow()}, "revoked": {"revoked_at": utcnow()}}.get(caller)
        if change:
            _spoil(secret, change)
        return secret

    def _send(self, method: str, path: str, body: Any, token: str | None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        prefix = "" if path == "/metrics" else PREFIX
        return self.anonymous.request(method, prefix + path, json=body, headers=headers, follow_redirects=False)


def _spoil(secret: str, change: dict[str, Any]) -> None:
    from sqlmodel import select

    from app.auth.actors import digest

    with transaction() as session:
        row = session.exec(select(ApiToken).where(ApiToken.token_hash == digest(secret))).one()
        row.sqlmodel_update(change)
        session.add(row)


def everything() -> dict[str, str]:
    """A digest of every table that a refused caller could have changed."""
    with transaction() as session:
        names = session.connection().execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
        kept = [name for (name,) in names if not name.startswith(("audit_", "alembic")) and name != "api_tokens"]
        query = "SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {} t"
        return {name: session.connection().execute(text(query.format(name))).scalar_one() for name in kept}


def fits(answer: httpx.Response, expected: int | str, route: str, path: str) -> bool:
    """Whether the answer is what this caller may get. Lists and signed metadata hide no record as a whole."""
    if expected == HIDDEN and ("{" not in route or "{filename}" in route):
        expected = OK
    if expected == OK:
        absent = {404} if route in ABSENT else set()
        allowed = answer.status_code not in {401, 403, 404} - absent
        return answer.status_code < 500 and (allowed or _own_fault(answer))
    return answer.status_code == expected


def _own_fault(answer: httpx.Response) -> bool:
    """A refusal that answers the empty request itself, such as a sign-in without a password."""
    return answer.json()["type"].rpartition("/")[2] in OWN_WORDS


def removes_last(route: tuple[str, str]) -> tuple[bool, bool, int]:
    """What removes things comes last, and a part before the whole, so that every call finds its record."""
    method, path = route
    return method == "DELETE", "revoke" in path or "sign-out" in path, -path.count("/") * (method == "DELETE")


@pytest.mark.parametrize("caller", CALLERS)
def test_caller_gets_what_the_matrix_says(
    caller: str, client: TestClient, enrolled: Callable[..., EdgeClient], super_admin: Person
) -> None:
    stage = Stage(client, enrolled, super_admin)
    ids = stage.ids(caller)
    before, faults = everything(), []
    for method, route in sorted(routes(), key=removes_last):
        name = f"{method} {route}"
        expected, path = EXPECTED[ROUTES[name]][caller], route.format(**ids)
        answer = stage.call(caller, method, path)
        if not fits(answer, expected, name, path):
            faults.append(f"{name} for {caller}: expected {expected}, got {answer.status_code} {answer.text[:200]}")
    assert not faults, "\n".join(faults)
    if caller not in {"super admin", "edge", "other edge"}:
        own = {"user_sessions"} if caller in PEOPLE else set()
        changed = {table for table, digest in everything().items() if digest != before[table]}
        assert changed <= own, f"{caller} changed {changed}"
