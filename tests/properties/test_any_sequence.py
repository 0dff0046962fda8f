"""Whatever anybody calls, in whatever order: tenants stay apart, plans are kept, and no status is ever wrong.

Hypothesis plays two organizations, their admins and edge servers, a member, a stranger and the super admins against the
real API and a real database, and looks at everything after every step. Each run has organizations of its own.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.domain.machines import (
    DatasetStatus,
    DeploymentStatus,
    JobStatus,
    ModelVersionStatus,
    can_advance,
)
from app.domain.permissions import Plan, Role
from app.infra.db import transaction
from app.tables import PlanLimits
from tests.support.edges import EdgeClient
from tests.support.people import Person, make_organization, make_person, make_token
from tests.support.records import make_dataset, make_samples, make_version
from tests.support.trust import Trusted
from tests.support.world import API

JOBS, MODELS = 2, 1
MACHINES = {
    "training_datasets": DatasetStatus,
    "training_jobs": JobStatus,
    "ai_model_versions": ModelVersionStatus,
    "model_deployments": DeploymentStatus,
}
SNAPSHOT = """
    SELECT '{table}' AS kind, t.id::text, {owner} AS owner, t.status, md5(to_jsonb(t)::text) AS content
    FROM {table} t {join} WHERE {owner} = ANY(:o)
"""
TAKEN = """
    SELECT count(*) FROM training_jobs
    WHERE organization_id = :o AND NOT (status = 'cancelled' AND started_at IS NULL)
"""
RELEASED = """
    SELECT coalesce(max(n), 0) FROM (SELECT count(*) n FROM ai_model_versions
    WHERE organization_id = :o AND status = 'released' GROUP BY ai_module) m
"""
ACTIONS = ["heartbeat", "downloading", "installing", "completed", "failed"]
OWNERS = {
    "training_datasets": ("t.organization_id", ""),
    "training_jobs": ("t.organization_id", ""),
    "ai_model_versions": ("t.organization_id", ""),
    "model_deployments": ("e.organization_id", "JOIN edge_servers e ON e.id = t.edge_server_id"),
}
Which = st.integers(0, 1)


class Sequences(RuleBasedStateMachine):
    """Two organizations, everybody who might call, and every record that was ever made."""

    api: Starlette
    trusted: Trusted
    supers: tuple[Person, Person]

    @initialize()
    def people(self) -> None:
        suffix = uuid4().hex[:8]
        self.organizations = [make_organization(f"{name} {suffix}", Plan.ENTERPRISE) for name in ("First", "Second")]
        self.admins = [self.client(self.admin(f"admin {i} {suffix}", o)) for i, o in enumerate(self.organizations)]
        self.root, self.other = self.client(self.supers[0]), self.client(self.supers[1])
        member = make_person(f"member {suffix}", Role.MEMBER, organization_id=self.organizations[0])
        self.powerless = [*self.admins, self.client(member), TestClient(self.api, base_url="http://trainyard.test")]
        self.edges = [self.edge(f"edge {suffix} {number}", o) for number, o in enumerate(self.organizations)]
        self.datasets: list[tuple[int, UUID]] = []
        self.jobs: list[UUID] = []
        self.versions: list[tuple[int, UUID]] = []
        self.before = self.snapshot()

    def admin(self, name: str, organization: int) -> Person:
        return make_person(name, Role.ORGANIZATION_ADMIN, organization_id=organization, plan=Plan.ENTERPRISE)

    def client(self, person: Person) -> TestClient:
        headers = {"Authorization": f"Bearer {make_token(person)}"}
        return TestClient(self.api, base_url="http://trainyard.test", headers=headers)

    def edge(self, name: str, organization: int) -> EdgeClient:
        body = {"name": name, "organization_id": organization}
        token = self.ok(self.root.post(f"{API}/edge-servers", json=body))["enrolment"]["token"]
        edge = EdgeClient(TestClient(self.api, base_url="http://trainyard.test"))
        assert edge.enrol(token).status_code == 200
        return edge

    def ok(self, answer: httpx.Response) -> Any:
        assert answer.status_code < 300, answer.text
        return answer.json()

    # --- what super admins do -------------------------------------------------------------------------------------

    @rule(which=Which, count=st.integers(0, 14))
    def add_dataset(self, which: int, count: int) -> None:
        dataset = make_dataset(self.supers[0], organization_id=self.organizations[which])
        if count:
            make_samples(dataset, count, *self.supers)
        self.datasets.append((which, dataset.id))

    @rule(pick=st.integers(0, 99))
    def start_job(self, pick: int) -> None:
        if self.datasets:
            body = {"name": "train", "dataset_id": str(self.datasets[pick % len(self.datasets)][1])}
            answer = self.root.post(f"{API}/jobs", json=body)
            assert answer.status_code in {201, 403, 409}, answer.text
            if answer.status_code == 201:
                self.jobs.append(UUID(answer.json()["id"]))

    @rule(pick=st.integers(0, 99))
    def cancel_job(self, pick: int) -> None:
        if self.jobs:
            assert self.root.post(f"{API}/jobs/{self.jobs[pick % len(self.jobs)]}/cancel").status_code in {200, 409}

    @rule(which=Which)
    def add_version(self, which: int) -> None:
        number = f"1.{len(self.versions)}.0"
        version = make_version(number, organization_id=self.organizations[which])
        self.versions.append((which, version.id))

    @rule(pick=st.integers(0, 99), action=st.sampled_from(["testing", "approve", "release", "deprecate", "deploy-all"]))
    def move_version(self, pick: int, action: str) -> None:
        if not self.versions:
            return
        version = self.versions[pick % len(self.versions)][1]
        path = f"{API}/models/{version}"
        if action == "testing":
            answer = self.root.put(path, json={"status": "testing"})
        elif action == "approve":
            answer = self.approve(path, version)
        else:
            answer = self.root.post(f"{path}/{action}")
        assert answer.status_code in {200, 201, 403, 409}, answer.text

    def approve(self, path: str, version: UUID) -> httpx.Response:
        proposal = self.root.get(f"{path}/approval")
        if proposal.status_code != 200:
            return proposal
        request = self.trusted.sign(self.trusted.propose(self.supers[0], version), self.trusted.keys[self.supers[0].id])
        return self.root.post(f"{path}/approve", json=request.model_dump())

    @rule(pick=st.integers(0, 99), to=Which)
    def deploy(self, pick: int, to: int) -> None:
        if self.versions:
            owner, version = self.versions[pick % len(self.versions)]
            answer = self.root.post(f"{API}/models/{version}/deploy", json={"edge_server_id": self.edges[to].id})
            assert answer.status_code in ({201, 409} if owner == to else {409, 422}), answer.text

    @rule(pick=st.integers(0, 99), status=st.sampled_from(DatasetStatus))
    def move_dataset(self, pick: int, status: DatasetStatus) -> None:
        if self.datasets:
            path = f"{API}/datasets/{self.datasets[pick % len(self.datasets)][1]}"
            assert self.root.put(path, json={"status": status}).status_code in {200, 409}

    # --- what the others try --------------------------------------------------------------------------------------

    @rule(who=st.integers(0, 3), pick=st.integers(0, 99), kind=st.sampled_from(sorted(MACHINES)), data=st.data())
    def powerless_call(self, who: int, pick: int, kind: str, data: st.DataObject) -> None:
        """An organization admin, a member or a stranger calls any write on any record: nothing changes."""
        record = self.some(kind, pick)
        method, path, body = data.draw(st.sampled_from(writes(kind, record, self.edges[0].id)))
        answer = self.powerless[who].request(method, path, json=body)
        assert answer.status_code in {401, 403, 404}, (method, path, answer.text)
        assert self.snapshot() == self.before, (method, path)

    @rule(which=Which, action=st.sampled_from(ACTIONS), pick=st.integers(0, 99))
    def edge_reports(self, which: int, action: str, pick: int) -> None:
        """An edge speaks for itself only; what it says of another one's deployment is not heard."""
        edge = self.edges[which]
        if action == "heartbeat":
            assert edge.heartbeat().status_code == 200
            return
        deployment, owner = self.deployment(pick)
        reason = "it broke" if action == "failed" else None
        answer = edge.progress(deployment, action, 50, reason)
        if owner == self.organizations[which]:
            assert answer.status_code in {200, 409}, answer.text
        else:
            assert answer.status_code == 404, answer.text
            assert edge.call("POST", f"/deployments/{deployment}/download").status_code == 404
            assert self.snapshot() == self.before

    # --- what must always be true ---------------------------------------------------------------------------------

    @invariant()
    def statuses_move_by_their_machines(self) -> None:
        after = self.snapshot()
        for key, (_, status, _) in after.items():
            kind = MACHINES[key[0]]
            now = kind(status)
            if key in self.before and (was := kind(self.before[key][1])) is not now:
                assert can_advance(was, now), f"{key}: {was} → {now}"
        assert set(self.before) <= set(after), "a record is gone"
        self.before = after

    @invariant()
    def nobody_sees_what_belongs_to_the_other(self) -> None:
        for which, admin in enumerate(self.admins):
            foreign = self.foreign_to(which)
            for path in ("datasets", "jobs", "models", "deployments", "edge-servers", "status", "overview"):
                answer = admin.get(f"{API}/{path}")
                assert answer.status_code == 200, answer.text
                assert not [record for record in foreign if record in answer.text], path
                items = answer.json().get("items", [])
                owners = {item["organization_id"] for item in items if "organization_id" in item}
                assert owners <= {None, self.organizations[which]}, path
            for kind, record, path in self.addresses(1 - which):
                assert admin.get(path).status_code == 404, (kind, record)

    @invariant()
    def no_limit_of_the_plan_is_passed(self) -> None:
        for organization in self.organizations:
            assert self.count(TAKEN, organization) <= JOBS
            assert self.count(RELEASED, organization) <= MODELS

    # --- reading the truth ----------------------------------------------------------------------------------------

    def count(self, query: str, organization: int) -> int:
        with transaction() as session:
            return int(session.connection().execute(text(query), {"o": organization}).scalar_one())

    def snapshot(self) -> dict[tuple[str, str], tuple[int | None, str, str]]:
        """Every record of the two organizations: whose, in which status, and a digest of all its columns."""
        parts = [SNAPSHOT.format(table=table, owner=owner, join=join) for table, (owner, join) in OWNERS.items()]
        with transaction() as session:
            rows = session.connection().execute(text(" UNION ALL ".join(parts)), {"o": self.organizations})
            return {(row.kind, row.id): (row.owner, row.status, row.content) for row in rows}

    def some(self, kind: str, pick: int) -> str:
        known = sorted(record for of, record in self.before if of == kind)
        return known[pick % len(known)] if known else str(uuid4())

    def deployment(self, pick: int) -> tuple[str, int | None]:
        record = self.some("model_deployments", pick)
        return record, self.before.get(("model_deployments", record), (None,))[0]

    def foreign_to(self, which: int) -> list[str]:
        return [record for (_, record), (owner, *_) in self.before.items() if owner != self.organizations[which]]

    def addresses(self, which: int) -> Iterable[tuple[str, str, str]]:
        nouns = {"training_datasets": "datasets", "training_jobs": "jobs", "ai_model_versions": "models"}
        for (kind, record), (owner, *_) in list(self.before.items())[-12:]:
            if kind in nouns and owner == self.organizations[which]:
                yield kind, record, f"{API}/{nouns[kind]}/{record}"
        yield "edge_servers", str(self.edges[which].id), f"{API}/edge-servers/{self.edges[which].id}"


def writes(kind: str, record: str, edge: int) -> list[tuple[str, str, Any]]:
    """Every change that the API offers on a record of that kind."""
    dataset, job, version = f"{API}/datasets/{record}", f"{API}/jobs/{record}", f"{API}/models/{record}"
    signed = {"payload_base64": "e30=", "keyid": "0" * 64, "signature": "0" * 128}
    return {
        "training_datasets": [
            ("PUT", dataset, {"description": "mine"}),
            ("DELETE", dataset, None),
            ("POST", f"{dataset}/uploads", {"count": 1}),
            ("POST", f"{API}/jobs", {"name": "mine", "dataset_id": record}),
        ],
        "training_jobs": [("POST", f"{job}/cancel", None)],
        "ai_model_versions": [
            ("PUT", version, {"status": "testing"}),
            ("POST", f"{version}/approve", signed),
            ("POST", f"{version}/release", None),
            ("POST", f"{version}/deprecate", None),
            ("POST", f"{version}/deploy", {"edge_server_id": edge}),
            ("POST", f"{version}/deploy-all", None),
        ],
        "model_deployments": [("POST", f"{API}/deployments/{record}/retry", None)],
    }[kind]


@pytest.mark.slow
def test_no_sequence_of_calls_mixes_tenants_passes_a_limit_or_stores_a_wrong_status(
    database: str,
    api: Starlette,
    trusted: Trusted,
    super_admin: Person,
    second_admin: Person,
) -> None:
    with transaction() as session:
        limits = session.get_one(PlanLimits, Plan.ENTERPRISE)
        limits.training_jobs_per_month, limits.active_models_per_module = JOBS, MODELS
        session.add(limits)
    machine = type("Played", (Sequences,), {"api": api, "trusted": trusted, "supers": (super_admin, second_admin)})
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=10, stateful_step_count=25, deadline=None, suppress_health_check=checks),
    )
