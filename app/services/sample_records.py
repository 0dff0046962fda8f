"""A sample as versions keep it, and the way back to a row. The form is that of docs/versions.md."""

from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_
from sqlmodel import col

from app.domain.dataset_trees import Record
from app.domain.dataset_versions import Scope
from app.tables import TrainingSample

_UUIDS = ("near_group", "source_camera_id", "video_id")
_MOMENTS = ("captured_at", "created_at")
_PLAIN = (
    "file_url", "file_type", "file_size", "sha256", "width", "height", "labels", "annotations", "is_labeled",
    "is_verified", "labeled_by", "verified_by", "rejection_reason", "perceptual_hash", "frame_ms", "duration_ms",
    "split",
)  # fmt: skip

_ALL = ("id", "dataset_id", "extra", "quality_score", "withdrawn_at", *_PLAIN, *_UUIDS, *_MOMENTS)
_plain_of = attrgetter(*_PLAIN)
COLUMNS = tuple(getattr(TrainingSample, name) for name in _ALL)
"""What is read of a sample here: plain columns, because making objects of them would take most of the time."""
SampleRow = Any
"""A row of `COLUMNS`, or a `TrainingSample`."""


def record_of(row: SampleRow) -> Record:
    """Everything that a version keeps of a sample, as JSON values."""
    record: Record = dict(zip(_PLAIN, _plain_of(row), strict=True))
    for name in _UUIDS:
        value = getattr(row, name)
        record[name] = None if value is None else str(value)
    for name in _MOMENTS:
        value = getattr(row, name)
        record[name] = None if value is None else value.isoformat()
    record["quality_score"] = None if row.quality_score is None else float(row.quality_score)
    return record | {"id": str(row.id), "metadata": row.extra}


def columns_of(record: Record) -> dict[str, Any]:
    """The columns of a row that `record` was made of, by the names of the class, its id included."""
    columns: dict[str, Any] = {name: record[name] for name in _PLAIN}
    for name in _UUIDS:
        columns[name] = None if record[name] is None else UUID(record[name])
    for name in _MOMENTS:
        columns[name] = None if record[name] is None else datetime.fromisoformat(record[name])
    score = record["quality_score"]
    columns["quality_score"] = None if score is None else Decimal(str(score))
    return columns | {"id": UUID(record["id"]), "extra": record["metadata"]}


def in_scope(scope: Scope) -> ColumnElement[bool]:
    """The rows that a version of `scope` holds."""
    present = col(TrainingSample.withdrawn_at).is_(None)
    if scope is Scope.ALL:
        return present
    return and_(present, col(TrainingSample.is_verified if scope is Scope.VERIFIED else TrainingSample.is_labeled))


def holds(scope: Scope, row: SampleRow) -> bool:
    """The same rule for one row."""
    if row.withdrawn_at is not None:
        return False
    return scope is Scope.ALL or bool(row.is_verified if scope is Scope.VERIFIED else row.is_labeled)
