"""What an export reads of a dataset: its samples with their agreed labels, page by page, oldest first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import tuple_
from sqlmodel import Session, col, select

from app.domain.permissions import Actor, Permission, require
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
