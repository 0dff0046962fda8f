"""A job's life as workers and the reconciler drive it: one attempt counts, nothing is lost, nothing runs for ever."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlmodel import select

from app.domain.machines import JobStatus
from app.domain.permissions import SystemActor
from app.errors import Conflict, IllegalTransition, Invalid
from app.infra.db import transaction
from app.infra.queue import queue, queue_id
from app.schemas.model_versions import TrainedModel
from app.schemas.training_jobs import JobProgress, MetricPointIn, TrainingJobCreate
from app.services import job_repairs, job_runs, training_jobs
from app.services.job_repairs import MAX_ATTEMPTS
from app.services.job_runs import AttemptOver, RunTicket
from app.tables import AiModelVersion, AuditEvent, TrainingDataset, TrainingJob
from app.tables.base import utcnow
from tests.support.people import Person
from tests.support.records import make_dataset, make_job, make_samples, make_version
from tests.support.waiting import together

WORKER = SystemActor("worker")
SCORES = {"accuracy": 0.98, "precision": 0.97, "recall": 0.96, "f1": 0.965}


@pytest.fixture
def dataset(super_admin: Person) -> TrainingDataset:
    return make_dataset(super_admin)


@pytest.fixture
def job(super_admin: Person, dataset: TrainingDataset) -> UUID:
    """A queued job in its first attempt."""
    return make_job(super_admin, dataset, JobStatus.QUEUED).id


def row(job: UUID) -> TrainingJob:
    with transaction() as session:
        return session.get_one(TrainingJob, job)


def begin(job: UUID, attempt: int = 1) -> RunTicket:
    with transaction() as session:
        return job_runs.begin(session, WORKER, job, attempt)


def report(job: UUID, attempt: int = 1, **progress: object) -> bool:
    with transaction() as session:
        return job_runs.report(session, WORKER, job, attempt, JobProgress.model_validate(progress))


def trained(version: str) -> TrainedModel:
    return TrainedModel(
        model_version_id=uuid4(), version=version, bundle_key="b", bundle_sha256="0" * 64, bundle_length=10,
        contract_key="c", checkpoint_key="k", metrics=SCORES, inference_time_ms=0.4, split={"train": 8},
    )  # fmt: skip


def complete(ticket: RunTicket, version: str) -> UUID:
    with transaction() as session:
        return job_runs.complete(session, WORKER, ticket, trained(version), "s3://trainyard/")


def reconcile(*waiting: str) -> list[str]:
    with transaction() as session:
        return job_repairs.reconcile(session, WORKER, waiting)


def lose_worker(job: UUID) -> None:
    with transaction() as session:
        lost = session.get_one(TrainingJob, job)
        lost.heartbeat_at = utcnow() - job_repairs.LOST_AFTER - timedelta(seconds=1)
        session.add(lost)


def point(step: int, value: float) -> MetricPointIn:
    return MetricPointIn(name="train_loss", step=step, epoch=step // 10, value=value)


def test_run_from_begin_to_a_draft_version(job: UUID) -> None:
    ticket = begin(job)
    assert (ticket.attempt, ticket.seed, ticket.label_schema["task"]) == (1, 0, "classification")
    stop = report(job, points=[point(1, 2.0)], log="hello\n", current_epoch=1, progress_percent=12, eta_seconds=60)
    assert stop is False
    running = row(job)
    assert (running.status, running.progress_percent, running.training_logs) == ("running", 12, "hello\n")
    assert running.estimated_completion > utcnow()
    made = complete(ticket, "1.0.0")
    done = row(job)
    assert (done.status, done.output_model_version, done.progress_percent) == ("completed", made, 100)
    assert done.estimated_completion is None
    with transaction() as session:
        version = session.get_one(AiModelVersion, made)
    assert (version.status, version.is_approved, version.version) == ("draft", False, "1.0.0")
    assert (float(version.accuracy or 0), version.model_file_url) == (0.98, "s3://trainyard/b")


def test_failure_has_a_reason_even_one_that_the_database_cannot_hold(job: UUID) -> None:
    begin(job)
    with transaction() as session:
        job_runs.fail(session, WORKER, job, 1, "bad file \0 \ud800 in the dataset")
    failed = row(job)
    assert failed.status == "failed"
    assert (failed.error_message or "").startswith("bad file ")
    report_log = JobProgress(log="a\0b\ud800")
    assert "\0" not in report_log.log


def test_cancel_of_a_waiting_job_is_at_once_and_its_worker_finds_nothing(job: UUID, super_admin: Person) -> None:
    with transaction() as session:
        assert training_jobs.cancel(session, super_admin.actor, job).status == "cancelled"
    with pytest.raises(AttemptOver):
        begin(job)
    with pytest.raises(IllegalTransition), transaction() as session:
        training_jobs.cancel(session, super_admin.actor, job)


def test_cancel_of_a_running_job_reaches_its_worker(job: UUID, super_admin: Person) -> None:
    begin(job)
    with transaction() as session:
        view = training_jobs.cancel(session, super_admin.actor, job)
    assert (view.status, view.cancel_requested_at is not None) == ("running", True)
    assert report(job) is True
    with transaction() as session:
        job_runs.cancelled(session, WORKER, job, 1)
    assert row(job).status == "cancelled"


def test_attempt_that_is_over_changes_nothing(job: UUID) -> None:
    ticket = begin(job)
    lose_worker(job)
    assert len(reconcile(queue_id(job, 1))) == 1
    assert (row(job).status, row(job).attempt) == ("queued", 2)
    second = begin(job, 2)
    for late in (lambda: report(job, 1, log="late"), lambda: begin(job, 1), lambda: complete(ticket, "1.0.0")):
        with pytest.raises(AttemptOver):
            late()
    with pytest.raises(AttemptOver), transaction() as session:
        job_runs.fail(session, WORKER, job, 1, "late")
    assert row(job).status == "running"
    assert "late" not in row(job).training_logs
    complete(second, "1.0.0")


def test_points_of_a_resumed_epoch_replace_the_first_ones(job: UUID, super_admin: Person) -> None:
    begin(job)
    report(job, points=[point(1, 5.0), point(2, 4.0), point(2, 4.5)])
    report(job, points=[point(2, 3.0), point(3, 2.0)])
    with transaction() as session:
        curves = training_jobs.metrics(session, super_admin.actor, job)
    assert curves.series["train_loss"].step == [1, 2, 3]
    assert curves.series["train_loss"].value == [5.0, 3.0, 2.0]
    assert curves.last_step == 3


def test_curve_is_thinned_evenly_and_keeps_its_end(job: UUID, super_admin: Person) -> None:
    begin(job)
    report(job, points=[point(step, float(step)) for step in range(1000)])
    with transaction() as session:
        series = training_jobs.metrics(session, super_admin.actor, job, ["train_loss"], 100).series["train_loss"]
        assert training_jobs.metrics(session, super_admin.actor, job, ["other"]).series == {}
    assert 90 <= len(series.step) <= 101
    assert series.step[-1] == 999
    assert {b - a for a, b in zip(series.step, series.step[1:], strict=False)} <= {10, 9, 1}


def test_log_is_read_in_parts(job: UUID, super_admin: Person) -> None:
    begin(job)
    for line in ("one\n", "zwölf\n"):
        report(job, log=line)
    with transaction() as session:
        first = training_jobs.logs(session, super_admin.actor, job)
        rest = training_jobs.logs(session, super_admin.actor, job, 4)
        none = training_jobs.logs(session, super_admin.actor, job, first.next_offset)
    assert (first.text, rest.text, none.text, none.next_offset) == ("one\nzwölf\n", "zwölf\n", "", first.next_offset)


def test_log_without_an_end_is_cut(job: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_runs, "MAX_LOG_CHARACTERS", 10)
    begin(job)
    for _ in range(5):
        report(job, log="1234567\n")
    assert row(job).training_logs.startswith("1234567\n12\n… the log is cut")
    assert row(job).training_logs.count("1234567") == 1


def test_reconciler_hands_out_what_the_queue_lost(job: UUID, dataset: TrainingDataset, super_admin: Person) -> None:
    pending = make_job(super_admin, dataset, JobStatus.PENDING, attempt=0).id
    held = make_job(super_admin, dataset, JobStatus.QUEUED).id
    with transaction() as session:
        for old in (job, held):
            session.get_one(TrainingJob, old).updated_at = utcnow() - timedelta(minutes=1)
    assert len(reconcile(queue_id(held, 1))) == 2
    assert (row(job).attempt, row(pending).attempt, row(held).attempt) == (2, 1, 1)
    assert {row(job).status, row(pending).status} == {"queued"}
    assert set(queue().job_ids) == {queue_id(job, 2), queue_id(pending, 1)}


def test_reconciler_leaves_a_fresh_job_and_a_living_worker_alone(job: UUID) -> None:
    assert reconcile() == []
    begin(job)
    assert reconcile() == []
    assert row(job).status == "running"


def test_reconciler_gives_up_after_the_last_attempt(dataset: TrainingDataset, super_admin: Person) -> None:
    job = make_job(super_admin, dataset, JobStatus.QUEUED).id
    for attempt in range(1, MAX_ATTEMPTS + 1):
        begin(job, attempt)
        lose_worker(job)
        reconcile(queue_id(job, attempt))
    failed = row(job)
    assert (failed.status, failed.attempt) == ("failed", MAX_ATTEMPTS)
    assert "lost 4 times" in (failed.error_message or "")
    assert reconcile() == []


def test_lost_worker_of_a_cancelled_job_ends_it(job: UUID, super_admin: Person) -> None:
    begin(job)
    with transaction() as session:
        training_jobs.cancel(session, super_admin.actor, job)
    lose_worker(job)
    reconcile()
    assert row(job).status == "cancelled"


def test_two_jobs_that_end_together_get_two_versions(dataset: TrainingDataset, super_admin: Person) -> None:
    tickets = [begin(make_job(super_admin, dataset, JobStatus.QUEUED).id) for _ in range(2)]
    outcomes = together(*(lambda t=t: complete(t, "1.0.0") for t in tickets))
    refused = [error for error in outcomes if isinstance(error, Exception)]
    assert [type(error) for error in refused] == [Conflict]
    assert refused[0].problem_code == "version-taken"  # type: ignore[attr-defined]
    with transaction() as session:
        assert job_runs.reserve_version(session, WORKER, tickets[outcomes.index(refused[0])]) == "2.0.0"


@pytest.mark.parametrize(
    ("verified", "classes", "message"), [(9, 2, "needs at least 10"), (0, 2, "0 verified"), (12, 1, "two classes")]
)
def test_job_needs_verified_samples_of_two_classes(
    dataset: TrainingDataset, super_admin: Person, second_admin: Person, verified: int, classes: int, message: str
) -> None:
    make_samples(dataset, verified, super_admin, second_admin)
    make_samples(make_dataset(super_admin), 20, super_admin, second_admin)
    if classes == 1:
        from app.tables import TrainingSample

        with transaction() as session:
            for sample in session.exec(select(TrainingSample).where(TrainingSample.dataset_id == dataset.id)):
                sample.labels = {"class": "one"}
                session.add(sample)
    request = TrainingJobCreate(name="x", dataset_id=dataset.id)
    with pytest.raises(Conflict, match=message), transaction() as session:
        training_jobs.create(session, super_admin.actor, request)


def test_base_model_must_fit(dataset: TrainingDataset, super_admin: Person, second_admin: Person) -> None:
    make_samples(dataset, 12, super_admin, second_admin)
    foreign = make_version("1.0.0", ai_module="other", checkpoint_url="s3://x/y")
    bare = make_version("2.0.0")
    for base, kind in ((foreign, Invalid), (bare, Conflict)):
        request = TrainingJobCreate(name="x", dataset_id=dataset.id, base_model_version=base.id)
        with pytest.raises(kind), transaction() as session:
            training_jobs.create(session, super_admin.actor, request)


def test_wrong_hyperparameter_starts_nothing(
    dataset: TrainingDataset, super_admin: Person, second_admin: Person
) -> None:
    make_samples(dataset, 12, super_admin, second_admin)
    request = TrainingJobCreate(name="x", dataset_id=dataset.id, hyperparameters={"epochs": 0, "speed": 1})
    with pytest.raises(Invalid, match="speed"), transaction() as session:
        training_jobs.create(session, super_admin.actor, request)
    assert queue().job_ids == []


def test_job_that_is_not_committed_is_not_handed_out_and_leaves_no_event(
    dataset: TrainingDataset, super_admin: Person, second_admin: Person
) -> None:
    make_samples(dataset, 12, super_admin, second_admin)
    request = TrainingJobCreate(name="x", dataset_id=dataset.id)

    def begun_and_broken() -> None:
        with transaction() as session:
            training_jobs.create(session, super_admin.actor, request)
            raise RuntimeError("after the service, before the commit")

    with pytest.raises(RuntimeError):
        begun_and_broken()
    assert queue().job_ids == []
    with transaction() as session:
        assert session.exec(select(TrainingJob)).all() == []
        assert session.exec(select(AuditEvent)).all() == []
        training_jobs.create(session, super_admin.actor, request)
    assert len(queue().job_ids) == 1
    with transaction() as session:
        assert [event.action for event in session.exec(select(AuditEvent))] == ["training_job.create"]
