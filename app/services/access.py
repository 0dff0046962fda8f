"""Tenancy as a WHERE clause, and fetching a row that the actor may see, or 404."""

from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, false, or_, true
from sqlmodel import Session, SQLModel, col, select

from app.domain.machines import DatasetStatus
from app.domain.permissions import Actor, PersonActor, Role, SystemActor
from app.errors import Conflict, NotFound
from app.tables import TrainingDataset, TrainingSample

Row = TypeVar("Row", bound=SQLModel)


def visible_to(actor: Actor, organization_id: Any) -> ColumnElement[bool]:
    """The rows that `actor` may know of: all, their organization's and global ones, or none."""
    if isinstance(actor, SystemActor):
        return true()
    if not isinstance(actor, PersonActor):
        return false()
    if actor.role is Role.SUPER_ADMIN:
        return true()
    own = col(organization_id) == actor.organization_id
    return or_(col(organization_id).is_(None), own) if actor.organization_id is not None else false()


def may_see(actor: Actor, organization_id: int | None) -> bool:
    """The same rule for one owner that is known already (None is global)."""
    if isinstance(actor, SystemActor):
        return True
    if not isinstance(actor, PersonActor):
        return False
    if actor.role is Role.SUPER_ADMIN:
        return True
    return actor.organization_id is not None and organization_id in (None, actor.organization_id)


def fetch(
    session: Session, table: type[Row], row_id: UUID | int, actor: Actor, what: str, *, lock: bool = False
) -> Row:
    """The row with `row_id` if `actor` may see it; what belongs to others does not exist for them.

    `lock` takes the row FOR UPDATE, which every change of a status needs.
    """
    columns: Any = table
    query = select(table).where(columns.id == row_id)
    if hasattr(table, "organization_id"):
        query = query.where(visible_to(actor, columns.organization_id))
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    row = session.exec(query).one_or_none()
    if row is None:
        raise NotFound(f"There is no {what} {row_id}.")
    return row


def open_dataset(session: Session, actor: Actor, dataset_id: UUID, *, lock: bool = False) -> TrainingDataset:
    """The dataset if the actor may see it and it may be changed: an archived one rests."""
    dataset = fetch(session, TrainingDataset, dataset_id, actor, "dataset", lock=lock)
    if dataset.status == DatasetStatus.ARCHIVED:
        raise Conflict(f"Dataset {dataset.name!r} is archived. Make it active to change it.")
    return dataset


def fetch_sample(session: Session, dataset: TrainingDataset, sample_id: UUID) -> TrainingSample:
    """The sample if it belongs to `dataset`."""
    row = session.get(TrainingSample, sample_id)
    if row is None or row.dataset_id != dataset.id:
        raise NotFound(f"There is no sample {sample_id} in dataset {dataset.name!r}.")
    return row
