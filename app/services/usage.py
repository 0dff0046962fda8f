"""What an organization has used of its plan, and the checks that keep it within.

Other services call the checks on what they have locked, in their own transaction, right before they write. A check
takes the organization's row last, FOR NO KEY UPDATE, and counts after that: who comes second waits and then counts
what the first has written. The order of locks is one everywhere (dataset or model version, then organization), so
nobody waits in a circle; rows that only refer to the organization are not held up. Global records have no limits.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, not_
from sqlmodel import Session, col, select

from app.domain.machines import JobStatus, ModelVersionStatus
from app.domain.permissions import Actor, Permission, PersonActor, Plan, require
from app.domain.quotas import Account, Month, level, may_release, may_start_job, may_store, may_train, month_of
from app.errors import Invalid, NotFound
from app.schemas.plans import JobsUsed, ModelsUsed, UsageView, Used
from app.services.access import visible_to
from app.tables import AiModelVersion, Organization, PlanLimits, TrainingDataset, TrainingJob
from app.tables.base import utcnow

MODULES = 100
_RELEASED: ColumnElement[bool] = col(AiModelVersion.status) == ModelVersionStatus.RELEASED


def show(session: Session, actor: Actor, organization_id: int | None = None, now: datetime | None = None) -> UsageView:
    """The usage of an organization: the actor's own, unless another one is named."""
    require(actor, Permission.USAGE_READ)
    organization = _organization(session, actor, organization_id)
    assert organization.id is not None
    limits = session.get_one(PlanLimits, organization.plan)
    month = month_of(now or utcnow())
    jobs, size = _jobs(session, organization.id, month), _bytes(session, organization.id)
    models, more = _models(session, organization.id, limits.active_models_per_module)
    return UsageView(
        organization_id=organization.id,
        organization=organization.name,
        plan=Plan(organization.plan),
        custom_training=limits.custom_training,
        training_jobs=JobsUsed(**_used(jobs, limits.training_jobs_per_month), resets_at=month.ends),
        dataset_bytes=Used(**_used(size, limits.dataset_bytes)),
        active_models_allowed=limits.active_models_per_module,
        active_models=models,
        more_modules=more,
    )


def storage(session: Session, actor: Actor, organization_ids: Iterable[int]) -> dict[int, Used]:
    """How much of their plans' room for datasets these organizations use: the datasets of each, all together."""
    require(actor, Permission.USAGE_READ)
    query = (
        select(Organization.id, PlanLimits.dataset_bytes, func.coalesce(func.sum(TrainingDataset.size_bytes), 0))
        .join(PlanLimits, col(PlanLimits.plan) == col(Organization.plan))
        .join(TrainingDataset, col(TrainingDataset.organization_id) == col(Organization.id))
        .where(col(Organization.id).in_(set(organization_ids)), visible_to(actor, Organization.id))
        .group_by(col(Organization.id), col(PlanLimits.dataset_bytes))
    )
    return {key: Used(**_used(int(size), allowed)) for key, allowed, size in session.exec(query) if key is not None}


def check_training_job(session: Session, organization_id: int | None, now: datetime) -> None:
    """Refuse a job that would be created at `now` on a dataset of the organization, if its plan does not admit it."""
    if organization_id is None:
        return
    account, limits = _held(session, organization_id)
    may_train(account, custom_training=limits.custom_training)
    month = month_of(now)
    may_start_job(account, _jobs(session, organization_id, month), limits.training_jobs_per_month, month)


def check_new_files(session: Session, organization_id: int | None, file_sizes: Iterable[int]) -> None:
    """Refuse files for which the organization's datasets have no room."""
    if organization_id is None:
        return
    account, limits = _held(session, organization_id)
    may_store(account, _bytes(session, organization_id), sum(file_sizes), limits.dataset_bytes)


def check_room(session: Session, organization_id: int | None) -> None:
    """Refuse early, and without holding anybody up, if the organization's datasets are full already."""
    if organization_id is None:
        return
    account, limits = _account(session, session.get_one(Organization, organization_id))
    may_store(account, _bytes(session, organization_id), 0, limits.dataset_bytes)


def check_release(session: Session, organization_id: int | None, ai_module: str) -> None:
    """Refuse one more released version of a module, if the organization's plan does not admit it."""
    if organization_id is None:
        return
    account, limits = _held(session, organization_id)
    mine = (AiModelVersion.organization_id == organization_id, AiModelVersion.ai_module == ai_module, _RELEASED)
    released = session.exec(select(func.count()).select_from(AiModelVersion).where(*mine)).one()
    may_release(account, ai_module, released, limits.active_models_per_module)


def _organization(session: Session, actor: Actor, organization_id: int | None) -> Organization:
    if organization_id is None and isinstance(actor, PersonActor):
        organization_id = actor.organization_id
    if organization_id is None:
        raise Invalid("You belong to no organization. Say whose usage you want.", field="organization_id")
    query = select(Organization).where(Organization.id == organization_id, visible_to(actor, Organization.id))
    row = session.exec(query).one_or_none()
    if row is None:
        raise NotFound(f"There is no organization {organization_id}.")
    return row


def _held(session: Session, organization_id: int) -> tuple[Account, PlanLimits]:
    """Nobody else counts for this organization, and its plan stays, until the transaction ends."""
    query = select(Organization).where(Organization.id == organization_id).with_for_update(key_share=True)
    return _account(session, session.exec(query.execution_options(populate_existing=True)).one())


def _account(session: Session, organization: Organization) -> tuple[Account, PlanLimits]:
    limits = session.get_one(PlanLimits, organization.plan)
    return Account(organization.name, organization.plan), limits


def _jobs(session: Session, organization_id: int, month: Month) -> int:
    created = col(TrainingJob.created_at)
    never_taken = and_(col(TrainingJob.status) == JobStatus.CANCELLED, col(TrainingJob.started_at).is_(None))
    query = (
        select(func.count())
        .select_from(TrainingJob)
        .where(TrainingJob.organization_id == organization_id, created >= month.begins, created < month.ends)
        .where(not_(never_taken))
    )
    return session.exec(query).one()


def _bytes(session: Session, organization_id: int) -> int:
    total = func.coalesce(func.sum(TrainingDataset.size_bytes), 0)
    return int(session.exec(select(total).where(TrainingDataset.organization_id == organization_id)).one())


def _models(session: Session, organization_id: int, allowed: int | None) -> tuple[list[ModelsUsed], int]:
    released = func.count().filter(_RELEASED)
    query = (
        select(AiModelVersion.ai_module, released, func.count().over())
        .where(AiModelVersion.organization_id == organization_id)
        .group_by(col(AiModelVersion.ai_module))
        .order_by(released.desc(), col(AiModelVersion.ai_module))
    )
    rows = session.exec(query.limit(MODULES)).all()
    found = [ModelsUsed(ai_module=name, **_used(count, allowed)) for name, count, _ in rows]
    return found, rows[0][2] - len(rows) if rows else 0


def _used(used: int, allowed: int | None) -> dict[str, Any]:
    return {"used": used, "allowed": allowed, "level": level(used, allowed)}
