"""What happened, as webhooks are told: one message for each status that a record really reached.

Called by the services that change the record, in the transaction of the change. Messages are small and hold no
secrets; `url` is where the API shows the rest.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import or_
from sqlmodel import Session, col, select

from app.domain.webhooks import EventType
from app.services.webhook_deliveries import write
from app.settings import get_settings
from app.tables import AiModelVersion, EdgeServer, ModelDeployment, TrainingJob, Webhook


def job_moved(session: Session, row: TrainingJob) -> None:
    """A training job has a new status."""
    data = {"name": row.name, "ai_module": row.ai_module, "output_model_version": _text(row.output_model_version)}
    notify(session, f"job.{row.status}", row, row.organization_id, data, f"jobs/{row.id}")


def version_created(session: Session, row: AiModelVersion) -> None:
    """A training job made a model version."""
    _version(session, row, "created")


def version_moved(session: Session, row: AiModelVersion) -> None:
    """A model version has a new status."""
    _version(session, row, str(row.status))


def deployment_moved(session: Session, row: ModelDeployment, edge: EdgeServer) -> None:
    """A deployment has a new status."""
    version = session.get_one(AiModelVersion, row.model_version_id)
    data = {
        "ai_module": row.ai_module,
        "version": version.version,
        "model_version_id": str(version.id),
        "edge_server_id": edge.id,
        "edge_server_name": edge.name,
    }
    notify(session, f"deployment.{row.status}", row, edge.organization_id, data, f"deployments/{row.id}")


def notify(
    session: Session,
    event_type: str,
    subject: TrainingJob | AiModelVersion | ModelDeployment,
    organization_id: int | None,
    data: Mapping[str, Any],
    path: str,
) -> None:
    """Write a message for every active webhook that wants `event_type` and may know of records of `organization_id`.

    A webhook without an organization may know of all, one with an organization of that one's only.
    """
    event = EventType(event_type)
    query = select(Webhook).where(
        col(Webhook.is_active),
        col(Webhook.events).contains([str(event)]),
        or_(col(Webhook.organization_id).is_(None), col(Webhook.organization_id) == organization_id),
    )
    # Locked against being deleted meanwhile: that must not break the change that is told of.
    hooks = session.exec(query.order_by(col(Webhook.id)).with_for_update(read=True, key_share=True)).all()
    url = f"{get_settings().base_url}/api/v1/training/{path}"
    told = {"id": str(subject.id), "status": str(subject.status), "organization_id": organization_id, "url": url}
    for hook in hooks:
        write(session, hook, event, {**told, **data})


def _version(session: Session, row: AiModelVersion, what: str) -> None:
    data = {"name": row.name, "ai_module": row.ai_module, "version": row.version}
    notify(session, f"model_version.{what}", row, row.organization_id, data, f"models/{row.id}")


def _text(value: object) -> str | None:
    return None if value is None else str(value)
