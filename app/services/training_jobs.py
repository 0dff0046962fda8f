"""Training jobs as people use them: create, list, cancel, read log and curves. What workers do is in `job_runs`."""

from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select

from app.domain.hyperparameters import Hyperparameters
from app.domain.machines import JOB_FINISHED, JobStatus, ModelVersionStatus, advance
from app.domain.permissions import Actor, Permission, PersonActor, require
from app.errors import Conflict, Invalid, NotFound
from app.infra.db import after_commit
from app.infra.live import publish
from app.infra.object_store import ObjectStore
from app.infra.queue import enqueue_training
from app.schemas.base import Page
from app.schemas.training_jobs import (
    MetricSeries,
    Series,
    TrainingJobCreate,
    TrainingJobFilter,
    TrainingJobView,
    TrainingLogs,
)
from app.services import audit, usage
from app.services.access import fetch, visible_to
from app.services.filtering import equal, within
from app.services.paging import paged
from app.services.trainable import check_dataset, check_version
from app.services.webhook_events import job_moved
from app.tables import AiModelVersion, MetricPoint, TrainingDataset, TrainingJob
from app.tables.base import utcnow

LOG_CHUNK = 200_000
MAX_POINTS = 5_000


def list_jobs(
    session: Session, actor: Actor, wanted: TrainingJobFilter, cursor: str | None = None, limit: int = 50
) -> Page[TrainingJobView]:
    """One page of the jobs that fit."""
    require(actor, Permission.JOBS_READ)
    query = select(TrainingJob).where(
        visible_to(actor, TrainingJob.organization_id),
        *equal(TrainingJob, wanted),
        *within(TrainingJob.created_at, wanted.since, wanted.until),
    )
    return paged(session, query, TrainingJob, TrainingJobView.model_validate, wanted, cursor, limit)


def get(session: Session, actor: Actor, job_id: UUID) -> TrainingJobView:
    """One job."""
    require(actor, Permission.JOBS_READ)
    return TrainingJobView.model_validate(fetch(session, TrainingJob, job_id, actor, "training job"))


def create(session: Session, actor: Actor, request: TrainingJobCreate) -> TrainingJobView:
    """A new job on a version of a dataset, or on its verified samples; handed to the queue once it is durable."""
    require(actor, Permission.JOBS_WRITE)
    assert isinstance(actor, PersonActor)
    dataset = fetch(session, TrainingDataset, request.dataset_id, actor, "dataset", lock=True)
    hyperparameters = Hyperparameters.from_mapping(request.hyperparameters)
    version = check_version(session, dataset, request.dataset_version) if request.dataset_version else None
    check_dataset(session, dataset, verified=version is None)
    base = _check_base(session, actor, request.base_model_version, dataset)
    now = utcnow()
    usage.check_training_job(session, dataset.organization_id, now)
    row = TrainingJob(
        name=request.name,
        description=request.description,
        organization_id=dataset.organization_id,
        ai_module=dataset.ai_module,
        dataset_id=dataset.id,
        dataset_version_id=version.id if version else None,
        base_model_version=base.id if base else None,
        hyperparameters=hyperparameters.to_dict(),
        training_config={"task": "classification", "seed": request.seed},
        total_epochs=hyperparameters.epochs,
        created_by=actor.user_id,
        created_at=now,  # the month for which it was counted
    )
    session.add(row)
    session.flush()
    after = request.model_dump(mode="json", exclude_none=True) | {"hyperparameters": row.hyperparameters}
    audit.record(session, actor, "training_job.create", row, after=after)
    dispatch(session, row)
    return TrainingJobView.model_validate(row)


def dispatch(session: Session, row: TrainingJob) -> None:
    """pending → queued, and into the queue after the commit."""
    row.status = advance(JobStatus(row.status), JobStatus.QUEUED, f"Training job {row.name!r}")
    hand_out(session, row)


def hand_out(session: Session, row: TrainingJob, *, moved: bool = True) -> None:
    """Put a queued job into the queue, as a new attempt, after the commit. `moved`: it was not queued before."""
    row.attempt += 1
    row.updated_at = utcnow()
    session.add(row)
    session.flush()
    job_id, attempt = row.id, row.attempt
    after_commit(session, lambda: enqueue_training(job_id, attempt))
    announce(session, row, moved=moved)


def announce(session: Session, row: TrainingJob, *, moved: bool = True) -> None:
    """Tell browsers, after the commit, how the job stands, and webhooks if it `moved` to a new status."""
    if moved:
        job_moved(session, row)
    eta = row.estimated_completion.isoformat() if row.estimated_completion else None
    data = {
        "points": [],
        "status": str(row.status),
        "progress_percent": row.progress_percent,
        "current_epoch": row.current_epoch,
        "eta": eta,
    }
    job_id, owner = str(row.id), row.organization_id
    after_commit(session, lambda: publish(f"job:{job_id}", data, owner=owner))
    after_commit(session, lambda: publish("jobs", {"job_id": job_id, "status": data["status"]}, owner=owner))


def cancel(session: Session, actor: Actor, job_id: UUID) -> TrainingJobView:
    """Stop a job: at once if no worker has it, at the next batch if one has."""
    require(actor, Permission.JOBS_WRITE)
    row = fetch(session, TrainingJob, job_id, actor, "training job", lock=True)
    status = JobStatus(row.status)
    if status in JOB_FINISHED:
        advance(status, JobStatus.CANCELLED, f"Training job {row.name!r}")
    now = utcnow()
    row.cancel_requested_at = row.cancel_requested_at or now
    if status is not JobStatus.RUNNING:
        row.status = advance(status, JobStatus.CANCELLED, f"Training job {row.name!r}")
        row.completed_at = now
    row.updated_at = now
    session.add(row)
    after = {"status": row.status, "cancel_requested_at": row.cancel_requested_at.isoformat()}
    audit.record(session, actor, "training_job.cancel", row, before={"status": status}, after=after)
    announce(session, row, moved=status is not JobStatus.RUNNING)
    session.flush()
    return TrainingJobView.model_validate(row)


def logs(session: Session, actor: Actor, job_id: UUID, offset: int = 0) -> TrainingLogs:
    """The job's log from character `offset` on, at most 200,000 characters at a time."""
    require(actor, Permission.JOBS_READ)
    fetch(session, TrainingJob, job_id, actor, "training job")
    part = func.substr(TrainingJob.training_logs, offset + 1, LOG_CHUNK)
    text = session.exec(select(part).where(TrainingJob.id == job_id)).one()
    return TrainingLogs(job_id=job_id, offset=offset, next_offset=offset + len(text), text=text)


def split_url(session: Session, actor: Actor, job_id: UUID, store: ObjectStore, seconds: int) -> str:
    """A signed URL of the split: JSON lines of sample id, label, and train, validation or test."""
    require(actor, Permission.JOBS_READ)
    row = fetch(session, TrainingJob, job_id, actor, "training job")
    url = row.training_config.get("split", {}).get("file_url")
    if url is None:
        raise NotFound(f"Training job {row.name!r} has no split yet: it is made when the job completes.")
    return store.presigned_get(store.key(url), seconds, content_type="application/jsonl")


def metrics(
    session: Session, actor: Actor, job_id: UUID, names: list[str] | None = None, max_points: int = 2000
) -> MetricSeries:
    """A snapshot of the job's curves, each thinned evenly to about `max_points`."""
    require(actor, Permission.JOBS_READ)
    fetch(session, TrainingJob, job_id, actor, "training job")
    max_points = max(2, min(max_points, MAX_POINTS))
    counts = session.exec(
        select(MetricPoint.name, func.count(), func.max(MetricPoint.step))
        .where(MetricPoint.job_id == job_id)
        .group_by(MetricPoint.name)
    ).all()
    series: dict[str, Series] = {}
    for name, count, last in counts:
        if names and name not in names:
            continue
        stride = -(-count // max_points)
        numbered = (
            select(
                MetricPoint.step,
                MetricPoint.value,
                func.row_number().over(order_by=col(MetricPoint.step)).label("n"),
            )
            .where(MetricPoint.job_id == job_id, MetricPoint.name == name)
            .subquery()
        )
        keep = (numbered.c.n % stride == 0) | (numbered.c.step == last)
        rows = session.execute(select(numbered.c.step, numbered.c.value).where(keep).order_by(numbered.c.step)).all()  # type: ignore[deprecated]
        series[name] = Series(step=[r[0] for r in rows], value=[r[1] for r in rows])
    return MetricSeries(job_id=job_id, series=series, last_step=max((last for _, _, last in counts), default=-1))


def _check_base(
    session: Session, actor: Actor, base_id: UUID | None, dataset: TrainingDataset
) -> AiModelVersion | None:
    if base_id is None:
        return None
    base = fetch(session, AiModelVersion, base_id, actor, "model version")
    if base.ai_module != dataset.ai_module:
        raise Invalid(f"The base model is of module {base.ai_module}, the dataset of {dataset.ai_module}.")
    if base.organization_id not in (None, dataset.organization_id):
        raise Invalid("The base model belongs to another organization than the dataset.")
    if base.status == ModelVersionStatus.DEPRECATED or base.checkpoint_url is None:
        raise Conflict(
            f"{base.ai_module} {base.version} cannot be trained further: it is deprecated or has no checkpoint."
        )
    return base
