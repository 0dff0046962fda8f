"""Status for phones: one bounded, read-only answer about training jobs and edge servers.

What an edge server runs is what it reported itself; what the cloud ordered stands beside it and never in its place.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, case, func
from sqlalchemy.orm import load_only
from sqlmodel import Session, col, select

from app.domain.edge_health import LATE_AFTER_INTERVALS, OFFLINE_AFTER_INTERVALS, EdgeHealth, edge_health
from app.domain.machines import DEPLOYMENT_UNFINISHED, JOB_FINISHED, JobStatus
from app.domain.permissions import Actor, Permission, require
from app.schemas.edge_servers import LoadedModel
from app.schemas.status import (
    ActiveModelView,
    EdgeStatusView,
    JobStatusView,
    PendingDeploymentView,
    TrainingStatus,
)
from app.services.access import visible_to
from app.settings import get_settings
from app.tables import AiModelVersion, EdgeServer, ModelDeployment, TrainingJob
from app.tables.base import utcnow

ENDED_WITHIN = timedelta(hours=24)
# A worker reports at least every five seconds; after thirty the reconciler takes the job away from it.
JOB_STALE_AFTER = timedelta(seconds=20)
_TIMES = ("heartbeat_at", "updated_at")
JOBS, ENDED_JOBS, EDGES, MODELS = 50, 50, 100, 10
# Never the whole row: a log may have five million characters.
_JOB_COLUMNS = [name for name in TrainingJob.model_fields if name in {*JobStatusView.model_fields, *_TIMES}]
_WAITING = [status for status in JobStatus if status not in JOB_FINISHED]


def show(session: Session, actor: Actor) -> TrainingStatus:
    """What trains and what the edge servers run, as far as `actor` may see it."""
    require(actor, Permission.JOBS_READ)
    require(actor, Permission.EDGE_SERVERS_READ)
    now = utcnow()
    jobs, more_jobs = _jobs(session, actor, now)
    edges, more_edges = _edges(session, actor, now)
    return TrainingStatus(
        generated_at=now, jobs=jobs, more_jobs=more_jobs, edge_servers=edges, more_edge_servers=more_edges
    )


def _fact(as_of: datetime | None, now: datetime, *, is_stale: bool) -> dict[str, Any]:
    age = None if as_of is None else max(0, int((now - as_of).total_seconds()))
    return {"as_of": as_of, "age_seconds": age, "is_stale": is_stale}


def _jobs(session: Session, actor: Actor, now: datetime) -> tuple[list[JobStatusView], int]:
    running_first = case((col(TrainingJob.status) == JobStatus.RUNNING, 0), else_=1)
    unfinished = col(TrainingJob.status).in_(_WAITING)
    ended = col(TrainingJob.completed_at) > now - ENDED_WITHIN
    newest = col(TrainingJob.created_at).desc()
    found: list[JobStatusView] = []
    more = 0
    for where, order, limit in (
        (unfinished, (running_first, newest), JOBS),
        (ended, (col(TrainingJob.completed_at).desc(),), ENDED_JOBS),
    ):
        query = select(TrainingJob, func.count().over()).where(visible_to(actor, TrainingJob.organization_id), where)
        columns = load_only(*(getattr(TrainingJob, name) for name in _JOB_COLUMNS), raiseload=True)
        rows = session.exec(query.options(columns).order_by(*order, col(TrainingJob.id)).limit(limit)).all()
        found += [_job(row, now) for row, _ in rows]
        more += rows[0][1] - len(rows) if rows else 0
    return found, more


def _job(row: TrainingJob, now: datetime) -> JobStatusView:
    as_of = max(row.heartbeat_at or row.updated_at, row.updated_at)
    is_stale = row.status == JobStatus.RUNNING and now - as_of > JOB_STALE_AFTER
    values = {name: getattr(row, name) for name in _JOB_COLUMNS if name not in _TIMES}
    return JobStatusView(**values, **_fact(as_of, now, is_stale=is_stale))


def _edges(session: Session, actor: Actor, now: datetime) -> tuple[list[EdgeStatusView], int]:
    query = select(EdgeServer, func.count().over()).where(visible_to(actor, EdgeServer.organization_id))
    order = (_trouble_first(now), col(EdgeServer.name), col(EdgeServer.id))
    rows = session.exec(query.order_by(*order).limit(EDGES)).all()
    edges = [row for row, _ in rows]
    released = _digests(session, actor, edges)
    pending = _pending(session, edges, now)
    return [_edge(edge, now, released, pending[edge.id]) for edge in edges], rows[0][1] - len(rows) if rows else 0


def _trouble_first(now: datetime) -> ColumnElement[int]:
    """A stable order within each kind of health, so that rows do not change places with every heartbeat."""
    interval = timedelta(seconds=get_settings().heartbeat_interval_seconds)
    heard = col(EdgeServer.last_heartbeat_at)
    return case(
        (col(EdgeServer.revoked_at).is_not(None), 4),
        (heard.is_(None), 3),
        (heard < now - OFFLINE_AFTER_INTERVALS * interval, 0),
        (heard < now - LATE_AFTER_INTERVALS * interval, 1),
        else_=2,
    )


def _edge(
    edge: EdgeServer, now: datetime, released: dict[UUID, str | None], pending: list[PendingDeploymentView]
) -> EdgeStatusView:
    assert edge.id is not None
    health = edge_health(edge.last_heartbeat_at, now, get_settings().heartbeat_interval_seconds)
    loaded = _loaded(edge)
    return EdgeStatusView(
        id=edge.id,
        organization_id=edge.organization_id,
        name=edge.name,
        site=edge.site,
        health=health,
        is_revoked=edge.revoked_at is not None,
        last_error=edge.last_error,
        models=[_model(model, released) for model in loaded[:MODELS]],
        more_models=max(0, len(loaded) - MODELS),
        deployments=pending,
        **_fact(edge.last_heartbeat_at, now, is_stale=health in (EdgeHealth.LATE, EdgeHealth.OFFLINE)),
    )


def _loaded(edge: EdgeServer) -> list[LoadedModel]:
    models = [LoadedModel.model_validate(model) for model in edge.loaded]
    return sorted(models, key=lambda model: (model.ai_module, model.version))


def _model(model: LoadedModel, released: dict[UUID, str | None]) -> ActiveModelView:
    known = model.model_version_id in released
    is_released = released[model.model_version_id] == model.bundle_sha256 if known else None
    return ActiveModelView(**model.model_dump(), is_released_digest=is_released)


def _digests(session: Session, actor: Actor, edges: Sequence[EdgeServer]) -> dict[UUID, str | None]:
    """The digest that was released under each version that the edge servers name; None if it never was released."""
    named = {model.model_version_id for edge in edges for model in _loaded(edge)}
    columns = (AiModelVersion.id, AiModelVersion.is_released, AiModelVersion.bundle_sha256)
    query = select(*columns).where(col(AiModelVersion.id).in_(named), visible_to(actor, AiModelVersion.organization_id))
    return {version_id: digest if is_released else None for version_id, is_released, digest in session.exec(query)}


def _pending(
    session: Session, edges: Iterable[EdgeServer], now: datetime
) -> defaultdict[int | None, list[PendingDeploymentView]]:
    """Unfinished deployments per edge server; there is one per module at most."""
    query = (
        select(ModelDeployment, AiModelVersion.version)
        .join(AiModelVersion, col(AiModelVersion.id) == ModelDeployment.model_version_id)
        .where(
            col(ModelDeployment.edge_server_id).in_([edge.id for edge in edges]),
            col(ModelDeployment.status).in_(DEPLOYMENT_UNFINISHED),
        )
        .order_by(col(ModelDeployment.ai_module))
    )
    found: defaultdict[int | None, list[PendingDeploymentView]] = defaultdict(list)
    for row, version in session.exec(query):
        if len(found[row.edge_server_id]) < MODELS:
            shown = {**row.model_dump(), "version": version, **_fact(row.updated_at, now, is_stale=False)}
            found[row.edge_server_id].append(PendingDeploymentView(**shown))
    return found
