"""Views of the services → rows of the pages: flat, JSON, bounded, already in words.

Pure functions; a page shows these fields and computes nothing.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypedDict

from app.domain.machines import JOB_FINISHED
from app.schemas.deployments import DeploymentRow
from app.schemas.overview import AuditView
from app.schemas.training_jobs import TrainingJobView

PROGRESS_TONES = {"completed": "done", "failed": "failed", "cancelled": "failed", "running": "running"}
DEPLOYMENT_TONES = {"completed": "done", "failed": "failed", "pending": "waiting"}


class JobRow(TypedDict):
    """A training job in a list."""

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


class DeploymentLine(TypedDict):
    """A deployment in a list."""

    id: str
    version_id: str
    version: str
    edge_id: str
    edge: str
    status: str
    progress: int
    tone: str
    error: str
    updated_at: str
    can_retry: bool


class EventRow(TypedDict):
    """An audit event in a list."""

    id: str
    at: str
    actor: str
    action: str


class Pair(TypedDict):
    """A name and what stands behind it."""

    name: str
    value: str


def iso(moment: datetime | None) -> str:
    """ISO 8601, or nothing."""
    return moment.isoformat() if moment else ""


def share(value: Any) -> str:
    """A score between 0 and 1 in percent, or a dash."""
    return f"{float(value) * 100:.1f} %" if value is not None else "–"


def megabytes(size: int) -> str:
    """A size that a person can read."""
    if size < 1_000_000:
        return f"{size / 1000:,.0f} kB"
    return f"{size / 1e6:,.1f} MB" if size < 1_000_000_000 else f"{size / 1e9:,.2f} GB"


def number(value: Any) -> str:
    """A number as people write it: no noise behind the point."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return "automatic" if value is None else str(value)


def pairs(values: Mapping[str, Any]) -> list[Pair]:
    """A mapping as rows, names in words."""
    return [{"name": name.replace("_", " "), "value": number(value)} for name, value in values.items()]


def job_row(job: TrainingJobView) -> JobRow:
    """A training job as a list shows it."""
    epochs = f"epoch {job.current_epoch} of {job.total_epochs}" if job.current_epoch else f"{job.total_epochs} epochs"
    latest = job.metrics.get("accuracy", job.metrics.get("latest", {}).get("val_accuracy"))
    return {
        "id": str(job.id),
        "name": job.name,
        "ai_module": job.ai_module,
        "status": str(job.status),
        "progress": job.progress_percent,
        "tone": PROGRESS_TONES.get(str(job.status), "waiting"),
        "epochs": epochs,
        "accuracy": share(latest),
        "eta": "" if job.status in JOB_FINISHED else iso(job.estimated_completion),
        "created_at": iso(job.created_at),
        "error": job.error_message or "",
    }


def deployment_line(row: DeploymentRow) -> DeploymentLine:
    """A deployment as a list shows it; the edge's own words about a failure come along."""
    return {
        "id": str(row.id),
        "version_id": str(row.model_version_id),
        "version": f"{row.ai_module} {row.model_version}",
        "edge_id": str(row.edge_server_id),
        "edge": row.edge_server_name,
        "status": str(row.status),
        "progress": row.progress_percent,
        "tone": DEPLOYMENT_TONES.get(str(row.status), "running"),
        "error": row.error_message or "",
        "updated_at": iso(row.updated_at),
        "can_retry": str(row.status) == "failed",
    }


def event_row(event: AuditView) -> EventRow:
    """An audit event as a list shows it."""
    action = event.action.replace("_", " ").replace(".", ": ")
    return {"id": str(event.id), "at": iso(event.occurred_at), "actor": event.actor, "action": action}
