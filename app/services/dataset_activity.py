"""Who works on a dataset, and how much lately. Cheap in a large one: people stand in the index, counts have an end."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select

from app.domain.permissions import Actor, Permission, require
from app.schemas.dataset_activity import DatasetActivity, PersonActivity
from app.services.access import fetch
from app.tables import ReviewDecision, SampleAnnotation, TrainingDataset, TrainingSample, User
from app.tables.base import utcnow

LATELY = timedelta(days=7)
MOST_PEOPLE = 50
MOST_COUNTED = 10_000


def show(session: Session, actor: Actor, dataset_id: UUID) -> DatasetActivity:
    """Everybody who labelled or reviewed something that is in the dataset now, and what they did in the last week."""
    require(actor, Permission.DATASETS_READ)
    fetch(session, TrainingDataset, dataset_id, actor, "dataset")
    since = utcnow() - LATELY
    known = {*_named(session, dataset_id, TrainingSample.labeled_by)}
    known |= {*_named(session, dataset_id, TrainingSample.verified_by)}
    names = session.exec(select(User.id, User.name).where(col(User.id).in_(known))).all()
    people = [
        PersonActivity(
            user_id=user_id,
            name=name,
            labeled=_labeled(session, dataset_id, user_id, since),
            reviewed=_reviewed(session, dataset_id, user_id, since),
        )
        for user_id, name in names
        if user_id is not None
    ]
    people.sort(key=lambda one: (-one.labeled - one.reviewed, one.name))
    return DatasetActivity(since=since, people=people)


def _named(session: Session, dataset_id: UUID, column: Any) -> Iterator[int]:
    """The different values of `column` in a dataset: from one to the next over its index, never over all rows."""
    last = 0
    for _ in range(MOST_PEOPLE):
        following = select(column).where(TrainingSample.dataset_id == dataset_id, col(column) > last)
        found = session.exec(following.order_by(col(column)).limit(1)).first()
        if found is None:
            return
        last = found
        yield last


def _labeled(session: Session, dataset_id: UUID, user_id: int, since: datetime) -> int:
    given = (
        select(SampleAnnotation.id)
        .join(TrainingSample, col(TrainingSample.id) == SampleAnnotation.sample_id)
        .where(
            SampleAnnotation.annotator_id == user_id,
            col(SampleAnnotation.created_at) >= since,
            TrainingSample.dataset_id == dataset_id,
        )
    )
    return _count(session, given)


def _reviewed(session: Session, dataset_id: UUID, user_id: int, since: datetime) -> int:
    decided = select(ReviewDecision.id).where(
        ReviewDecision.dataset_id == dataset_id,
        col(ReviewDecision.created_at) >= since,
        ReviewDecision.reviewer_id == user_id,
    )
    return _count(session, decided)


def _count(session: Session, query: Any) -> int:
    return int(session.exec(select(func.count()).select_from(query.limit(MOST_COUNTED).subquery())).one())
