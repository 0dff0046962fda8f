"""Training jobs."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response, status
from pydantic import StringConstraints

from app.api.deps import PageQuery, Run, Store
from app.api.etags import SHOWS_TAG, tagged
from app.api.guard import guarded_router
from app.api.marks import allow
from app.domain.hyperparameters import describe
from app.domain.permissions import Permission, require
from app.schemas.base import Page
from app.schemas.edge_servers import Download
from app.schemas.training_jobs import (
    MetricSeries,
    TrainingJobCreate,
    TrainingJobFilter,
    TrainingJobView,
    TrainingLogs,
)
from app.services import training_jobs
from app.settings import get_settings

router = guarded_router(prefix="/training/jobs", tags=["training jobs"])


class TrainingJobQuery(TrainingJobFilter, PageQuery):
    """Which ones, and which page of them."""


CurveNames = Annotated[
    list[Annotated[str, StringConstraints(max_length=500)]],
    Query(max_length=50, description="Repeated or comma-separated; none means all"),
]


@router.get("", summary="List training jobs")
@allow(Permission.JOBS_READ)
def list_jobs(run: Run, query: Annotated[TrainingJobQuery, Query()]) -> Page[TrainingJobView]:
    return run(training_jobs.list_jobs, query.part(TrainingJobFilter), query.cursor, query.limit)


@router.post("", summary="Start a training job", status_code=status.HTTP_201_CREATED)
@allow(Permission.JOBS_WRITE)
def create_job(run: Run, request: TrainingJobCreate) -> TrainingJobView:
    return run.create(training_jobs.create, request)


@router.get("/hyperparameters", summary="What may be chosen, with limits and defaults")
@allow(Permission.JOBS_READ)
def hyperparameters(run: Run) -> list[dict[str, Any]]:
    require(run.actor, Permission.JOBS_READ)
    return describe()


@router.get("/{job_id}", summary="Show a training job", responses=SHOWS_TAG)
@allow(Permission.JOBS_READ)
def get_job(run: Run, response: Response, job_id: UUID) -> TrainingJobView:
    return tagged(response, run(training_jobs.get, job_id))


@router.post("/{job_id}/cancel", summary="Cancel a training job", responses=SHOWS_TAG)
@allow(Permission.JOBS_WRITE)
def cancel_job(run: Run, response: Response, job_id: UUID) -> TrainingJobView:
    return tagged(response, run(training_jobs.cancel, job_id))


@router.get("/{job_id}/logs", summary="Read a job's log")
@allow(Permission.JOBS_READ)
def get_logs(run: Run, job_id: UUID, offset: Annotated[int, Query(ge=0, le=2**31 - 2)] = 0) -> TrainingLogs:
    return run(training_jobs.logs, job_id, offset)


@router.get("/{job_id}/split", summary="A signed URL of the list that says which sample was in which split")
@allow(Permission.JOBS_READ)
def get_split(run: Run, store: Store, job_id: UUID) -> Download:
    seconds = get_settings().download_url_seconds
    url = run(training_jobs.split_url, job_id, store, seconds)
    return Download(url=url, expires_in_seconds=seconds)


@router.get("/{job_id}/metrics", summary="Read a job's curves")
@allow(Permission.JOBS_READ)
def get_metrics(
    run: Run,
    job_id: UUID,
    names: CurveNames = [],  # noqa: B006 never changed
    max_points: Annotated[int, Query(ge=2, le=5000)] = 2000,
) -> MetricSeries:
    wanted = [name for given in names for name in given.split(",") if name]
    return run(training_jobs.metrics, job_id, wanted, max_points)
