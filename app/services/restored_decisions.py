"""What was decided about samples whose label a restore has changed: decisions, disputes and labels stay consistent.

A decision ends with the label that it made, and stands again where a restore brings that label back: then the people
whose opinions went in still may not verify it, and it can be undone. A sample that lost its label waits for an
adjudicator again if all its opinions are in; nobody could answer it any more.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Integer, func
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import Session, col, select, update

from app.services import consensus, label_records
from app.tables import ConsensusDecision, SampleAnnotation, TrainingDataset, TrainingSample


def follow(session: Session, dataset: TrainingDataset, sample_ids: Sequence[UUID]) -> None:
    """Bring decisions and disputes to the labels that these samples have now. Callers hold the dataset's lock."""
    if not sample_ids:
        return
    label_records.end_decisions(session, sample_ids)
    _revive(session, sample_ids)
    if dataset.opinions_per_sample > 1:
        for row in _unlabelled_with_opinions(session, sample_ids):
            consensus.reopen(session, dataset, row)


def _revive(session: Session, sample_ids: Sequence[UUID]) -> None:
    """Let the newest decision stand that made the very label, of the very author, that a sample has again."""
    decision, sample = ConsensusDecision, TrainingSample
    newest = (
        select(decision.id)
        .join(sample, col(sample.id) == decision.sample_id)
        .where(
            col(decision.sample_id).in_(sample_ids),
            col(decision.undone_at).is_(None),
            col(sample.is_labeled),
            col(sample.labels) == col(decision.labels),
            col(sample.annotations) == col(decision.annotations),
            col(sample.labeled_by) == col(decision.sources)[0].as_string().cast(Integer),  # type: ignore[index]
        )
        .ext(distinct_on(col(decision.sample_id)))
        .order_by(col(decision.sample_id), col(decision.created_at).desc())
    )
    session.exec(update(decision).where(col(decision.id).in_(newest)).values(ended_at=None))


def _unlabelled_with_opinions(session: Session, sample_ids: Sequence[UUID]) -> list[TrainingSample]:
    several = (
        select(SampleAnnotation.sample_id)
        .where(col(SampleAnnotation.sample_id).in_(sample_ids))
        .group_by(col(SampleAnnotation.sample_id))
        .having(func.count() > 1)
    )
    query = select(TrainingSample).where(col(TrainingSample.id).in_(several), ~col(TrainingSample.is_labeled))
    return list(session.exec(query.execution_options(populate_existing=True)))
