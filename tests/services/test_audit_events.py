"""Events tell every step of a job, a version, a deployment and a sample, with what was before and after it."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import col, select
from starlette.testclient import TestClient

from app.domain.machines import JobStatus
from app.domain.permissions import SystemActor
from app.infra.db import transaction
from app.schemas.model_versions import TrainedModel
from app.schemas.samples import SampleUpdate, SampleVerify
from app.services import job_datasets, job_repairs, job_runs, reviews, samples, training_jobs
from app.tables import AuditEvent, AuditPending, EdgeServer
from tests.support.edges import EdgeClient
from tests.support.people import PASSWORD, Person
from tests.support.records import make_dataset, make_job, make_samples, make_version
from tests.support.trust import Trusted
from tests.support.world import API

WORKER = SystemActor("worker")
Step = tuple[str, Any, Any]


def events(subject: object) -> list[AuditEvent]:
    with transaction() as session:
        query = select(AuditEvent).where(AuditEvent.subject_id == str(subject)).order_by(col(AuditEvent.id))
        return list(session.exec(query))


def steps(subject: object) -> list[Step]:
    """Each action on a row, with its status before and after."""
    return [(event.action, event.before.get("status"), event.after.get("status")) for event in events(subject)]


def test_every_step_of_a_job_is_told(super_admin: Person) -> None:
    dataset = make_dataset(super_admin)
    make_samples(dataset, 10, super_admin, super_admin)
    job = make_job(super_admin, dataset, JobStatus.QUEUED).id
    with transaction() as session:
        ticket = job_runs.begin(session, WORKER, job, 1)
    with transaction() as session:
        frozen = job_datasets.freeze(session, WORKER, ticket)
    trained = TrainedModel(
        model_version_id=uuid4(), version="1.0.0", bundle_key="b", bundle_sha256="0" * 64, bundle_length=10,
        contract_key="c", checkpoint_key="k", metrics={"accuracy": 1, "precision": 1, "recall": 1, "f1": 1},
        inference_time_ms=0.4, split={"train": 8},
    )  # fmt: skip
    with transaction() as session:
        version = job_runs.complete(session, WORKER, ticket, trained, "s3://trainyard/")
    assert steps(job) == [
        ("training_job.begin", "queued", "running"),
        ("training_job.freeze", None, None),
        ("training_job.complete", "running", "completed"),
    ]
    assert {event.actor for event in events(job)} == {"worker"}
    assert [event.action for event in events(version)] == ["model_version.create"]
    assert [event.action for event in events(frozen.id)] == ["dataset_version.create"]


def test_job_that_the_queue_lost_is_told_to_be_handed_out_again(super_admin: Person) -> None:
    dataset = make_dataset(super_admin)
    lost = {status: make_job(super_admin, dataset, status) for status in (JobStatus.PENDING, JobStatus.QUEUED)}
    with transaction() as session:
        for job in lost.values():
            job.updated_at = job.created_at.replace(year=2020)
            session.add(job)
    with transaction() as session:
        assert len(job_repairs.reconcile(session, WORKER, [])) == 2
    for status, job in lost.items():
        (event,) = events(job.id)
        assert (event.action, event.before) == ("training_job.requeue", {"status": status, "attempt": 1})
        assert event.after == {"status": "queued", "attempt": 2}


def test_cancel_and_failure_say_what_was_before(super_admin: Person) -> None:
    dataset = make_dataset(super_admin)
    waiting, running = (make_job(super_admin, dataset, status).id for status in (JobStatus.QUEUED, JobStatus.RUNNING))
    with transaction() as session:
        training_jobs.cancel(session, super_admin.actor, waiting)
        job_runs.fail(session, WORKER, running, 1, "It broke.")
    assert steps(waiting) == [("training_job.cancel", "queued", "cancelled")]
    (event,) = events(running)
    assert (event.before, event.after) == ({"status": "running"}, {"status": "failed", "error_message": "It broke."})


def test_every_milestone_of_a_deployment_and_every_download_is_told(
    admin: TestClient, enrolled: Callable[..., EdgeClient], trusted: Trusted, super_admin: Person
) -> None:
    edge, version = enrolled(), make_version()
    trusted.release(super_admin, version.id)

    def order() -> str:
        body = {"edge_server_id": edge.id}
        return str(admin.post(f"{API}/models/{version.id}/deploy", json=body).json()["deployments"][0]["id"])

    first = order()
    assert edge.progress(first, "downloading", 10).status_code == 200
    assert edge.progress(first, "downloading", 20).status_code == 200
    second = order()
    assert edge.call("POST", f"/deployments/{second}/download").status_code == 200
    for status in ("downloading", "installing", "completed"):
        assert edge.progress(second, status, 50).status_code == 200
    assert admin.post(f"{API}/models/{version.id}/download").status_code == 200

    assert steps(first) == [
        ("deployment.downloading", "pending", "downloading"),
        ("deployment.supersede", "downloading", "failed"),
    ]
    assert steps(second) == [
        ("deployment.downloading", "pending", "downloading"),
        ("deployment.installing", "downloading", "installing"),
        ("deployment.completed", "installing", "completed"),
    ]
    assert steps(version.id) == [
        ("model_version.update", "draft", "testing"),
        ("model_version.approve", "testing", "approved"),
        ("model_version.release", "approved", "released"),
        ("model_version.download", None, None),
        ("model_version.download", None, None),
    ]
    assert [event.actor for event in events(version.id)][-2:] == [f"edge-{edge.id}", super_admin.email]


def test_samples_that_were_verified_are_named_with_what_was_agreed_before(
    super_admin: Person, second_admin: Person
) -> None:
    dataset = make_dataset(super_admin)
    (sample,) = make_samples(dataset, 1, super_admin)
    with transaction() as session:
        reviews.verify(session, second_admin.actor, dataset.id, sample, SampleVerify(verified=True))
        change = SampleUpdate.model_validate({"labels": {"class": "one"}})
        samples.update(session, super_admin.actor, dataset.id, sample, change)
    (verified,) = events(dataset.id)
    assert verified.after == {"samples": [str(sample)], "verified": True, "count": 1}
    assert verified.before["samples"][str(sample)]["is_verified"] is False
    (labelled,) = events(sample)
    assert (labelled.before["labels"], labelled.before["is_verified"]) == ({"class": "zero"}, True)
    assert (labelled.after["labels"], labelled.after["is_verified"]) == ({"class": "one"}, False)


def test_revoked_edge_server_keeps_its_key_in_the_log(admin: TestClient, edge_client: EdgeClient) -> None:
    for action in ("revoke", "enrolment-token"):
        assert admin.post(f"{API}/edge-servers/{edge_client.id}/{action}").status_code in {200, 201}
    told = {event.action: event for event in events(edge_client.id) if event.subject_type == "edge_servers"}
    assert list(told) == ["edge_server.create", "edge_server.enrol", "edge_server.revoke", "edge_server.renew_token"]
    revoked, renewed = told["edge_server.revoke"], told["edge_server.renew_token"]
    assert (revoked.before["revoked_at"], revoked.after["public_key"]) == (None, edge_client.public_key)
    assert (renewed.before["public_key"], renewed.after["public_key"]) == (edge_client.public_key, None)


@pytest.mark.usefixtures("trusted")
def test_no_event_holds_a_secret(admin: TestClient, client: TestClient, super_admin: Person) -> None:
    """Everything that a caller is shown once, or sends to prove who they are."""
    secrets = [PASSWORD, "a wrong password, really"]
    made = admin.post(f"{API}/edge-servers", json={"name": "roof"}).json()
    secrets.append(made["enrolment"]["token"])
    token = admin.post("/api/v1/auth/tokens", json={"name": "t", "scope": "read", "days": 1})
    secrets.append(token.json()["token"])
    person = {"email": "new@example.test", "name": "New", "password": PASSWORD, "role": "member"}
    assert admin.post("/api/v1/users", json=person).status_code == 201
    for password in secrets[:2]:
        client.post("/api/v1/auth/sign-in", json={"email": super_admin.email, "password": password})
    secrets += list(client.cookies.values())
    with transaction() as session:
        written = [event.model_dump_json() for event in session.exec(select(AuditEvent))]
        stored = [row.enrolment_token_hash for row in session.exec(select(EdgeServer))]
    assert len(written) >= 5
    for secret in [*secrets, *filter(None, stored)]:
        assert not [line for line in written if secret in line], secret[:12]


def test_event_waits_for_its_link_from_the_transaction_of_its_change_on(super_admin: Person) -> None:
    job: UUID = make_job(super_admin, make_dataset(super_admin), JobStatus.QUEUED).id
    with transaction() as session:
        training_jobs.cancel(session, super_admin.actor, job)
    (event,) = events(job)
    with transaction() as session:
        assert session.get(AuditPending, event.id) is not None
