"""What edge nodes say and ask (docs/edge-protocol.md): enrol, heartbeat, download, progress; only for themselves."""

import hashlib
from uuid import UUID

from sqlmodel import Session, col, select

from app.domain.machines import DEPLOYMENT_UNFINISHED, DeploymentStatus, advance
from app.domain.permissions import Actor, EdgeActor, Permission, require
from app.errors import Conflict, Forbidden, NotFound, Unauthenticated
from app.infra.db import after_commit
from app.infra.live import publish
from app.infra.object_store import ObjectStore
from app.schemas.edge_servers import (
    Assignment,
    DeploymentProgress,
    DeploymentStatusView,
    Download,
    Enrolled,
    EnrolRequest,
    Heartbeat,
    HeartbeatAnswer,
)
from app.services import audit, trust
from app.services.deployments import changed
from app.settings import get_settings
from app.tables import AiModelVersion, EdgeServer, ModelDeployment
from app.tables.base import utcnow

_S = DeploymentStatus


def enrol(session: Session, request: EnrolRequest) -> Enrolled:
    """Exchange a one-time token for an identity. The token itself is the authorization, so there is no actor yet."""
    digest = hashlib.sha256(request.token.encode()).hexdigest()
    query = select(EdgeServer).where(EdgeServer.enrolment_token_hash == digest).with_for_update()
    row = session.exec(query).one_or_none()
    now = utcnow()
    if row is None or row.revoked_at is not None:
        raise Unauthenticated("This enrolment token is unknown or was used. Ask for a new one.", code="token-unknown")
    if row.enrolment_expires_at is None or row.enrolment_expires_at < now:
        raise Unauthenticated("This enrolment token has expired. Ask for a new one.", code="token-expired")
    taken = session.exec(select(EdgeServer.id).where(EdgeServer.public_key == request.public_key)).first()
    if taken is not None:
        raise Conflict("This public key belongs to another edge server. Enrol with a fresh data folder.")
    row.public_key, row.enrolled_at = request.public_key, now
    row.enrolment_token_hash = row.enrolment_expires_at = None
    row.edge_version, row.platform = request.edge_version, request.platform
    session.add(row)
    session.flush()
    assert row.id is not None
    actor = EdgeActor(row.id, row.name, row.organization_id)
    after = {"platform": row.platform, "version": row.edge_version, "public_key": row.public_key}
    audit.record(session, actor, "edge_server.enrol", row, after=after)
    return Enrolled(
        edge_server_id=row.id,
        organization_id=row.organization_id,
        name=row.name,
        root=trust.root_or_explain(session).decode(),
        heartbeat_interval_seconds=get_settings().heartbeat_interval_seconds,
    )


def heartbeat(session: Session, actor: Actor, request: Heartbeat) -> HeartbeatAnswer:
    """Note how the node is, and tell it what is ordered for it."""
    row = _self(session, actor)
    now = utcnow()
    loaded = [model.model_dump(mode="json") for model in request.loaded]
    if loaded != row.loaded:
        row.loaded = loaded
    row.edge_version, row.platform, row.last_heartbeat_at = request.edge_version, request.platform, now
    row.inference_count, row.inference_p50_ms = request.inference_count, request.inference_p50_ms
    row.last_error = request.last_error
    session.add(row)
    data = {"edge_server_id": row.id, "last_heartbeat_at": now.isoformat()}
    after_commit(session, lambda: publish("edges", data, owner=row.organization_id))
    query = (
        select(ModelDeployment, AiModelVersion)
        .join(AiModelVersion, col(AiModelVersion.id) == ModelDeployment.model_version_id)
        .where(ModelDeployment.edge_server_id == row.id, col(ModelDeployment.status).in_(DEPLOYMENT_UNFINISHED))
    )
    assignments = [_assignment(deployment, version) for deployment, version in session.exec(query)]
    interval = get_settings().heartbeat_interval_seconds
    return HeartbeatAnswer(server_time=now, heartbeat_interval_seconds=interval, assignments=assignments)


def download(session: Session, actor: Actor, deployment_id: UUID, store: ObjectStore) -> Download:
    """A URL of the bundle that expires. The node believes only the signed metadata about its bytes."""
    edge = _self(session, actor)
    row = _deployment(session, edge, deployment_id)
    if row.status not in DEPLOYMENT_UNFINISHED:
        raise _superseded(row)
    version = session.get_one(AiModelVersion, row.model_version_id)
    seconds = get_settings().download_url_seconds
    after = {"deployment_id": str(row.id), "bundle_sha256": version.bundle_sha256}
    audit.record(session, actor, "model_version.download", version, after=after)
    return Download(url=store.presigned_get(store.key(version.model_file_url), seconds), expires_in_seconds=seconds)


def progress(session: Session, actor: Actor, deployment_id: UUID, request: DeploymentProgress) -> DeploymentStatusView:
    """How far the node is with one deployment."""
    edge = _self(session, actor)
    row = _deployment(session, edge, deployment_id)
    was, target = _S(row.status), _S(request.status)
    if was not in DEPLOYMENT_UNFINISHED and was is not target:
        raise _superseded(row)
    if was is not target:
        row.status = advance(was, target, f"Deployment {row.id}")
        _note_times(row, target)
    if target is _S.FAILED:
        row.error_message = row.error_message or request.error_message or "The edge server gave no reason."
    row.progress_percent = 100 if target is _S.COMPLETED else request.progress_percent
    changed(session, row, moved=was is not target)
    if was is not target:
        before, after = {"status": was}, {"status": target, "error_message": row.error_message}
        owner = edge.organization_id
        audit.record(session, actor, f"deployment.{target}", row, before=before, after=after, organization_id=owner)
    return DeploymentStatusView(status=_S(row.status))


def _note_times(row: ModelDeployment, target: DeploymentStatus) -> None:
    now = utcnow()
    row.started_at = row.started_at or now
    if target not in DEPLOYMENT_UNFINISHED:
        row.completed_at = now


def _self(session: Session, actor: Actor) -> EdgeServer:
    require(actor, Permission.EDGE_SELF)
    assert isinstance(actor, EdgeActor)
    row = session.exec(select(EdgeServer).where(EdgeServer.id == actor.edge_server_id).with_for_update()).one_or_none()
    if row is None or row.revoked_at is not None:
        raise Forbidden("This edge server was revoked. Ask for a new enrolment token if it should come back.")
    return row


def _deployment(session: Session, edge: EdgeServer, deployment_id: UUID) -> ModelDeployment:
    query = select(ModelDeployment).where(
        ModelDeployment.id == deployment_id, ModelDeployment.edge_server_id == edge.id
    )
    row = session.exec(query.with_for_update()).one_or_none()
    if row is None:
        raise NotFound(f"There is no deployment {deployment_id} for {edge.name!r}.")
    return row


def _superseded(row: ModelDeployment) -> Conflict:
    why = row.error_message or "it is finished"
    return Conflict(f"Deployment {row.id} is {row.status}: {why}", code="deployment-superseded")


def _assignment(deployment: ModelDeployment, version: AiModelVersion) -> Assignment:
    return Assignment(
        deployment_id=deployment.id,
        ai_module=version.ai_module,
        version=version.version,
        model_version_id=version.id,
        target=trust.target_path(version),
        status=_S(deployment.status),
    )
