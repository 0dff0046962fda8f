"""What imports and exports leave in the store for people to fetch, and its removal after some days.

An archive of an export can be as large as its dataset, and can be made again; a list of faults tells of an upload that
is gone long since. So both lie there for `TRAINYARD_TRANSFER_DAYS`. Counts and first faults stay with the row.
Nobody is handed an address after that time, so that the removal itself may come a little later, or twice.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, or_, select

from app.domain.machines import TransferStatus
from app.domain.permissions import Actor, Permission, require
from app.infra.object_store import ObjectStore
from app.schemas.transfers import TransferView
from app.settings import get_settings
from app.tables import DatasetTransfer
from app.tables.base import utcnow

BATCH = 100


@dataclass(frozen=True)
class OldFiles:
    """Files of one import or export (`id`) whose time is over."""

    id: UUID
    urls: tuple[str, ...]


def view(row: DatasetTransfer) -> TransferView:
    """A row as callers see it, with the time its files have."""
    until = _until(row) if _urls(row) else None
    is_over = until is not None and until <= utcnow()
    update = {"files_until": None if is_over else until, "files_removed": is_over or _are_gone(row)}
    return TransferView.model_validate(row).model_copy(update=update)


def due(session: Session, actor: Actor) -> list[OldFiles]:
    """Files whose time is over, the oldest first; a bounded number."""
    require(actor, Permission.DATASETS_WRITE)
    there = or_(col(DatasetTransfer.archive_url).is_not(None), col(DatasetTransfer.faults_url).is_not(None))
    query = select(DatasetTransfer).where(there, col(DatasetTransfer.completed_at) <= utcnow() - _kept())
    rows = session.exec(query.order_by(col(DatasetTransfer.completed_at)).limit(BATCH))
    return [OldFiles(row.id, _urls(row)) for row in rows]


def remove_files(old: OldFiles, store: ObjectStore) -> None:
    """Remove them; what is gone already is no error. No transaction."""
    store.delete(*(store.key(url) for url in old.urls))


def forget(session: Session, actor: Actor, transfer_id: UUID) -> None:
    """They are gone for good."""
    require(actor, Permission.DATASETS_WRITE)
    if (row := session.get(DatasetTransfer, transfer_id, with_for_update=True)) is not None:
        row.archive_url = row.faults_url = None
        session.add(row)


def _are_gone(row: DatasetTransfer) -> bool:
    """True if it made files and none is left; what fails or is cancelled makes none."""
    if row.status != TransferStatus.COMPLETED or _urls(row):
        return False
    return row.kind == "export" or bool(row.report.get("faults"))


def _urls(row: DatasetTransfer) -> tuple[str, ...]:
    return tuple(url for url in (row.archive_url, row.faults_url) if url is not None)


def _until(row: DatasetTransfer) -> datetime | None:
    return None if row.completed_at is None else row.completed_at + _kept()


def _kept() -> timedelta:
    return timedelta(days=get_settings().transfer_days)
