"""GET /api/v1/training/status: what it holds, for whom, how old it is, and that it stays small."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from app.api.v1.status import matches
from app.domain.machines import DeploymentStatus, JobStatus, ModelVersionStatus
from app.domain.permissions import Plan
from app.infra.db import transaction
from app.services import status
from app.settings import get_settings
from app.tables import AiModelVersion, EdgeServer, ModelDeployment, Rollout, TrainingJob
from app.tables.base import utcnow
from tests.support.edges import EdgeClient
from tests.support.people import Person, make_organization
from tests.support.records import make_dataset, make_edge, make_job, make_version
from tests.support.world import API, make_world

AsPerson = Callable[..., TestClient]
PATH = f"{API}/status"


def show(client: TestClient) -> Any:
    answer = client.get(PATH)
    assert answer.status_code == 200, answer.text
    return answer.json()


def ago(**span: float) -> datetime:
    return utcnow() - timedelta(**span)


def released(person: Person, version: str = "1.0.0", **columns: Any) -> AiModelVersion:
    approved = {"is_approved": True, "approved_by": person.id, "approved_at": utcnow()}
    done = {"is_released": True, "released_at": utcnow(), "status": ModelVersionStatus.RELEASED}
    return make_version(version, **approved, **done, **columns)


def loaded(version: AiModelVersion, **changed: Any) -> dict[str, Any]:
    """What an edge server says of a model in its memory."""
    said = {"ai_module": version.ai_module, "version": version.version, "model_version_id": str(version.id)}
    return {**said, "bundle_sha256": version.bundle_sha256, "loaded_at": utcnow().isoformat(), **changed}


def order(person: Person, edge_id: int, version: AiModelVersion, state: DeploymentStatus) -> ModelDeployment:
    rollout = Rollout(model_version_id=version.id, kind="single", target_count=1, created_by=person.id)
    row = ModelDeployment(
        rollout_id=rollout.id,
        model_version_id=version.id,
        ai_module=version.ai_module,
        edge_server_id=edge_id,
        status=state,
    )
    with transaction() as session:
        session.add(rollout)
        session.flush()
        session.add(row)
    return row


def test_jobs_are_those_that_wait_or_run_and_those_that_ended_today(admin: TestClient, super_admin: Person) -> None:
    dataset = make_dataset(super_admin)
    for name, state, columns in (
        ("done today", JobStatus.FAILED, {"completed_at": ago(hours=23)}),
        ("waits", JobStatus.QUEUED, {}),
        ("done yesterday", JobStatus.CANCELLED, {"completed_at": ago(hours=25)}),
        ("runs", JobStatus.RUNNING, {"progress_percent": 40, "current_epoch": 2, "heartbeat_at": utcnow()}),
        ("just done", JobStatus.CANCELLED, {"completed_at": ago(minutes=1)}),
    ):
        make_job(super_admin, dataset, state, name=name, **columns)
    found = show(admin)
    assert [job["name"] for job in found["jobs"]] == ["runs", "waits", "just done", "done today"]
    assert found["more_jobs"] == 0
    running = found["jobs"][0]
    assert (running["status"], running["progress_percent"], running["current_epoch"]) == ("running", 40, 2)
    assert "training_logs" not in running


def test_a_running_job_whose_worker_is_silent_is_stale_and_others_are_not(
    admin: TestClient, super_admin: Person
) -> None:
    dataset, silent = make_dataset(super_admin), ago(seconds=90)
    make_job(super_admin, dataset, JobStatus.RUNNING, name="silent", heartbeat_at=silent, updated_at=silent)
    make_job(super_admin, dataset, JobStatus.RUNNING, name="heard", heartbeat_at=utcnow(), updated_at=silent)
    make_job(super_admin, dataset, JobStatus.QUEUED, name="waits", updated_at=silent)
    jobs = {job["name"]: job for job in show(admin)["jobs"]}
    assert {name: job["is_stale"] for name, job in jobs.items()} == {"silent": True, "heard": False, "waits": False}
    assert datetime.fromisoformat(jobs["silent"]["as_of"]) == silent
    assert 90 <= jobs["silent"]["age_seconds"] < 150
    assert jobs["heard"]["age_seconds"] < 60


def test_edge_servers_say_themselves_what_they_run(
    admin: TestClient, super_admin: Person, edge_client: EdgeClient
) -> None:
    same, other = released(super_admin), released(super_admin, "1.1.0", ai_module="other")
    never = make_version("2.0.0", ai_module="unreleased")
    models = [
        loaded(same),
        loaded(other, bundle_sha256="0" * 64),
        loaded(never),
        loaded(same, ai_module="stranger", model_version_id=str(uuid4())),
    ]
    assert edge_client.heartbeat(*models, last_error="disk is full").status_code == 200
    (edge,) = show(admin)["edge_servers"]
    verdicts = {model["ai_module"]: model["is_released_digest"] for model in edge["models"]}
    assert verdicts == {"meter_digits": True, "other": False, "unreleased": False, "stranger": None}
    shown = next(model for model in edge["models"] if model["ai_module"] == "meter_digits")
    assert (shown["version"], shown["bundle_sha256"]) == ("1.0.0", same.bundle_sha256)
    assert (edge["health"], edge["is_stale"], edge["last_error"]) == ("ok", False, "disk is full")
    assert edge["age_seconds"] < 60


def test_what_was_ordered_stands_beside_what_runs(
    admin: TestClient, super_admin: Person, edge_client: EdgeClient
) -> None:
    old, new = released(super_admin), released(super_admin, "1.1.0")
    edge_client.heartbeat(loaded(old))
    order(super_admin, edge_client.id, old, DeploymentStatus.COMPLETED)
    ordered = order(super_admin, edge_client.id, new, DeploymentStatus.DOWNLOADING)
    (edge,) = show(admin)["edge_servers"]
    assert [model["version"] for model in edge["models"]] == ["1.0.0"]
    (deployment,) = edge["deployments"]
    assert (deployment["id"], deployment["version"]) == (str(ordered.id), "1.1.0")
    assert deployment["status"] == "downloading"


def test_edge_servers_that_need_a_person_come_first(admin: TestClient, super_admin: Person) -> None:
    late = ago(seconds=6 * get_settings().heartbeat_interval_seconds)
    beats = {"b healthy": utcnow(), "a healthy": utcnow(), "offline": ago(days=1), "late": late}
    for name, heard in {**beats, "never": None}.items():
        make_edge(super_admin, name, last_heartbeat_at=heard)
    make_edge(super_admin, "revoked", last_heartbeat_at=ago(days=1), revoked_at=utcnow())
    edges = show(admin)["edge_servers"]
    assert [edge["name"] for edge in edges] == ["offline", "late", "a healthy", "b healthy", "never", "revoked"]
    assert [edge["is_stale"] for edge in edges[:5]] == [True, True, False, False, False]
    assert edges[4]["as_of"] is edges[4]["age_seconds"] is None
    assert [edge["is_revoked"] for edge in edges] == [False] * 5 + [True]


def test_the_answer_is_bounded_and_counts_what_it_leaves_out(
    admin: TestClient, super_admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "JOBS", 2)
    monkeypatch.setattr(status, "ENDED_JOBS", 1)
    monkeypatch.setattr(status, "EDGES", 1)
    monkeypatch.setattr(status, "MODELS", 2)
    dataset = make_dataset(super_admin)
    for _ in range(3):
        make_job(super_admin, dataset, JobStatus.QUEUED)
        make_job(super_admin, dataset, JobStatus.FAILED, completed_at=ago(hours=1))
    version = released(super_admin)
    models = [loaded(version, ai_module=f"module_{number}") for number in range(5)]
    for name in ("a", "b"):
        make_edge(super_admin, name, last_heartbeat_at=utcnow(), loaded=models)
    found = show(admin)
    assert (len(found["jobs"]), found["more_jobs"]) == (3, 3)
    assert (len(found["edge_servers"]), found["more_edge_servers"]) == (1, 1)
    (edge,) = found["edge_servers"]
    assert (len(edge["models"]), edge["more_models"]) == (2, 3)


def test_an_organization_admin_sees_own_and_global_records_only(
    as_person: AsPerson, super_admin: Person, enterprise_admin: Person
) -> None:
    other = make_organization("Another Ltd", Plan.ENTERPRISE)
    worlds = {owner: make_world(super_admin, owner) for owner in (None, enterprise_admin.organization_id, other)}
    foreign = released(super_admin, "7.0.0", organization_id=other)
    with transaction() as session:
        for edge in session.exec(select(EdgeServer)):
            edge.loaded = [loaded(foreign)]
            session.add(edge)
    found = show(as_person(enterprise_admin))
    visible = {worlds[None], worlds[enterprise_admin.organization_id]}
    assert {job["id"] for job in found["jobs"]} == {str(world.job) for world in visible}
    assert {edge["id"] for edge in found["edge_servers"]} == {world.edge for world in visible}
    # Even its digest is not compared: whether it fits would tell something about another organization's version.
    assert {model["is_released_digest"] for edge in found["edge_servers"] for model in edge["models"]} == {None}
    assert len(show(as_person(super_admin))["jobs"]) == 3


def test_who_may_not_see_the_interface_is_refused(
    client: TestClient, as_person: AsPerson, member: Person, professional_admin: Person
) -> None:
    assert client.get(PATH).status_code == 401
    assert as_person(member).get(PATH).status_code == 403
    refused = as_person(professional_admin).get(PATH)
    assert refused.status_code == 403
    assert "Enterprise plan" in refused.json()["detail"]


def test_an_unchanged_status_is_not_sent_again(
    admin: TestClient, super_admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job(super_admin, make_dataset(super_admin), JobStatus.QUEUED, updated_at=ago(hours=1))
    edge = make_edge(super_admin, last_heartbeat_at=ago(days=1))
    order(super_admin, edge.id, released(super_admin), DeploymentStatus.PENDING)
    first = admin.get(PATH)
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"
    later = utcnow() + timedelta(minutes=5)
    monkeypatch.setattr(status, "utcnow", lambda: later)  # everything is older by then, and nothing else
    again = admin.get(PATH, headers={"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    with transaction() as session:
        row = session.get_one(TrainingJob, job.id)
        row.status, row.completed_at, row.updated_at = JobStatus.CANCELLED, utcnow(), utcnow()
        session.add(row)
    changed = admin.get(PATH, headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


def test_silence_alone_changes_the_status(admin: TestClient, super_admin: Person) -> None:
    """Health is the server's judgement over time: an answer kept on the phone must not go on saying healthy."""
    edge = make_edge(super_admin, last_heartbeat_at=utcnow())
    tag = admin.get(PATH).headers["etag"]
    with transaction() as session:
        row = session.get_one(EdgeServer, edge.id)
        row.last_heartbeat_at = ago(hours=1)
        session.add(row)
    assert admin.get(PATH, headers={"If-None-Match": tag}).json()["edge_servers"][0]["health"] == "offline"


@pytest.mark.parametrize(
    ("sent", "same"),
    [(None, False), ("", False), ("*", True), ('"a"', True), ('W/"a"', True), ('"b", W/"a"', True), ('"b"', False)],
)
def test_tags_are_compared_weakly(sent: str | None, same: bool) -> None:
    assert matches(sent, 'W/"a"') is same
