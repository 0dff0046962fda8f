"""The overview: counts around the loop and the newest of everything."""

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, func
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select, SelectOfScalar

from app.domain.machines import DEPLOYMENT_UNFINISHED, DatasetStatus, DeploymentStatus, JobStatus, ModelVersionStatus
from app.domain.permissions import Actor, Permission, permissions_of, require
from app.schemas.audit import AuditFilter
from app.schemas.deployments import DeploymentFilter
from app.schemas.overview import LabelsToVerify, Overview
from app.schemas.training_jobs import TrainingJobFilter
from app.services import audit, deployments, training_jobs
from app.services.access import visible_to
from app.settings import get_settings
from app.tables import AiModelVersion, EdgeServer, ModelDeployment, TrainingDataset, TrainingJob
from app.tables.base import utcnow

RECENT = 5


def show(session: Session, actor: Actor) -> Overview:
    """One glance at the loop, as far as `actor` may see it."""
    require(actor, Permission.DATASETS_READ)
    may_audit = Permission.AUDIT_READ in permissions_of(actor)
    return Overview(
        **_dataset_counts(session, actor),
        labels_to_verify=_labels_to_verify(session, actor),
        **_job_counts(session, actor),
        **_model_counts(session, actor),
        **_edge_counts(session, actor),
        recent_jobs=training_jobs.list_jobs(session, actor, TrainingJobFilter(), limit=RECENT).items,
        recent_deployments=deployments.list_deployments(session, actor, DeploymentFilter(), limit=RECENT).items,
        recent_events=audit.list_events(session, actor, AuditFilter(), limit=8).items if may_audit else [],
    )


def _dataset_counts(session: Session, actor: Actor) -> dict[str, int]:
    table = TrainingDataset
    sums = (func.coalesce(func.sum(c), 0) for c in (table.sample_count, table.labeled_count, table.verified_count))
    query = select(func.count(), *sums).select_from(table).where(visible_to(actor, table.organization_id))  # type: ignore[call-overload]
    row: tuple[int, int, int, int] = session.exec(query).one()  # type: ignore[assignment]
    return dict(zip(("datasets", "samples", "labeled", "verified"), map(int, row), strict=True))


def _labels_to_verify(session: Session, actor: Actor) -> LabelsToVerify | None:
    table = TrainingDataset
    waiting = col(table.labeled_count) - col(table.verified_count)
    row = session.exec(
        select(func.sum(waiting).over(), waiting, table.id, table.name)
        .where(visible_to(actor, table.organization_id), table.status != DatasetStatus.ARCHIVED, waiting > 0)
        .order_by(waiting.desc(), col(table.id))
        .limit(1)
    ).first()
    if row is None:
        return None
    everywhere, here, dataset_id, name = row
    return LabelsToVerify(count=everywhere, dataset_count=here, dataset_id=dataset_id, dataset_name=name)


def _job_counts(session: Session, actor: Actor) -> dict[str, int]:
    counts = _by_status(session, TrainingJob, visible_to(actor, TrainingJob.organization_id))
    running = sum(counts.get(s, 0) for s in (JobStatus.PENDING, JobStatus.QUEUED, JobStatus.RUNNING))
    return {"jobs_running": running, "jobs_completed": counts.get(JobStatus.COMPLETED, 0)}


def _model_counts(session: Session, actor: Actor) -> dict[str, int]:
    counts = _by_status(session, AiModelVersion, visible_to(actor, AiModelVersion.organization_id))
    return {
        "models_waiting_for_approval": counts.get(ModelVersionStatus.TESTING, 0),
        "models_approved": counts.get(ModelVersionStatus.APPROVED, 0),
        "models_released": counts.get(ModelVersionStatus.RELEASED, 0),
    }


def _edge_counts(session: Session, actor: Actor) -> dict[str, int]:
    own = select(EdgeServer.id).where(visible_to(actor, EdgeServer.organization_id))
    recent = utcnow() - timedelta(seconds=3 * get_settings().heartbeat_interval_seconds)
    edges, online = session.exec(
        select(func.count(), func.count().filter(col(EdgeServer.last_heartbeat_at) >= recent))
        .select_from(EdgeServer)
        .where(visible_to(actor, EdgeServer.organization_id))
    ).one()
    counts = _by_status(session, ModelDeployment, col(ModelDeployment.edge_server_id).in_(own))
    return {
        "edges": edges,
        "edges_online": online,
        "deployments_unfinished": sum(counts.get(s, 0) for s in DEPLOYMENT_UNFINISHED),
        "deployments_failed": _failed_now(session, own),
    }


def _failed_now(session: Session, own: Select[Any] | SelectOfScalar[Any]) -> int:
    """Edges and modules whose newest deployment failed: what a later success has repaired needs nobody."""
    table = ModelDeployment
    newest = (
        select(table.status)
        .where(col(table.edge_server_id).in_(own))
        .ext(distinct_on(col(table.edge_server_id), col(table.ai_module)))
        .order_by(col(table.edge_server_id), col(table.ai_module), col(table.created_at).desc(), col(table.id).desc())
        .subquery()
    )
    query = select(func.count()).select_from(newest).where(newest.c.status == DeploymentStatus.FAILED)
    return session.exec(query).one()


def _by_status(session: Session, table: type, where: ColumnElement[bool]) -> dict[str, int]:
    query = select(table.status, func.count()).where(where).group_by(table.status)  # type: ignore[attr-defined, call-overload]
    return dict(session.exec(query).all())
