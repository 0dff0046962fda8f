"""Putting a label on a sample, and what follows: one person's opinion, the agreed label, the dataset's counts."""

from decimal import Decimal
from uuid import UUID

from sqlalchemy import ColumnElement, and_, not_
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from app.domain.machines import SampleStatus
from app.domain.permissions import PersonActor
from app.errors import Invalid
from app.schemas.samples import SampleLabels
from app.tables import DatasetVersion, SampleAnnotation, TrainingDataset, TrainingSample
from app.tables.base import utcnow


def apply(
    session: Session, actor: PersonActor, dataset: TrainingDataset, row: TrainingSample, labels: SampleLabels
) -> None:
    """`actor` says that `row` shows `labels`. The caller holds the lock of `dataset` and flushed `row`."""
    classes = [c["name"] for c in dataset.label_schema["classes"]]
    if labels.class_name not in classes:
        raise Invalid(
            f"{labels.class_name!r} is not a class of {dataset.name!r}. Its classes: {', '.join(classes[:30])}.",
            field="labels.class",
        )
    value = {"class": labels.class_name}
    _remember_opinion(session, actor, row, value)
    dataset.labeled_count += 1 - int(row.is_labeled)
    dataset.verified_count -= int(row.is_verified)
    row.sqlmodel_update(
        {
            "labels": value,
            "is_labeled": True,
            "labeled_by": actor.user_id,
            "is_verified": False,
            "verified_by": None,
            "rejection_reason": None,
            "quality_score": None,
            "updated_at": utcnow(),
        }
    )
    session.add(row)


def clear(dataset: TrainingDataset, row: TrainingSample) -> None:
    """Take the agreed label away; opinions that were given stay."""
    dataset.labeled_count -= int(row.is_labeled)
    dataset.verified_count -= int(row.is_verified)
    row.sqlmodel_update(
        {
            "labels": {},
            "is_labeled": False,
            "labeled_by": None,
            "is_verified": False,
            "verified_by": None,
            "rejection_reason": None,
            "quality_score": None,
            "updated_at": utcnow(),
        }
    )


def _remember_opinion(session: Session, actor: PersonActor, row: TrainingSample, value: dict[str, str]) -> None:
    opinion = SampleAnnotation(sample_id=row.id, annotator_id=actor.user_id, labels=value)
    statement = insert(SampleAnnotation).values(**opinion.model_dump())
    session.exec(
        statement.on_conflict_do_update(  # type: ignore[call-overload]
            index_elements=["sample_id", "annotator_id"], set_={"labels": value, "updated_at": utcnow()}
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
