"""What an export reads, page by page: the samples of a dataset as it is now, oldest first, or those of a version."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import tuple_
from sqlmodel import Session, col, select

from app.domain.dataset_trees import Record, bucket_of
from app.domain.permissions import Actor, Permission, require
from app.services import dataset_chunks, versions
from app.services.access import fetch
from app.tables import TrainingDataset, TrainingSample

PAGE = 1000
_COLUMNS = (
    TrainingSample.id,
    TrainingSample.created_at,
    TrainingSample.file_url,
    TrainingSample.file_type,
    TrainingSample.sha256,
    TrainingSample.width,
    TrainingSample.height,
    TrainingSample.labels,
    TrainingSample.annotations,
    TrainingSample.is_labeled,
    TrainingSample.is_verified,
    TrainingSample.captured_at,
    TrainingSample.extra,
    TrainingSample.split,
)


@dataclass(frozen=True, slots=True)
class ExportedSample:
    """One sample as an export takes it; `key` is where the next page begins."""

    key: tuple[datetime, UUID]
    file_url: str
    file_type: str
    sha256: str
    width: int | None
    height: int | None
    labels: Mapping[str, Any]
    annotations: list[dict[str, Any]]
    is_labeled: bool
    is_verified: bool
    captured_at: datetime | None
    metadata: Mapping[str, Any]
    split: str | None


def page(
    session: Session, actor: Actor, dataset_id: UUID, after: tuple[datetime, UUID] | None = None
) -> list[ExportedSample]:
    """The next samples behind `after`, without those that were withdrawn; fewer than `PAGE` at the end."""
    require(actor, Permission.DATASETS_READ)
    fetch(session, TrainingDataset, dataset_id, actor, "dataset")
    order = (col(TrainingSample.created_at), col(TrainingSample.id))
    query = (
        select(*_COLUMNS)  # type: ignore[call-overload]
        .where(TrainingSample.dataset_id == dataset_id, col(TrainingSample.withdrawn_at).is_(None))
        .order_by(*order)
        .limit(PAGE)
    )
    if after is not None:
        query = query.where(tuple_(*order) > after)
    return [ExportedSample((row[1], row[0]), *row[2:]) for row in session.exec(query)]


def version_page(
    session: Session, actor: Actor, dataset_id: UUID, version: str, after: tuple[datetime, UUID] | None = None
) -> list[ExportedSample]:
    """The same of a version, as it was frozen, in the order of ids."""
    require(actor, Permission.DATASETS_READ)
    row = versions.find(session, actor, dataset_id, version)
    found: list[ExportedSample] = []
    for record in dataset_chunks.records(session, row, bucket_of(after[1]) if after else 0):
        if after is None or UUID(record["id"]) > after[1]:
            found.append(_frozen(record))
        if len(found) == PAGE:
            break
    return found


def _frozen(record: Record) -> ExportedSample:
    plain = {name: record[name] for name in ("file_url", "file_type", "sha256", "width", "height", "split")}
    labels = {name: record[name] for name in ("labels", "annotations", "is_labeled", "is_verified", "metadata")}
    captured, created = record["captured_at"], datetime.fromisoformat(record["created_at"])
    return ExportedSample(
        key=(created, UUID(record["id"])),
        captured_at=datetime.fromisoformat(captured) if captured else None,
        **plain,
        **labels,
    )
