"""The status of jobs and edge servers as the page for phones shows it."""

from typing import TypedDict

from app.domain.machines import JOB_FINISHED, JobStatus
from app.schemas.status import ActiveModelView, EdgeStatusView, JobStatusView, PendingDeploymentView
from state.views.models import DEPLOYMENT_TONES
from state.views.training import TONES, epochs
from state.views.words import iso, plainly

VERDICTS = {True: "same", False: "different", None: "unknown"}


class StatusJob(TypedDict):
    """A job. `word` and `stale_after` say how its age is told: what is over does not grow stale."""

    id: str
    name: str
    ai_module: str
    status: str
    progress: int
    tone: str
    epochs: str
    eta: str
    error: str
    as_of: str
    word: str
    stale_after: int


class StatusModel(TypedDict):
    """A model that an edge server reported. `verdict`: same, different, unknown (as on the edge server's own page)."""

    title: str
    verdict: str


class StatusDeployment(TypedDict):
    """What was ordered and is not there yet."""

    title: str
    status: str
    progress: int
    tone: str
    as_of: str


class StatusEdge(TypedDict):
    """An edge server with what it runs and what it waits for."""

    id: str
    name: str
    site: str
    health: str
    is_revoked: bool
    error: str
    models: list[StatusModel]
    more_models: str
    deployments: list[StatusDeployment]
    as_of: str
    stale_after: int


def status_job(job: JobStatusView, stale_after: int) -> StatusJob:
    """A job; its word is what its age counts from."""
    is_over, runs = job.status in JOB_FINISHED, job.status is JobStatus.RUNNING
    return {
        "id": str(job.id),
        "name": job.name,
        "ai_module": job.ai_module,
        "status": str(job.status),
        "progress": job.progress_percent,
        "tone": TONES.get(str(job.status), "waiting"),
        "epochs": epochs(job),
        "eta": iso(job.estimated_completion) if runs else "",
        "error": job.error_message or "",
        "as_of": iso(job.completed_at if is_over else job.as_of),
        "word": "ended" if is_over else "as of" if runs else "queued",
        "stale_after": stale_after if runs else 0,
    }


def status_edge(edge: EdgeStatusView, stale_after: int) -> StatusEdge:
    """An edge server; a revoked one is not expected to say anything."""
    return {
        "id": str(edge.id),
        "name": edge.name,
        "site": edge.site,
        "health": str(edge.health),
        "is_revoked": edge.is_revoked,
        "error": plainly(edge.last_error),
        "models": [_model(model) for model in edge.models],
        "more_models": f"and {edge.more_models} more" if edge.more_models else "",
        "deployments": [_deployment(row) for row in edge.deployments],
        "as_of": iso(edge.as_of),
        "stale_after": 0 if edge.is_revoked else stale_after,
    }


def _model(model: ActiveModelView) -> StatusModel:
    return {"title": f"{model.ai_module} {model.version}", "verdict": VERDICTS[model.is_released_digest]}


def _deployment(row: PendingDeploymentView) -> StatusDeployment:
    return {
        "title": f"{row.ai_module} {row.version}",
        "status": str(row.status),
        "progress": row.progress_percent,
        "tone": DEPLOYMENT_TONES.get(str(row.status), "running"),
        "as_of": iso(row.as_of),
    }
