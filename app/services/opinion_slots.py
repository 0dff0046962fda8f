"""Who is handed a sample that collects opinions: as many people as are asked, each once.

A place is taken by an opinion, or by somebody who has the sample open to give one (a lease of their own slot). So a
sample is never worked on by more people than it needs, and a place is free again when somebody goes away.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func
from sqlmodel import Session, col, select

from app.domain.permissions import PersonActor
from app.services import label_records, opinions, sample_leases
from app.tables import SampleAnnotation, SampleLease, TrainingDataset, TrainingSample


def is_free(actor: PersonActor, dataset: TrainingDataset) -> ColumnElement[bool]:
    """The samples that collect opinions and have a place for `actor`, who gave none about them."""
    return _taken(actor, col(TrainingSample.id)) < dataset.opinions_per_sample


def take(session: Session, actor: PersonActor, dataset: TrainingDataset, sample_id: UUID) -> bool:
    """Note that `actor` is handed the sample, if there still is a place.

    The caller holds the lock of its row, so what is counted here is not what another was just given: a query that
    found the row may have begun before.
    """
    if session.exec(select(_taken(actor, sample_id))).one() >= opinions.wanted(dataset, sample_id):
        return False
    label_records.assign(session, actor.user_id, sample_id)
    return True


def _taken(actor: PersonActor, sample_id: Any) -> ColumnElement[int]:
    """How many places are taken: opinions given, and leases of other people who are about to give theirs."""
    given = select(func.count()).select_from(SampleAnnotation).where(col(SampleAnnotation.sample_id) == sample_id)
    answered = exists().where(
        col(SampleAnnotation.sample_id) == col(SampleLease.sample_id),
        col(SampleAnnotation.annotator_id) == col(SampleLease.holder_id),
    )
    at_work = (
        select(func.count())
        .select_from(SampleLease)
        .where(
            col(SampleLease.sample_id) == sample_id,
            col(SampleLease.slot).not_in((sample_leases.AGREED, actor.user_id)),
            sample_leases.open_now(),
            ~answered,
        )
    )
    if not isinstance(sample_id, UUID):
        given, at_work = given.correlate(TrainingSample), at_work.correlate(TrainingSample)
    return given.scalar_subquery() + at_work.scalar_subquery()
