"""What is told: one message for each status that was really reached, to nobody who may not know."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from app.domain.machines import JobStatus
from app.domain.permissions import EdgeActor, SystemActor
from app.domain.webhooks import EventType
from app.infra.db import transaction
from app.infra.queue import WEBHOOK_QUEUE, queue
from app.schemas.deployments import DeploymentCreate
from app.schemas.edge_servers import DeploymentProgress
from app.schemas.model_versions import ModelVersionUpdate
from app.schemas.training_jobs import JobProgress, TrainingJobCreate
from app.schemas.webhooks import WebhookUpdate
from app.services import deployments, edge_nodes, job_repairs, job_runs, model_versions, training_jobs, webhooks
from app.services.job_runs import AttemptOver
from app.settings import get_settings
from app.tables import TrainingJob
from app.tables.base import utcnow
from tests.services.test_job_runs import begin, complete, lose_worker, reconcile
from tests.support.hooks import deliveries, make_webhook, told
from tests.support.people import Person
from tests.support.records import make_dataset, make_edge, make_job, make_samples, make_version
from tests.support.servers import Servers
from tests.support.trust import Trusted
from tests.support.waiting import wait_for

WORKER = SystemActor("worker")
URL = "http://127.0.0.1:9/hook"


@pytest.fixture(autouse=True)
def _private_receivers(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TRAINYARD_WEBHOOK_ALLOW_PRIVATE", "true")
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


@pytest.fixture
def hook(super_admin: Person) -> UUID:
    """Wants everything and may know of everything."""
    return make_webhook(super_admin, URL).webhook.id


def new_job(owner: Person, second: Person, organization_id: int | None = None) -> UUID:
    dataset = make_dataset(owner, organization_id=organization_id)
    make_samples(dataset, 12, owner, second)
    with transaction() as session:
        return training_jobs.create(session, owner.actor, TrainingJobCreate(name="train", dataset_id=dataset.id)).id


def test_job_is_told_of_at_each_status_and_not_at_its_progress(
    hook: UUID, super_admin: Person, second_admin: Person
) -> None:
    job = new_job(super_admin, second_admin)
    ticket = begin(job)
    with transaction() as session:
        job_runs.report(session, WORKER, job, 1, JobProgress(progress_percent=50, log="half\n"))
    complete(ticket, "1.0.0")
    assert told(hook) == ["job.queued", "job.running", "model_version.created", "job.completed"]


def test_lost_worker_is_a_change_and_a_lost_queue_entry_is_none(
    hook: UUID, super_admin: Person, second_admin: Person
) -> None:
    job = new_job(super_admin, second_admin)
    begin(job)
    lose_worker(job)
    assert len(reconcile()) == 1
    assert told(hook) == ["job.queued", "job.running", "job.queued"]
    with transaction() as session:
        session.get_one(TrainingJob, job).updated_at = utcnow() - job_repairs.LOST_AFTER
    assert "was not in the queue" in reconcile()[0]
    assert told(hook) == ["job.queued", "job.running", "job.queued"]


def test_cancel_of_a_running_job_is_told_when_it_has_stopped(hook: UUID, super_admin: Person) -> None:
    running = make_job(super_admin, make_dataset(super_admin), JobStatus.RUNNING).id
    with transaction() as session:
        training_jobs.cancel(session, super_admin.actor, running)
    assert told(hook) == []
    with transaction() as session:
        job_runs.cancelled(session, WORKER, running, 1)
    assert told(hook) == ["job.cancelled"]
    queued = make_job(super_admin, make_dataset(super_admin), JobStatus.QUEUED).id
    with transaction() as session:
        training_jobs.cancel(session, super_admin.actor, queued)
    assert told(hook) == ["job.cancelled", "job.cancelled"]


def test_version_and_deployment_are_told_of_from_test_to_edge(
    hook: UUID, trusted: Trusted, super_admin: Person
) -> None:
    version = make_version()
    with transaction() as session:
        for status in ("testing", "draft"):
            model_versions.update(session, super_admin.actor, version.id, ModelVersionUpdate(status=status))
        model_versions.update(session, super_admin.actor, version.id, ModelVersionUpdate(release_notes="Better."))
    trusted.release(super_admin, version.id)
    edge = make_edge(super_admin)
    assert edge.id is not None
    with transaction() as session:
        order = DeploymentCreate(edge_server_id=edge.id)
        made = deployments.deploy(session, super_admin.actor, version.id, order).deployments[0].id
    node = EdgeActor(edge.id, edge.name, None)
    for status, percent in (("downloading", 10), ("downloading", 90), ("installing", 99), ("completed", 100)):
        with transaction() as session:
            progress = DeploymentProgress.model_validate({"status": status, "progress_percent": percent})
            edge_nodes.progress(session, node, made, progress)
    with transaction() as session:
        model_versions.deprecate(session, super_admin.actor, version.id)
    assert told(hook) == [
        *(f"model_version.{status}" for status in ("testing", "draft", "testing", "approved", "released")),
        *(f"deployment.{status}" for status in ("pending", "downloading", "installing", "completed")),
        "model_version.deprecated",
    ]
    data = next(row.payload for row in deliveries(hook) if row.event_type == "deployment.completed")["data"]
    assert (data["id"], data["status"], data["version"], data["edge_server_name"]) == (
        str(made), "completed", "1.0.0", edge.name,
    )  # fmt: skip


def test_message_is_small_and_says_where_the_rest_is(hook: UUID, super_admin: Person, second_admin: Person) -> None:
    job = new_job(super_admin, second_admin)
    (row,) = deliveries(hook)
    assert set(row.payload) == {"id", "type", "timestamp", "data"}
    assert (row.payload["id"], row.payload["type"]) == (str(row.message_id), "job.queued")
    assert row.payload["data"] == {
        "id": str(job),
        "status": "queued",
        "organization_id": None,
        "url": f"{get_settings().base_url}/api/v1/training/jobs/{job}",
        "name": "train",
        "ai_module": "meter_digits",
        "output_model_version": None,
    }
    assert queue(WEBHOOK_QUEUE).job_ids == [f"{row.id}_0"]


def test_webhook_of_an_organization_never_hears_of_others_records_nor_of_global_ones(
    hook: UUID, super_admin: Person, second_admin: Person, enterprise_admin: Person, professional_admin: Person
) -> None:
    theirs = make_webhook(super_admin, URL, organization_id=enterprise_admin.organization_id, name="theirs").webhook.id
    jobs = {
        owner: make_job(super_admin, make_dataset(super_admin, organization_id=owner), JobStatus.QUEUED).id
        for owner in (enterprise_admin.organization_id, professional_admin.organization_id, None)
    }
    for job in jobs.values():
        begin(job)
    assert len(told(hook)) == 3
    (row,) = deliveries(theirs)
    assert row.payload["data"]["id"] == str(jobs[enterprise_admin.organization_id])


def test_only_active_webhooks_that_want_the_event_are_told(hook: UUID, super_admin: Person) -> None:
    wants = make_webhook(super_admin, URL, [EventType.JOB_FAILED], name="failures").webhook.id
    with transaction() as session:
        webhooks.update(session, super_admin.actor, hook, WebhookUpdate(is_active=False))
    job = make_job(super_admin, make_dataset(super_admin), JobStatus.QUEUED).id
    begin(job)
    assert deliveries() == []
    with transaction() as session:
        job_runs.fail(session, WORKER, job, 1, "It broke.")
    assert (told(wants), told(hook)) == (["job.failed"], [])
    assert "It broke" not in str(deliveries(wants)[0].payload), "reasons are read where permissions are checked"


def test_change_that_is_rolled_back_is_told_to_nobody(hook: UUID, super_admin: Person) -> None:
    job = make_job(super_admin, make_dataset(super_admin), JobStatus.QUEUED).id

    def begin_twice() -> None:
        with transaction() as session:
            job_runs.begin(session, WORKER, job, 1)
            job_runs.begin(session, WORKER, job, 1)

    with pytest.raises(AttemptOver):
        begin_twice()
    assert deliveries() == []
    assert queue(WEBHOOK_QUEUE).job_ids == []


def test_deleting_a_webhook_never_breaks_the_change_that_it_would_be_told_of(
    hook: UUID, super_admin: Person, stack: Servers, database: str
) -> None:
    job = make_job(super_admin, make_dataset(super_admin), JobStatus.QUEUED).id
    query = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}' AND wait_event_type = 'Lock'"
    with ThreadPoolExecutor(1) as pool:
        with transaction() as session:
            webhooks.delete(session, super_admin.actor, hook)
            session.flush()
            begun = pool.submit(begin, job)
            wait_for(lambda: stack.sql(query)[0][0] == 1, what="the change to wait for the webhook")
        assert begun.result(15).job_id == job
    assert deliveries() == []
