"""Deployments: a person orders a released version onto edge servers; rolling back is ordering an earlier one."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import Session, col, select

from app.domain.machines import DEPLOYMENT_UNFINISHED, DeploymentStatus, ModelVersionStatus, advance
from app.domain.permissions import Actor, Permission, PersonActor, require
from app.domain.semver import Version
from app.errors import Conflict, Invalid
from app.infra.db import after_commit
from app.infra.live import publish
from app.schemas.base import Page
from app.schemas.deployments import (
    DeploymentCreate,
    DeploymentFilter,
    DeploymentRow,
    DeploymentView,
    RolloutView,
    VersionDeploymentFilter,
)
from app.services import audit
from app.services.access import fetch, visible_to
from app.services.filtering import equal, within
from app.services.paging import paged
from app.services.webhook_events import deployment_moved
from app.tables import AiModelVersion, EdgeServer, ModelDeployment, Rollout
from app.tables.base import utcnow

_S = DeploymentStatus


def list_deployments(
    session: Session, actor: Actor, wanted: DeploymentFilter, cursor: str | None = None, limit: int = 50
) -> Page[DeploymentRow]:
    """One page of the deployments that fit, with the names a list shows."""
    require(actor, Permission.DEPLOYMENTS_READ)
    query = select(ModelDeployment).where(
        col(ModelDeployment.edge_server_id).in_(
            select(EdgeServer.id).where(visible_to(actor, EdgeServer.organization_id))
        ),
        *equal(ModelDeployment, wanted),
        *within(ModelDeployment.created_at, wanted.since, wanted.until),
    )
    page = paged(session, query, ModelDeployment, DeploymentView.model_validate, wanted, cursor, limit)
    return Page[DeploymentRow](**{**dict(page), "items": _with_names(session, page.items)})


def of_version(
    session: Session,
    actor: Actor,
    version_id: UUID,
    wanted: VersionDeploymentFilter,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[DeploymentRow]:
    """One page of a version's deployments that fit."""
    require(actor, Permission.DEPLOYMENTS_READ)
    fetch(session, AiModelVersion, version_id, actor, "model version")
    all_wanted = DeploymentFilter(**wanted.model_dump(), model_version_id=version_id)
    return list_deployments(session, actor, all_wanted, cursor, limit)


def deploy(session: Session, actor: Actor, version_id: UUID, request: DeploymentCreate) -> RolloutView:
    """Order a released version onto one edge server. An earlier version than the present one is a rollback."""
    require(actor, Permission.DEPLOYMENTS_WRITE)
    version = _released(session, actor, version_id)
    edge = fetch(session, EdgeServer, request.edge_server_id, actor, "edge server", lock=True)
    if edge.revoked_at is not None:
        raise Conflict(f"Edge server {edge.name!r} is revoked and takes no deployments.")
    if version.organization_id not in (None, edge.organization_id):
        raise Invalid(f"{version.ai_module} {version.version} belongs to another organization than {edge.name!r}.")
    kind = "rollback" if _goes_back(edge, version) else "single"
    return _order(session, actor, version, [edge], kind)


def deploy_all(session: Session, actor: Actor, version_id: UUID) -> RolloutView:
    """Order a released version onto every enrolled edge server that may have it and does not run it yet."""
    require(actor, Permission.DEPLOYMENTS_WRITE)
    version = _released(session, actor, version_id)
    query = select(EdgeServer).where(
        visible_to(actor, EdgeServer.organization_id),
        col(EdgeServer.enrolled_at).is_not(None),
        col(EdgeServer.revoked_at).is_(None),
    )
    if version.organization_id is not None:
        query = query.where(EdgeServer.organization_id == version.organization_id)
    edges = list(session.exec(query.order_by(col(EdgeServer.id)).with_for_update()))
    targets = [edge for edge in edges if not _runs(edge, version)]
    if not targets:
        what = "every enrolled edge server runs it already" if edges else "no edge server is enrolled"
        raise Conflict(f"Nothing to deploy: {what}.")
    return _order(session, actor, version, targets, "all")


def retry(session: Session, actor: Actor, deployment_id: UUID) -> DeploymentView:
    """failed → pending, unless another deployment of the module is under way on that edge."""
    require(actor, Permission.DEPLOYMENTS_WRITE)
    row = fetch(session, ModelDeployment, deployment_id, actor, "deployment")
    # Locks are taken in one order everywhere: version, edge server, deployment.
    _released(session, actor, row.model_version_id)
    edge = fetch(session, EdgeServer, row.edge_server_id, actor, "edge server", lock=True)
    row = fetch(session, ModelDeployment, deployment_id, actor, "deployment", lock=True)
    status = advance(_S(row.status), _S.PENDING, f"Deployment {row.id}")
    if _unfinished(session, edge, row.ai_module):
        raise Conflict(f"Another deployment of {row.ai_module} to {edge.name!r} is under way. Wait for it.")
    before = {"status": row.status, "error_message": row.error_message}
    row.status, row.error_message, row.progress_percent = status, None, 0
    row.started_at = row.completed_at = None
    row.retry_count += 1
    changed(session, row)
    after, owner = {"status": row.status, "retry_count": row.retry_count}, edge.organization_id
    audit.record(session, actor, "deployment.retry", row, before=before, after=after, organization_id=owner)
    return DeploymentView.model_validate(row)


def changed(session: Session, row: ModelDeployment, *, moved: bool = True) -> None:
    """Flush `row`, and tell browsers once it is durable, and webhooks if it `moved` to a new status."""
    row.updated_at = utcnow()
    session.add(row)
    session.flush()
    edge = session.get_one(EdgeServer, row.edge_server_id)
    if moved:
        deployment_moved(session, row, edge)
    data = {"deployment_id": str(row.id), "status": str(row.status), "progress_percent": row.progress_percent}
    owner = edge.organization_id
    after_commit(session, lambda: publish("deployments", data, owner=owner))


def _released(session: Session, actor: Actor, version_id: UUID) -> AiModelVersion:
    """The version, locked, so that nobody deprecates it while it is being ordered."""
    version = fetch(session, AiModelVersion, version_id, actor, "model version", lock=True)
    if version.status != ModelVersionStatus.RELEASED:
        raise Conflict(
            f"{version.ai_module} {version.version} is {version.status}; only a released version can be deployed. "
            "A version is released after a person approved it."
        )
    return version


def _order(
    session: Session, actor: Actor, version: AiModelVersion, edges: Sequence[EdgeServer], kind: str
) -> RolloutView:
    assert isinstance(actor, PersonActor)
    rollout = Rollout(model_version_id=version.id, kind=kind, target_count=len(edges), created_by=actor.user_id)
    session.add(rollout)
    session.flush()
    deployments = []
    for edge in edges:
        assert edge.id is not None
        for older in _unfinished(session, edge, version.ai_module):
            _supersede(session, actor, older, edge, version)
        row = ModelDeployment(
            rollout_id=rollout.id,
            model_version_id=version.id,
            ai_module=version.ai_module,
            edge_server_id=edge.id,
            scheduled_at=utcnow(),
        )
        changed(session, row)
        deployments.append(row)
    ordered = {str(row.id): edge.name for row, edge in zip(deployments, edges, strict=True)}
    after = {"kind": kind, "model_version_id": str(version.id), "version": version.version, "deployments": ordered}
    audit.record(session, actor, "rollout.create", rollout, after=after, organization_id=version.organization_id)
    return RolloutView(**rollout.model_dump(), deployments=[DeploymentView.model_validate(row) for row in deployments])


def _supersede(
    session: Session, actor: Actor, older: ModelDeployment, edge: EdgeServer, version: AiModelVersion
) -> None:
    """End a deployment that is under way, because `version` was ordered after it."""
    before = {"status": older.status}
    older.status = advance(_S(older.status), _S.FAILED, f"Deployment {older.id}")
    older.error_message = f"Superseded by {version.ai_module} {version.version}, which was ordered later."
    older.completed_at = utcnow()
    changed(session, older)
    after, owner = {"status": older.status, "error_message": older.error_message}, edge.organization_id
    audit.record(session, actor, "deployment.supersede", older, before=before, after=after, organization_id=owner)


def _unfinished(session: Session, edge: EdgeServer, ai_module: str) -> list[ModelDeployment]:
    query = select(ModelDeployment).where(
        ModelDeployment.edge_server_id == edge.id,
        ModelDeployment.ai_module == ai_module,
        col(ModelDeployment.status).in_(DEPLOYMENT_UNFINISHED),
    )
    return list(session.exec(query.with_for_update()))


def _runs(edge: EdgeServer, version: AiModelVersion) -> bool:
    return any(model.get("model_version_id") == str(version.id) for model in edge.loaded)


def _goes_back(edge: EdgeServer, version: AiModelVersion) -> bool:
    loaded = [model["version"] for model in edge.loaded if model.get("ai_module") == version.ai_module]
    return any(Version.parse(version.version) < Version.parse(present) for present in loaded)


def _with_names(session: Session, items: Sequence[DeploymentView]) -> list[DeploymentRow]:
    edges = dict(
        session.execute(  # type: ignore[deprecated]
            select(EdgeServer.id, EdgeServer.name).where(
                col(EdgeServer.id).in_({item.edge_server_id for item in items})
            )
        ).all()
    )
    versions = dict(
        session.execute(  # type: ignore[deprecated]
            select(AiModelVersion.id, AiModelVersion.version).where(
                col(AiModelVersion.id).in_({item.model_version_id for item in items})
            )
        ).all()
    )
    return [
        DeploymentRow(
            **dict(item), edge_server_name=edges[item.edge_server_id], model_version=versions[item.model_version_id]
        )
        for item in items
    ]
