"""Numbers for monitoring, of the whole installation: only who sees everything holds `METRICS_READ`."""

from enum import StrEnum
from typing import Any

from sqlalchemy import case, func
from sqlmodel import Session, col, select

from app.domain.edge_health import EdgeHealth, heard_between
from app.domain.machines import DeliveryStatus, DeploymentStatus, JobStatus
from app.domain.permissions import Actor, Permission, require
from app.schemas.metrics import Measured
from app.settings import get_settings
from app.tables import AuditPending, EdgeServer, ModelDeployment, TrainingJob, WebhookDelivery
from app.tables.base import utcnow

REVOKED = "revoked"


def measure(session: Session, actor: Actor) -> Measured:
    """Count what an alarm may be about."""
    require(actor, Permission.METRICS_READ)
    pending = select(func.count()).where(col(WebhookDelivery.status) == DeliveryStatus.PENDING)
    return Measured(
        jobs=_by_status(session, TrainingJob.status, JobStatus),
        deployments=_by_status(session, ModelDeployment.status, DeploymentStatus),
        edge_servers=_edge_servers(session),
        audit_events_unchained=session.exec(select(func.count()).select_from(AuditPending)).one(),
        webhook_deliveries_pending=session.exec(pending).one(),
    )


def _by_status(session: Session, status: Any, kinds: type[StrEnum]) -> dict[str, int]:
    found = dict(session.exec(select(status, func.count()).group_by(status)).all())
    return {str(kind): found.get(kind, 0) for kind in kinds}


def _edge_servers(session: Session) -> dict[str, int]:
    """How many edge servers are how: by the age of the last heartbeat, or revoked."""
    now, interval = utcnow(), get_settings().heartbeat_interval_seconds
    heard = col(EdgeServer.last_heartbeat_at)
    late, _ = heard_between(EdgeHealth.OK, now, interval)
    offline, _ = heard_between(EdgeHealth.LATE, now, interval)
    health = case(
        (col(EdgeServer.revoked_at).is_not(None), REVOKED),
        (heard.is_(None), EdgeHealth.NEVER),
        (heard < offline, EdgeHealth.OFFLINE),
        (heard < late, EdgeHealth.LATE),
        else_=EdgeHealth.OK,
    )
    found = dict(session.exec(select(health, func.count()).select_from(EdgeServer).group_by(health)).all())
    return {kind: found.get(kind, 0) for kind in (*map(str, EdgeHealth), REVOKED)}
