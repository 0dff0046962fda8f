"""The rows behind a label, and nothing that decides: agreed labels with the dataset's counts, opinions, their history.

Callers hold the lock of the dataset.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, DateTime, and_, func, literal
from sqlalchemy import select as select_columns
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, delete, update

from app.domain.labels import LabelSchema, LabelValue, checked_value
from app.errors import Conflict, Invalid
from app.schemas.samples import SampleLabel
from app.services.upserts import upsert
from app.tables import (
    ConsensusDecision,
    ReplacedOpinion,
    SampleAnnotation,
    SampleAssignment,
    SampleDisagreement,
    TrainingDataset,
    TrainingSample,
)
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

# One row of each person about each sample.
_PERSON = ("sample_id", "annotator_id")


def checked(schema: LabelSchema, row: TrainingSample, label: SampleLabel | LabelValue) -> LabelValue:
    """`label` as a value that fits `schema` and the image of `row`, or `Invalid`."""
    size = (row.width, row.height) if row.width is not None and row.height is not None else None
    if isinstance(label, LabelValue):
        return checked_value(schema, label.labels, label.annotations, size)
    return checked_value(schema, label.labels.value() if label.labels else {}, label.boxes(), size)


def agree(
    session: Session, dataset: TrainingDataset, values: Sequence[tuple[TrainingSample, LabelValue]], author: int
) -> None:
    """Make each value the label of its sample, by `author`; it waits for its review."""
    end_decisions(session, [row.id for row, _ in values])
    for row, value in values:
        dataset.labeled_count += 1 - int(row.is_labeled)
        dataset.verified_count -= int(row.is_verified)
        agreed = {"labels": value.labels, "annotations": value.annotations}
        row.sqlmodel_update({**UNLABELED, **agreed, "is_labeled": True, "labeled_by": author})
        row.updated_at = utcnow()
        session.add(row)


def clear(session: Session, dataset: TrainingDataset, row: TrainingSample) -> None:
    """Take the agreed label away; opinions that were given stay."""
    end_decisions(session, [row.id])
    dataset.labeled_count -= int(row.is_labeled)
    dataset.verified_count -= int(row.is_verified)
    row.sqlmodel_update({**UNLABELED, "updated_at": utcnow()})
    session.add(row)


def stands() -> ColumnElement[bool]:
    """The decisions that were neither undone nor ended by another label."""
    return and_(col(ConsensusDecision.undone_at).is_(None), col(ConsensusDecision.ended_at).is_(None))


def end_decisions(session: Session, sample_ids: Sequence[UUID]) -> None:
    """What was decided or open about these samples is so no more: another label takes its place. One statement."""
    if not sample_ids:
        return
    open_ones = delete(SampleDisagreement).where(col(SampleDisagreement.sample_id).in_(sample_ids)).cte("open_ones")
    standing = update(ConsensusDecision).where(col(ConsensusDecision.sample_id).in_(sample_ids), stands())
    session.exec(standing.values(ended_at=utcnow()).add_cte(open_ones))


def snapshot(row: TrainingSample) -> dict[str, Any]:
    """What a sample says now, as JSON, so that `restore` can put it back."""
    kept = {name: getattr(row, name) for name in UNLABELED}
    return kept | {"quality_score": None if row.quality_score is None else str(row.quality_score)}


def restore(session: Session, dataset: TrainingDataset, row: TrainingSample, previous: Mapping[str, Any]) -> None:
    """Put back what `snapshot` took. Refused where the classes of that label are no more."""
    kept = {name: previous[name] for name in UNLABELED}
    if kept["is_labeled"]:
        schema = LabelSchema.of(dataset.label_schema)
        try:
            checked_value(schema, kept["labels"], kept["annotations"])
        except Invalid as error:
            raise Conflict(f"The label before does not fit the dataset's classes any more: {error.message}") from error
    score = kept["quality_score"]
    kept["quality_score"] = None if score is None else Decimal(score)
    dataset.labeled_count += int(kept["is_labeled"]) - int(row.is_labeled)
    dataset.verified_count += int(kept["is_verified"]) - int(row.is_verified)
    row.sqlmodel_update({**kept, "updated_at": utcnow()})
    session.add(row)


def remember_opinions(session: Session, annotator_id: int, opinions: Sequence[tuple[UUID, LabelValue]]) -> None:
    """One statement for all: a person's later opinion about a sample replaces the earlier one."""
    now = utcnow()
    rows = [
        {"id": uuid4(), "sample_id": sample_id, "annotator_id": annotator_id, "created_at": now, "updated_at": now}
        | {"labels": value.labels, "annotations": value.annotations}
        for sample_id, value in opinions
    ]
    upsert(session, SampleAnnotation, rows, keys=_PERSON, replaced=("labels", "annotations", "updated_at"))


def keep_replaced(session: Session, annotator_id: int, sample_ids: Iterable[UUID]) -> None:
    """Copy what a person said of these samples, before it is replaced or taken back."""
    table = SampleAnnotation
    now = literal(utcnow(), DateTime(timezone=True))
    said = (table.sample_id, table.annotator_id, table.labels, table.annotations, table.updated_at)
    old = select_columns(func.gen_random_uuid(), *map(col, said), now).where(
        col(table.sample_id).in_(list(sample_ids)), col(table.annotator_id) == annotator_id
    )
    names = ["id", "sample_id", "annotator_id", "labels", "annotations", "given_at", "replaced_at"]
    session.exec(insert(ReplacedOpinion).from_select(names, old))  # type: ignore[call-overload]


def take_back(session: Session, annotator_id: int, sample_id: UUID) -> None:
    """Forget what one person says of a sample; a copy stays."""
    keep_replaced(session, annotator_id, [sample_id])
    for table in (SampleAnnotation, SampleAssignment):
        session.exec(delete(table).where(col(table.sample_id) == sample_id, col(table.annotator_id) == annotator_id))


def assign(session: Session, annotator_id: int, sample_id: UUID) -> None:
    """Write that a person was given a sample, the first time that they were."""
    given = insert(SampleAssignment).values(sample_id=sample_id, annotator_id=annotator_id, assigned_at=utcnow())
    session.exec(given.on_conflict_do_nothing())  # type: ignore[call-overload]


def mark_answered(session: Session, annotator_id: int, sample_ids: Sequence[UUID]) -> None:
    """Write that a person said something of samples, whether they were given them or came by themselves."""
    now = utcnow()
    rows = [{"sample_id": one, "annotator_id": annotator_id, "assigned_at": now, "done_at": now} for one in sample_ids]
    upsert(session, SampleAssignment, rows, keys=_PERSON, replaced=("done_at",))
