"""Putting a label on a sample, and what follows: one person's opinion, the agreed label, the dataset's counts."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, and_, column, func, not_, true
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlmodel import Session, col, select

from app.domain.labels import LabelSchema, LabelValue, Task, checked_value
from app.domain.machines import SampleStatus
from app.domain.permissions import PersonActor
from app.schemas.samples import SampleLabel
from app.services import dataset_changes
from app.tables import DatasetVersion, SampleAnnotation, TrainingDataset, TrainingSample
from app.tables.base import utcnow

# What a sample's columns say when it has no agreed label.
UNLABELED: dict[str, Any] = {
    "labels": {},
    "annotations": [],
    "is_labeled": False,
    "labeled_by": None,
    "is_verified": False,
    "verified_by": None,
    "rejection_reason": None,
    "quality_score": None,
}


def apply(
    session: Session,
    actor: PersonActor,
    dataset: TrainingDataset,
    labelled: Sequence[tuple[TrainingSample, SampleLabel]],
) -> None:
    """`actor` says what each sample shows. The caller holds the lock of `dataset` and flushed the samples.

    Raises `Invalid`, before anything changed, if a label does not fit the dataset's schema or the sample's image.
    """
    schema = LabelSchema.of(dataset.label_schema)
    values = [(row, checked(schema, row, label)) for row, label in labelled]
    for row, value in values:
        dataset.labeled_count += 1 - int(row.is_labeled)
        dataset.verified_count -= int(row.is_verified)
        agreed = {"labels": value.labels, "annotations": value.annotations}
        row.sqlmodel_update({**UNLABELED, **agreed, "is_labeled": True, "labeled_by": actor.user_id})
        row.updated_at = utcnow()
        session.add(row)
    remember_opinions(session, actor.user_id, [(row.id, value) for row, value in values])


def checked(schema: LabelSchema, row: TrainingSample, label: SampleLabel) -> LabelValue:
    """`label` as a value that fits `schema` and the image of `row`, or `Invalid`."""
    size = (row.width, row.height) if row.width is not None and row.height is not None else None
    return checked_value(schema, label.labels.value() if label.labels else {}, label.boxes(), size)


def clear(dataset: TrainingDataset, row: TrainingSample) -> None:
    """Take the agreed label away; opinions that were given stay."""
    dataset.labeled_count -= int(row.is_labeled)
    dataset.verified_count -= int(row.is_verified)
    row.sqlmodel_update({**UNLABELED, "updated_at": utcnow()})


def remember_opinions(session: Session, annotator_id: int, opinions: Sequence[tuple[UUID, LabelValue]]) -> None:
    """One statement for all: a person's later opinion about a sample replaces the earlier one."""
    if not opinions:
        return
    now = utcnow()
    rows = [
        {"id": uuid4(), "sample_id": sample_id, "annotator_id": annotator_id, "created_at": now, "updated_at": now}
        | {"labels": value.labels, "annotations": value.annotations}
        for sample_id, value in opinions
    ]
    statement = insert(SampleAnnotation).values(rows)
    session.exec(  # type: ignore[call-overload]
        statement.on_conflict_do_update(
            index_elements=["sample_id", "annotator_id"],
            set_={name: statement.excluded[name] for name in ("labels", "annotations", "updated_at")},
        )
    )


def count_by_class(session: Session, dataset: TrainingDataset) -> dict[str, int]:
    """How often each class is named in the agreed labels of `dataset`; classes that nobody named are absent."""
    names: ColumnElement[str] = col(TrainingSample.labels)["class"].as_string()
    query = select(names, func.count()).select_from(TrainingSample)
    task = LabelSchema.of(dataset.label_schema).task
    if task is not Task.CLASSIFICATION:
        named = _NAMED[task].table_valued(column("value", JSONB)).lateral()
        # The path () is the value itself.
        names = named.c.value["class" if task is Task.DETECTION else ()].as_string()
        query = select(names, func.count()).select_from(TrainingSample).join(named, true())
    query = query.where(TrainingSample.dataset_id == dataset.id, col(TrainingSample.is_labeled)).group_by(names)
    return dict(session.exec(query).all())


# One row for each time that a sample names a class.
_NAMED = {
    Task.MULTILABEL: func.jsonb_array_elements(col(TrainingSample.labels)["classes"]),
    Task.DETECTION: func.jsonb_array_elements(col(TrainingSample.annotations)),
}


def has_status(status: SampleStatus) -> ColumnElement[bool]:
    """The rows whose columns spell `status` (see `app.domain.machines.sample_status`)."""
    labeled, verified = col(TrainingSample.is_labeled), col(TrainingSample.is_verified)
    rejected = col(TrainingSample.rejection_reason).is_not(None)
    return {
        SampleStatus.UNLABELED: and_(not_(labeled), not_(rejected)),
        SampleStatus.LABELED: and_(labeled, not_(verified), not_(rejected)),
        SampleStatus.VERIFIED: and_(verified),
        SampleStatus.REJECTED: rejected,
    }[status]


def quality(score: float | None) -> Decimal | None:
    """The score as the column keeps it: three decimals."""
    return None if score is None else Decimal(str(round(score, 3)))


def in_frozen_version(session: Session, dataset_id: UUID) -> bool:
    """True if some version of the dataset is frozen."""
    found = session.exec(select(DatasetVersion.id).where(DatasetVersion.dataset_id == dataset_id).limit(1)).first()
    return found is not None


def agreed(row: TrainingSample) -> dict[str, Any]:
    """What was agreed about a sample, for the audit log."""
    agreed = {"labels": row.labels, "annotations": row.annotations} if row.annotations else {"labels": row.labels}
    return {**agreed, "is_verified": row.is_verified, "rejection_reason": row.rejection_reason}


def touch(session: Session, dataset: TrainingDataset) -> None:
    """The dataset changed now; what it counts is written."""
    dataset.updated_at = utcnow()
    session.add(dataset)
    session.flush()
    dataset_changes.changed(session, dataset)
