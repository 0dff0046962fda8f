"""Model versions: draft → testing → approved by a person's signature → released → deprecated."""

import base64
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from app.distribution.repository import trusted_root
from app.distribution.signer import describe
from app.domain.machines import DEPLOYMENT_UNFINISHED, ModelVersionStatus, advance
from app.domain.permissions import Actor, Permission, PersonActor, require
from app.errors import Conflict, Invalid
from app.infra.db import after_commit
from app.infra.live import publish
from app.infra.object_store import ObjectStore
from app.schemas.base import Page
from app.schemas.model_versions import (
    ApprovalProposal,
    ModelVersionApprove,
    ModelVersionFilter,
    ModelVersionUpdate,
    ModelVersionView,
)
from app.services import audit, etags, trust, usage
from app.services.access import fetch, visible_to
from app.services.etags import IfMatch
from app.services.filtering import equal
from app.services.paging import paged
from app.services.webhook_events import version_moved
from app.tables import AiModelVersion, ModelDeployment
from app.tables.base import utcnow


def list_versions(
    session: Session, actor: Actor, wanted: ModelVersionFilter, cursor: str | None = None, limit: int = 50
) -> Page[ModelVersionView]:
    """One page of the versions that fit."""
    require(actor, Permission.MODELS_READ)
    query = select(AiModelVersion).where(
        visible_to(actor, AiModelVersion.organization_id), *equal(AiModelVersion, wanted)
    )
    return paged(session, query, AiModelVersion, ModelVersionView.model_validate, wanted, cursor, limit)


def get(session: Session, actor: Actor, version_id: UUID) -> ModelVersionView:
    """One version."""
    require(actor, Permission.MODELS_READ)
    return ModelVersionView.model_validate(fetch(session, AiModelVersion, version_id, actor, "model version"))


def update(
    session: Session, actor: Actor, version_id: UUID, request: ModelVersionUpdate, if_match: IfMatch = None
) -> ModelVersionView:
    """Change texts, or move between draft and testing."""
    require(actor, Permission.MODELS_WRITE)
    row = fetch(session, AiModelVersion, version_id, actor, "model version", lock=True)
    etags.check(ModelVersionView.model_validate(row), if_match)
    changes: dict[str, Any] = request.model_dump(exclude_none=True, exclude={"status"})
    if request.status is not None and request.status != row.status:
        changes["status"] = _advance(row, ModelVersionStatus(request.status))
    before = {name: getattr(row, name) for name in changes}
    row.sqlmodel_update(changes)
    return _changed(session, actor, row, "update", before=before, after=changes, moved="status" in changes)


def proposal(session: Session, actor: Actor, version_id: UUID) -> ApprovalProposal:
    """The exact bytes to sign to approve a version under test, and what they mean in words."""
    require(actor, Permission.MODELS_APPROVE)
    row = fetch(session, AiModelVersion, version_id, actor, "model version")
    _advance(row, ModelVersionStatus.APPROVED)
    payload, present = trust.propose(session, row)
    newest = trust.current(session, "targets")
    # The present list counts only as far as a present approver signed it: a forged row must show up as new entries.
    root = trusted_root(trust.root_or_explain(session)).signed
    return ApprovalProposal(
        model_version_id=row.id,
        payload_base64=base64.b64encode(payload).decode(),
        targets_version=(newest.version if newest else 0) + 1,
        summary=describe(payload, present, root=root).text,
        current_targets=present.decode() if present else None,
    )


def approve(session: Session, actor: Actor, version_id: UUID, request: ModelVersionApprove) -> ModelVersionView:
    """testing → approved: the actor's own signature, made on the actor's own machine, over the proposed bytes."""
    require(actor, Permission.MODELS_APPROVE)
    if not isinstance(actor, PersonActor):
        raise Invalid("Only a person can approve.")
    row = fetch(session, AiModelVersion, version_id, actor, "model version", lock=True)
    status = _advance(row, ModelVersionStatus.APPROVED)
    try:
        payload = base64.b64decode(request.payload_base64, validate=True)
    except ValueError as error:
        raise Invalid("payload_base64 is not base64.", field="payload_base64") from error
    list_version = trust.accept(session, actor, row, payload, request.keyid, request.signature)
    before = {"status": row.status}
    row.status, row.is_approved, row.approved_by, row.approved_at = status, True, actor.user_id, utcnow()
    signed = {"keyid": request.keyid, "targets_version": list_version, "bundle_sha256": row.bundle_sha256}
    return _changed(session, actor, row, "approve", before=before, after={"status": status, **signed})


def release(session: Session, actor: Actor, version_id: UUID) -> ModelVersionView:
    """approved → released: the server's signature makes the approved list current for every edge."""
    require(actor, Permission.MODELS_RELEASE)
    row = fetch(session, AiModelVersion, version_id, actor, "model version", lock=True)
    status = _advance(row, ModelVersionStatus.RELEASED)
    usage.check_release(session, row.organization_id, row.ai_module)
    trust.release(session)
    before = {"status": row.status}
    row.status, row.is_released, row.released_at = status, True, utcnow()
    return _changed(session, actor, row, "release", before=before)


def deprecate(session: Session, actor: Actor, version_id: UUID) -> ModelVersionView:
    """→ deprecated: no longer recommended and never deployed again. Edges that run it go on until told otherwise."""
    require(actor, Permission.MODELS_WRITE)
    row = fetch(session, AiModelVersion, version_id, actor, "model version", lock=True)
    status = _advance(row, ModelVersionStatus.DEPRECATED)
    under_way = session.exec(
        select(ModelDeployment.id)
        .where(ModelDeployment.model_version_id == row.id, col(ModelDeployment.status).in_(DEPLOYMENT_UNFINISHED))
        .limit(1)
    ).first()
    if under_way is not None:
        raise Conflict("A deployment of this version is under way. Deploy another version to that edge first, or wait.")
    before, row.status = {"status": row.status}, status
    return _changed(session, actor, row, "deprecate", before=before)


def bundle_url(session: Session, actor: Actor, version_id: UUID, store: ObjectStore, seconds: int) -> str:
    """A signed URL of the bundle, for a person."""
    require(actor, Permission.MODELS_READ)
    row = fetch(session, AiModelVersion, version_id, actor, "model version")
    audit.record(session, actor, "model_version.download", row, after={"bundle_sha256": row.bundle_sha256})
    return store.presigned_get(store.key(row.model_file_url), seconds, filename=f"{row.ai_module}-{row.version}.tar")


def _advance(row: AiModelVersion, target: ModelVersionStatus) -> ModelVersionStatus:
    return advance(ModelVersionStatus(row.status), target, f"{row.ai_module} {row.version}")


def _changed(
    session: Session,
    actor: Actor,
    row: AiModelVersion,
    action: str,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    moved: bool = True,
) -> ModelVersionView:
    row.updated_at = utcnow()
    session.add(row)
    session.flush()
    audit.record(
        session, actor, f"model_version.{action}", row, before=before, after=after or {"status": str(row.status)}
    )
    if moved:
        version_moved(session, row)
    data = {"model_version_id": str(row.id), "status": str(row.status)}
    after_commit(session, lambda: publish("models", data, owner=row.organization_id))
    return ModelVersionView.model_validate(row)
