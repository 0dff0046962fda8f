"""Putting a label on a sample, and finding samples by their labels."""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, and_, column, func, not_, true
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Session, col, select

from app.domain.labels import LabelSchema, LabelValue, Task
from app.domain.machines import SampleStatus
from app.domain.permissions import PersonActor
from app.errors import Conflict
from app.schemas.samples import SampleLabel
from app.services import consensus, dataset_changes, label_records, opinions
from app.tables import TrainingDataset, TrainingSample
from app.tables.base import utcnow


def apply(
    session: Session,
    actor: PersonActor,
    dataset: TrainingDataset,
    labelled: Sequence[tuple[TrainingSample, SampleLabel | LabelValue]],
) -> None:
    """`actor` says what each sample shows. The caller holds the lock of `dataset` and flushed the samples.

    Where several people are asked, that is an opinion, the decision of a disagreement, or the correction of what they
    agreed on (see `opinions` and `consensus`); everywhere else it is the label at once. Raises `Invalid`, before
    anything changed, if a label does not fit the dataset's schema or the sample's image.
    """
    schema = LabelSchema.of(dataset.label_schema)
    values = [(row, label_records.checked(schema, row, label)) for row, label in labelled]
    states = opinions.states(session, dataset, [row for row, _ in values])
    among: dict[str | None, list[tuple[TrainingSample, LabelValue]]] = defaultdict(list)
    for row, value in values:
        among[states.get(row.id)].append((row, value))
    alone = among[None]
    # In this order `touch` writes the rows once: a statement after a change would write them half done before.
    label_records.remember_opinions(session, actor.user_id, [(row.id, value) for row, value in alone])
    label_records.agree(session, dataset, alone, actor.user_id)
    consensus.edit(session, actor, dataset, among[opinions.DISPUTED])
    consensus.correct(session, actor, dataset, among[opinions.AGREED])
    consensus.collect(session, actor, dataset, among[opinions.COLLECTING])


def clear(session: Session, actor: PersonActor, dataset: TrainingDataset, row: TrainingSample) -> None:
    """Take away what `actor` says of a sample that collects opinions, or the agreed label; other opinions stay.

    Where all opinions are in, a sample without a label waits for an adjudicator.
    """
    state = opinions.states(session, dataset, [row]).get(row.id)
    if state == opinions.COLLECTING:
        label_records.take_back(session, actor.user_id, row.id)
    elif state == opinions.DISPUTED:
        raise Conflict(f"Sample {row.id} has no label: people differ about it. Decide between their opinions.")
    else:
        label_records.clear(session, dataset, row)
        if state == opinions.AGREED:
            consensus.reopen(session, dataset, row)


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
