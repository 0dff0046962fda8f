"""Imports and exports as workers make them, and as the reconciler keeps them going.

An attempt is begun in one transaction and concluded in another; in between a worker says every few seconds how far it
is, which keeps its lease. One worker only can begin an attempt (row lock), and only the latest attempt can report and
conclude (`attempt` fences). Who is killed loses nothing: the next attempt finds what is registered, and skips it.
"""

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import and_, or_
from sqlmodel import Session, col, select

from app.auth.actors import actor_of
from app.domain.machines import TransferStatus, advance
from app.domain.permissions import Actor, Permission, PersonActor, require
from app.errors import Forbidden
from app.infra.db import after_commit
from app.infra.queue import enqueue_transfer, queue_id
from app.services import audit, dataset_changes
from app.tables import DatasetTransfer, TrainingDataset, User

LEASE = timedelta(seconds=60)
MAX_ATTEMPTS = 5
BATCH = 200
_S = TransferStatus


@dataclass(frozen=True)
class Work:
    """What a worker needs for one attempt; it acts as the person who asked."""

    transfer_id: UUID
    attempt: int
    dataset_id: UUID
    kind: str
    format: str
    options: dict[str, Any]
    label_schema: dict[str, Any]
    person: PersonActor


@dataclass(frozen=True)
class Outcome:
    """What came of an attempt; without `error` it did what was asked."""

    report: dict[str, Any]
    error: str | None = None
    faults_url: str | None = None
    archive_url: str | None = None


def begin(session: Session, actor: Actor, transfer_id: UUID, now: datetime) -> Work | None:
    """Claim the next attempt. None if there is nothing to do, or another worker has it."""
    require(actor, Permission.DATASETS_WRITE)
    query = select(DatasetTransfer).where(DatasetTransfer.id == transfer_id, _due(now))
    row = session.exec(query.with_for_update(skip_locked=True).execution_options(populate_existing=True)).one_or_none()
    if row is None:
        return None
    user = session.get_one(User, row.created_by)
    dataset = session.get_one(TrainingDataset, row.dataset_id)
    session.add(row)
    if row.status == _S.RUNNING:  # its worker was lost
        row.status = advance(_S.RUNNING, _S.QUEUED, f"The {row.kind} {row.id}")
    row.status = advance(TransferStatus(row.status), _S.RUNNING, f"The {row.kind} {row.id}")
    row.lease_until = now + LEASE
    if row.attempt >= MAX_ATTEMPTS:
        _end(session, actor, row, dataset, Outcome({}, f"Its worker was lost {MAX_ATTEMPTS} times."), now)
        return None
    row.attempt += 1
    person = actor_of(session, user)
    dataset_changes.changed(session, dataset)
    return Work(row.id, row.attempt, row.dataset_id, row.kind, row.format, row.options, dataset.label_schema, person)


def report(
    session: Session, actor: Actor, work: Work, done: int, total: int | None, found: dict[str, Any], now: datetime
) -> bool:
    """Say how far an attempt is, and keep its lease. False if it counts no more: cancelled, or given up as lost."""
    require(actor, Permission.DATASETS_WRITE)
    row = _mine(session, work)
    if row is None:
        return False
    row.done, row.total, row.report, row.lease_until = done, total, found, now + LEASE
    session.add(row)
    dataset_changes.changed(session, session.get_one(TrainingDataset, row.dataset_id))
    return True


def conclude(session: Session, actor: Actor, work: Work, outcome: Outcome, now: datetime) -> TransferStatus | None:
    """Write what came of an attempt. None if it counts no more."""
    require(actor, Permission.DATASETS_WRITE)
    row = _mine(session, work)
    if row is None:
        return None
    _end(session, actor, row, session.get_one(TrainingDataset, row.dataset_id), outcome, now)
    return TransferStatus(row.status)


def may_go_on(session: Session, actor: Actor, person: PersonActor) -> PersonActor:
    """The person as they are now; whoever was disabled or lost their role meanwhile imports nothing more."""
    require(actor, Permission.USERS_READ)
    user = session.get_one(User, person.user_id)
    if not user.is_active:
        raise Forbidden(f"{person.email} is disabled, so what they asked for is not done.")
    return actor_of(session, user)


def enqueue_due(session: Session, actor: Actor, waiting: Set[str], now: datetime) -> int:
    """Hand out what is due and not in the queue (`waiting`, as `queue_id` names them); returns how many."""
    require(actor, Permission.DATASETS_WRITE)
    query = select(DatasetTransfer.id, DatasetTransfer.attempt).where(_due(now))
    due = [
        found
        for found in session.exec(query.order_by(col(DatasetTransfer.created_at)).limit(BATCH))
        if queue_id(*found) not in waiting
    ]
    for transfer_id, attempt in due:
        after_commit(session, partial(enqueue_transfer, transfer_id, attempt))
    return len(due)


def _due(now: datetime) -> Any:
    """Queued, or running with a lease that ran out."""
    lost = and_(col(DatasetTransfer.status) == _S.RUNNING, col(DatasetTransfer.lease_until) <= now)
    return or_(col(DatasetTransfer.status) == _S.QUEUED, lost)


def _mine(session: Session, work: Work) -> DatasetTransfer | None:
    query = select(DatasetTransfer).where(DatasetTransfer.id == work.transfer_id).with_for_update()
    row = session.exec(query.execution_options(populate_existing=True)).one_or_none()
    return row if row is not None and row.status == _S.RUNNING and row.attempt == work.attempt else None


def _end(
    session: Session, actor: Actor, row: DatasetTransfer, dataset: TrainingDataset, outcome: Outcome, now: datetime
) -> None:
    target = _S.FAILED if outcome.error is not None else _S.COMPLETED
    row.status = advance(TransferStatus(row.status), target, f"The {row.kind} {row.id}")
    row.report = outcome.report or row.report
    row.error, row.faults_url, row.archive_url = outcome.error, outcome.faults_url, outcome.archive_url
    row.completed_at, row.lease_until = now, None
    session.add(row)
    after = {"id": str(row.id), "status": row.status, "error": row.error, "counts": row.report.get("counts")}
    audit.record(session, actor, f"dataset.{row.kind}_end", dataset, after=after)
    dataset_changes.changed(session, dataset)
