"""Training jobs and audit events as pages show them."""

from typing import TypedDict

from app.domain.machines import JOB_FINISHED
from app.schemas.audit import AuditView
from app.schemas.status import JobStatusView
from app.schemas.training_jobs import TrainingJobView
from state.views.words import iso, share

TONES = {"completed": "done", "failed": "failed", "cancelled": "failed", "running": "running"}


class JobRow(TypedDict):
    """A training job."""

    id: str
    name: str
    ai_module: str
    status: str
    progress: int
    tone: str
    epochs: str
    accuracy: str
    eta: str
    created_at: str
    error: str


class EventRow(TypedDict):
    """An audit event."""

    id: str
    at: str
    actor: str
    action: str


NO_JOB: JobRow = {
    "id": "",
    "name": "",
    "ai_module": "",
    "status": "",
    "progress": 0,
    "tone": "waiting",
    "epochs": "",
    "accuracy": "–",
    "eta": "",
    "created_at": "",
    "error": "",
}


def epochs(job: TrainingJobView | JobStatusView) -> str:
    """How far a job is, in epochs; before the first, how many there will be."""
    return f"epoch {job.current_epoch} of {job.total_epochs}" if job.current_epoch else f"{job.total_epochs} epochs"


def job_row(job: TrainingJobView) -> JobRow:
    """A training job; its accuracy is the test's, or while it runs the last one on the validation images."""
    return {
        "id": str(job.id),
        "name": job.name,
        "ai_module": job.ai_module,
        "status": str(job.status),
        "progress": job.progress_percent,
        "tone": TONES.get(str(job.status), "waiting"),
        "epochs": epochs(job),
        "accuracy": share(job.metrics.get("accuracy", job.metrics.get("latest", {}).get("val_accuracy"))),
        "eta": "" if job.status in JOB_FINISHED else iso(job.estimated_completion),
        "created_at": iso(job.created_at),
        "error": job.error_message or "",
    }


def event_row(event: AuditView) -> EventRow:
    """An audit event in words."""
    noun, _, verb = event.action.partition(".")
    words = f"{noun}: {verb}".replace("_", " ")
    return {"id": str(event.id), "at": iso(event.occurred_at), "actor": event.actor, "action": words.capitalize()}
