"""What waits for review, the riskiest first, and what was decided.

The risk of a label is the sum of what speaks for a second look; each part and its weight is in `WEIGHTS`. It is
computed when it is asked for, out of what is true then: every decision changes the risk of all of its author's labels.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Float,
    Integer,
    Select,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.orm import InstrumentedAttribute
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from app.domain.machines import SampleStatus
from app.domain.permissions import Actor, Permission, PersonActor, require
from app.infra.object_store import ObjectStore
from app.schemas.base import Page
from app.schemas.review_queue import QueueFilter, ReviewQueue, Risk, Waiting
from app.schemas.reviews import ReviewFilter, ReviewView
from app.services import label_records, opinions, sample_labels, samples
from app.services.access import fetch
from app.services.filtering import equal
from app.services.paging import paged
from app.tables import ConsensusDecision, ReviewDecision, SampleAnnotation, TrainingDataset, TrainingSample, User

WEIGHTS = {Risk.DISAGREEMENT: 0.5, Risk.LOW_QUALITY: 0.3, Risk.NEW_ANNOTATOR: 0.15, Risk.RANDOM: 0.05}
# An annotator is new until so many of their labels in this dataset were decided about.
KNOWN_AFTER = 20
# Who had more than this share of decided labels rejected or put right is looked at more closely.
POOR_SHARE = 0.1
# This share of all labels is looked at whoever made them, in a thousand.
RANDOM_PER_MILLE = 50


def queue(session: Session, actor: Actor, dataset_id: UUID, wanted: QueueFilter, store: ObjectStore) -> ReviewQueue:
    """The labels of a dataset that wait for a decision of this caller, the riskiest first."""
    require(actor, Permission.SAMPLES_VERIFY)
    assert isinstance(actor, PersonActor)
    dataset = fetch(session, TrainingDataset, dataset_id, actor, "dataset")
    waiting = and_(
        col(TrainingSample.dataset_id) == dataset_id,
        sample_labels.has_status(SampleStatus.LABELED),
        col(TrainingSample.withdrawn_at).is_(None),
    )
    mine = col(TrainingSample.labeled_by) == actor.user_id
    others = waiting if dataset.single_person_review else and_(waiting, not_(mine), not_(_went_in(actor.user_id)))
    returned = and_(col(TrainingSample.dataset_id) == dataset_id, sample_labels.has_status(SampleStatus.REJECTED), mine)
    count = select(func.count()).select_from(TrainingSample)
    total = session.scalar(count.where(others)) or 0
    return ReviewQueue(
        items=_riskiest(session, actor, dataset, others, wanted, store),
        waiting=total,
        own=(session.scalar(count.where(waiting)) or 0) - total,
        returned=session.scalar(count.where(returned)) or 0,
    )


def list_reviews(
    session: Session,
    actor: Actor,
    dataset_id: UUID,
    wanted: ReviewFilter,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[ReviewView]:
    """Decisions about the labels of a dataset, as they were made."""
    require(actor, Permission.DATASETS_READ)
    fetch(session, TrainingDataset, dataset_id, actor, "dataset")
    query = select_rows(ReviewDecision).where(ReviewDecision.dataset_id == dataset_id, *equal(ReviewDecision, wanted))
    return paged(session, query, ReviewDecision, ReviewView.model_validate, wanted, cursor, limit, scope=dataset_id)


def _riskiest(
    session: Session,
    actor: PersonActor,
    dataset: TrainingDataset,
    waiting: ColumnElement[bool],
    wanted: QueueFilter,
    store: ObjectStore,
) -> list[Waiting]:
    """One statement: the records of the authors, the reasons of each label that waits, and the head of the order."""
    records = _records(dataset.id).subquery()
    sample = TrainingSample.__table__.c  # type: ignore[attr-defined]
    decided = func.coalesce(records.c.decided, 0)
    poor = func.coalesce(records.c.wrong, 0) > POOR_SHARE * func.greatest(decided, 1)
    reasons = {
        Risk.DISAGREEMENT: _differs(),
        Risk.LOW_QUALITY: poor,
        Risk.NEW_ANNOTATOR: decided < KNOWN_AFTER,
        Risk.RANDOM: _chosen(sample.id),
    }
    risk = sum((case((reason, WEIGHTS[name]), else_=0.0) for name, reason in reasons.items()), literal(0.0))
    columns: list[Any] = [TrainingSample, cast(risk, Float).label("risk"), User.name, *reasons.values()]
    query = (
        select(*columns)
        .select_from(TrainingSample)
        .join(User, col(User.id) == sample.labeled_by)
        .join(records, records.c.author_id == sample.labeled_by, isouter=True)
        .where(waiting, reasons[wanted.reason] if wanted.reason else true())
        .order_by(risk.desc(), sample.created_at, sample.id)
        .limit(wanted.limit)
    )
    found = [(row, risk, author, flags) for row, risk, author, *flags in session.execute(query)]
    shown = opinions.shown_to(session, actor, dataset, [samples.detail(row, store) for row, *_ in found])
    return [
        Waiting(
            sample=detail,
            risk=round(risk, 3),
            reasons=[name for name, is_so in zip(reasons, flags, strict=True) if is_so],
            author=author,
        )
        for detail, (_, risk, author, flags) in zip(shown, found, strict=True)
    ]


def _records(dataset_id: UUID) -> Select[int | None, int, int]:
    """Of each author: how many labels were decided about, and how many were rejected or put right."""
    wrong = col(ReviewDecision.decision) != "accepted"
    return (
        select(
            col(ReviewDecision.author_id),
            func.count().label("decided"),
            func.count().filter(wrong).label("wrong"),
        )
        .where(col(ReviewDecision.dataset_id) == dataset_id)
        .group_by(col(ReviewDecision.author_id))
    )


def _differs() -> ColumnElement[bool]:
    """People differed about the sample: somebody had to decide, or one said something else than its label says."""
    opinion, sample = SampleAnnotation, TrainingSample
    other = exists().where(
        col(opinion.sample_id) == col(sample.id),
        or_(col(opinion.labels) != col(sample.labels), col(opinion.annotations) != col(sample.annotations)),
    )
    standing = _standing()
    return or_(
        exists().where(standing, col(ConsensusDecision.kind) != "automatic"),
        and_(other, not_(exists().where(standing))),
    )


def _standing() -> ColumnElement[bool]:
    """The decision by which several opinions became the label."""
    return and_(col(ConsensusDecision.sample_id) == col(TrainingSample.id), label_records.stands())


def _went_in(user_id: int) -> ColumnElement[bool]:
    """The opinion of this person is part of the label."""
    return exists().where(_standing(), col(ConsensusDecision.sources).contains([user_id]))


def _chosen(sample_id: "InstrumentedAttribute[UUID]") -> ColumnElement[bool]:
    """The same samples at every call, spread as by chance: the digest of the id decides."""
    digest = func.sha256(func.uuid_send(sample_id))
    number = cast(func.get_byte(digest, 0), Integer) * 256 + func.get_byte(digest, 1)
    return number % 1000 < RANDOM_PER_MILLE
