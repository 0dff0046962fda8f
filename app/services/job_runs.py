"""Training jobs as workers run them: begin, report, end. What they train on is in `job_datasets`, what the reconciler
repairs in `job_repairs`.

Every call is one short transaction; none is open while a model trains. `attempt` fences: a worker that was
believed dead and comes back finds that its attempt is over and stops.
"""

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from app.domain.machines import JobStatus, ModelVersionStatus, advance
from app.domain.permissions import Actor, Permission, require
from app.domain.semver import next_version
from app.errors import Conflict, NotFound
from app.infra.db import after_commit
from app.infra.live import publish
from app.schemas.base import storable
from app.schemas.model_versions import TrainedModel
from app.schemas.training_jobs import JobProgress
from app.services import audit
from app.services.training_jobs import announce
from app.services.webhook_events import version_created
from app.tables import AiModelVersion, DatasetVersion, MetricPoint, TrainingDataset, TrainingJob
from app.tables.base import utcnow

MAX_LOG_CHARACTERS = 5_000_000
# Where a bundle may run: an ONNX graph is not bound to a platform, the edge distribution is.
PLATFORMS = ("linux/x86_64", "linux/aarch64", "darwin/arm64", "darwin/x86_64")


@dataclass(frozen=True)
class RunTicket:
    """What a worker needs to know to run a job."""

    job_id: UUID
    attempt: int
    name: str
    ai_module: str
    dataset_id: UUID
    dataset_version_id: UUID | None
    base_checkpoint_url: str | None
    base_version: str | None
    hyperparameters: dict[str, Any]
    seed: int
    label_schema: dict[str, Any]


class AttemptOver(Conflict):
    """This attempt of the job is no longer the one that counts: stop without a trace."""

    code = "attempt-over"


def begin(session: Session, actor: Actor, job_id: UUID, attempt: int) -> RunTicket:
    """queued → running. Raises `AttemptOver` if the job was cancelled, finished or handed to another attempt."""
    require(actor, Permission.JOBS_WRITE)
    row = locked(session, job_id, attempt)
    if row.status != JobStatus.QUEUED:
        raise AttemptOver(f"Job {job_id} is {row.status}; nothing to begin.")
    now = utcnow()
    row.status = advance(JobStatus(row.status), JobStatus.RUNNING, f"Training job {row.name!r}")
    row.started_at = row.started_at or now
    row.heartbeat_at = row.updated_at = now
    session.add(row)
    before, after = {"status": JobStatus.QUEUED}, {"status": row.status, "attempt": attempt}
    audit.record(session, actor, "training_job.begin", row, before=before, after=after)
    announce(session, row)
    dataset = session.get_one(TrainingDataset, row.dataset_id)
    base = session.get_one(AiModelVersion, row.base_model_version) if row.base_model_version else None
    # A resumed job keeps the classes of the version that it froze, whatever the dataset's are by now.
    frozen = session.get_one(DatasetVersion, row.dataset_version_id) if row.dataset_version_id else None
    return RunTicket(
        job_id=row.id,
        attempt=attempt,
        name=row.name,
        ai_module=row.ai_module,
        dataset_id=dataset.id,
        dataset_version_id=row.dataset_version_id,
        base_checkpoint_url=base.checkpoint_url if base else None,
        base_version=base.version if base else None,
        hyperparameters=row.hyperparameters,
        seed=row.training_config["seed"],
        label_schema=(frozen or dataset).label_schema,
    )


def report(session: Session, actor: Actor, job_id: UUID, attempt: int, progress: JobProgress) -> bool:
    """Store a batch of points, log lines and progress, tell the browsers, and say whether to stop.

    Returns True when a person asked to cancel. Points that were stored before (a resumed epoch) are replaced.
    """
    require(actor, Permission.JOBS_WRITE)
    row = locked(session, job_id, attempt)
    if row.status != JobStatus.RUNNING:
        raise AttemptOver(f"Job {job_id} is {row.status}; its worker stops.")
    now = utcnow()
    _store_points(session, job_id, progress)
    if progress.log:
        append_log(row, progress.log)
    if progress.current_epoch is not None:
        row.current_epoch = min(progress.current_epoch, row.total_epochs)
    if progress.progress_percent is not None:
        row.progress_percent = progress.progress_percent
    if progress.eta_seconds is not None:
        row.estimated_completion = now + timedelta(seconds=progress.eta_seconds)
    latest = {point.name: point.value for point in progress.points}
    if latest:
        row.metrics = {**row.metrics, "latest": {**row.metrics.get("latest", {}), **latest}}
    row.heartbeat_at = row.updated_at = now
    session.add(row)
    data = {
        "points": [point.model_dump() for point in progress.points],
        "log": progress.log,
        "status": str(row.status),
        "progress_percent": row.progress_percent,
        "current_epoch": row.current_epoch,
        "eta": row.estimated_completion.isoformat() if row.estimated_completion else None,
    }
    after_commit(session, lambda: publish(f"job:{job_id}", data, owner=row.organization_id))
    return row.cancel_requested_at is not None


def reserve_version(session: Session, actor: Actor, ticket: RunTicket) -> str:
    """The semantic version that the job's model will get, if nobody takes it first."""
    require(actor, Permission.MODELS_READ)
    row = locked(session, ticket.job_id, ticket.attempt)
    return str(next_version(_versions(session, row), ticket.base_version))


def complete(session: Session, actor: Actor, ticket: RunTicket, trained: TrainedModel, store_url: str) -> UUID:
    """running → completed, with a draft model version. Raises `Conflict` if its version was taken meanwhile."""
    require(actor, Permission.MODELS_WRITE)
    row = locked(session, ticket.job_id, ticket.attempt)
    status = advance(JobStatus(row.status), JobStatus.COMPLETED, f"Training job {row.name!r}")
    taken = Conflict(f"{row.ai_module} {trained.version} exists by now.", code="version-taken")
    if trained.version in _versions(session, row):
        raise taken
    scores = trained.metrics
    version = AiModelVersion(
        id=trained.model_version_id,
        organization_id=row.organization_id,
        ai_module=row.ai_module,
        version=trained.version,
        name=f"{row.ai_module} {trained.version}",
        description=f"Trained by {row.name}",
        training_job_id=row.id,
        base_version_id=row.base_model_version,
        model_file_url=store_url + trained.bundle_key,
        model_file_size=trained.bundle_length,
        config_file_url=store_url + trained.contract_key,
        checkpoint_url=store_url + trained.checkpoint_key,
        bundle_sha256=trained.bundle_sha256,
        accuracy=round(scores["accuracy"], 6),
        precision_score=round(scores["precision"], 6),
        recall_score=round(scores["recall"], 6),
        f1_score=round(scores["f1"], 6),
        metrics={**scores, "inference_time_ms": round(trained.inference_time_ms, 3)},
        inference_time_ms=math.ceil(trained.inference_time_ms),
        supported_platforms=list(PLATFORMS),
        status=ModelVersionStatus.DRAFT,
    )
    session.add(version)
    try:
        session.flush()
    except IntegrityError as error:  # another job of the module ended at the same moment
        raise taken from error
    now = utcnow()
    row.status, row.output_model_version = status, version.id
    row.metrics = {**row.metrics, **scores}
    row.training_config = {**row.training_config, "split": trained.split}
    row.progress_percent, row.completed_at, row.estimated_completion, row.updated_at = 100, now, None, now
    session.add(row)
    session.flush()
    audit.record(
        session,
        actor,
        "model_version.create",
        version,
        after={"version": version.version, "sha256": version.bundle_sha256},
    )
    before, after = {"status": JobStatus.RUNNING}, {"status": status, "output_model_version": str(version.id)}
    audit.record(session, actor, "training_job.complete", row, before=before, after=after)
    version_created(session, version)
    announce(session, row)
    return version.id


def fail(session: Session, actor: Actor, job_id: UUID, attempt: int, message: str) -> None:
    """running or queued → failed, with a reason for people."""
    require(actor, Permission.JOBS_WRITE)
    end(session, actor, locked(session, job_id, attempt), JobStatus.FAILED, storable(message))


def cancelled(session: Session, actor: Actor, job_id: UUID, attempt: int) -> None:
    """running → cancelled: the worker has stopped."""
    require(actor, Permission.JOBS_WRITE)
    end(session, actor, locked(session, job_id, attempt), JobStatus.CANCELLED, None)


def end(session: Session, actor: Actor, row: TrainingJob, status: JobStatus, message: str | None) -> None:
    """Put a final status on a locked job."""
    now, before = utcnow(), {"status": row.status}
    row.status = advance(JobStatus(row.status), status, f"Training job {row.name!r}")
    row.error_message, row.completed_at, row.estimated_completion, row.updated_at = message, now, None, now
    session.add(row)
    session.flush()
    after = {"status": status, "error_message": message}
    audit.record(session, actor, f"training_job.{status}", row, before=before, after=after)
    announce(session, row)


def locked(session: Session, job_id: UUID, attempt: int) -> TrainingJob:
    """The job's row, locked, while `attempt` is the one that counts."""
    query = select(TrainingJob).where(TrainingJob.id == job_id).with_for_update()
    row = session.exec(query.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise NotFound(f"There is no training job {job_id}.")
    if row.attempt != attempt:
        raise AttemptOver(f"Attempt {attempt} of job {job_id} is over; attempt {row.attempt} counts.")
    return row


def _versions(session: Session, row: TrainingJob) -> list[str]:
    query = select(AiModelVersion.version).where(
        AiModelVersion.ai_module == row.ai_module,
        col(AiModelVersion.organization_id).is_not_distinct_from(row.organization_id),
    )
    return list(session.exec(query))


def _store_points(session: Session, job_id: UUID, progress: JobProgress) -> None:
    if not progress.points:
        return
    now = utcnow()
    # The last value of a (name, step) wins; one statement may not touch a row twice.
    rows = {(p.name, p.step): {**p.model_dump(), "job_id": job_id, "recorded_at": now} for p in progress.points}
    statement = insert(MetricPoint).values(list(rows.values()))
    session.exec(  # type: ignore[call-overload]
        statement.on_conflict_do_update(
            index_elements=["job_id", "name", "step"],
            set_={name: statement.excluded[name] for name in ("epoch", "value", "recorded_at")},
        )
    )


def append_log(row: TrainingJob, text: str) -> None:
    """Add to the job's log, up to its limit."""
    room = MAX_LOG_CHARACTERS - len(row.training_logs)
    if room > 0:
        row.training_logs += (
            text if len(text) < room else text[:room] + "\n… the log is cut here (5,000,000 characters).\n"
        )
