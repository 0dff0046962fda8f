"""Putting a label on a sample, and what follows: one person's opinion, the agreed label, the dataset's counts."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, and_, not_
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from app.domain.machines import SampleStatus
from app.domain.permissions import PersonActor
from app.errors import Invalid
from app.schemas.samples import SampleLabels
from app.tables import DatasetVersion, SampleAnnotation, TrainingDataset, TrainingSample
from app.tables.base import utcnow

# What a sample's columns say when it has no agreed label.
UNLABELED: dict[str, Any] = {
    "labels": {},
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
    labelled: Sequence[tuple[TrainingSample, SampleLabels]],
) -> None:
    """`actor` says what each sample shows. The caller holds the lock of `dataset` and flushed the samples."""
    classes = {c["name"] for c in dataset.label_schema["classes"]}
    opinions: list[dict[str, Any]] = []
    for row, labels in labelled:
        if labels.class_name not in classes:
            listed = ", ".join(sorted(classes)[:30])
            raise Invalid(
                f"{labels.class_name!r} is not a class of {dataset.name!r}. Its classes: {listed}.",
                field="labels.class",
            )
        value = {"class": labels.class_name}
        opinions.append({"id": uuid4(), "sample_id": row.id, "annotator_id": actor.user_id, "labels": value})
        dataset.labeled_count += 1 - int(row.is_labeled)
        dataset.verified_count -= int(row.is_verified)
        row.sqlmodel_update({**UNLABELED, "labels": value, "is_labeled": True, "labeled_by": actor.user_id})
        row.updated_at = utcnow()
        session.add(row)
    _remember_opinions(session, opinions)


def clear(dataset: TrainingDataset, row: TrainingSample) -> None:
    """Take the agreed label away; opinions that were given stay."""
    dataset.labeled_count -= int(row.is_labeled)
    dataset.verified_count -= int(row.is_verified)
    row.sqlmodel_update({**UNLABELED, "updated_at": utcnow()})


def _remember_opinions(session: Session, opinions: Sequence[dict[str, Any]]) -> None:
    """One statement for all: a person's later opinion about a sample replaces the earlier one."""
    if not opinions:
        return
    now = utcnow()
    common = {"annotations": [], "created_at": now, "updated_at": now}
    statement = insert(SampleAnnotation).values([{**opinion, **common} for opinion in opinions])
    session.exec(  # type: ignore[call-overload]
        statement.on_conflict_do_update(
            index_elements=["sample_id", "annotator_id"],
            set_={"labels": statement.excluded.labels, "updated_at": statement.excluded.updated_at},
        )
    )


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
