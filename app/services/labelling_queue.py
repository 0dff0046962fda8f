"""Which sample somebody labels next, and which lie around one.

Two people never get the same one, unless it collects opinions of several: then each gets it once, and no more get it
than are asked. It is chosen and leased in one transaction. Who asks at the same moment passes over
rows that another is choosing (SKIP LOCKED); who asked with an older view of the leases loses the race for the lease
itself, and chooses again.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, not_, or_, tuple_
from sqlmodel import Session, col, select

from app.domain.machines import DatasetStatus, SampleStatus
from app.domain.permissions import Actor, Permission, PersonActor, require
from app.errors import Conflict, NotFound
from app.infra.object_store import ObjectStore
from app.schemas.labelling import LeaseView, NextSample, NextSampleView, SampleNeighbours
from app.schemas.samples import SampleDetail, SampleFilter
from app.services import opinion_slots, opinions, sample_labels, sample_leases, samples
from app.services.access import fetch, fetch_sample
from app.tables import SampleLease, TrainingDataset, TrainingSample

ATTEMPTS = 20
ORDER = (TrainingSample.created_at, TrainingSample.id)


def next_sample(
    session: Session, actor: Actor, dataset_id: UUID, request: NextSample, store: ObjectStore
) -> NextSampleView:
    """Lease the next sample that waits for `actor`: what was rejected to them first, then what has no label."""
    require(actor, Permission.DATASETS_WRITE)
    assert isinstance(actor, PersonActor)
    dataset = fetch(session, TrainingDataset, dataset_id, actor, "dataset")
    if dataset.status == DatasetStatus.ARCHIVED:
        raise Conflict(f"Dataset {dataset.name!r} is archived. Make it active to label it.")
    start = _place(session, dataset, request.after) if request.after else None
    wanted = [request.status] if request.status else ["rejected", "unlabeled"]
    for status in wanted:
        waiting = _waiting(actor, dataset, SampleStatus(status))
        for behind in (start, None) if start else (None,):
            taken = _lease_first(session, actor, dataset, waiting, behind)
            if taken is not None:
                row, lease = taken
                (shown,) = opinions.shown_to(session, actor, dataset, [samples.detail(row, store)])
                return NextSampleView(sample=shown, lease=lease)
    return NextSampleView(sample=None, lease=None)


def neighbours(
    session: Session,
    actor: Actor,
    dataset_id: UUID,
    sample_id: UUID,
    wanted: SampleFilter,
    limit: int,
    store: ObjectStore,
) -> SampleNeighbours:
    """At most `limit` samples before and after one, in the order in which they came, of those that fit the filter."""
    require(actor, Permission.DATASETS_READ)
    dataset = fetch(session, TrainingDataset, dataset_id, actor, "dataset")
    place = tuple_(*_place(session, dataset, sample_id))
    keys = tuple_(*(col(key) for key in ORDER))
    query = samples.matching(dataset, wanted)
    earlier = query.where(keys < place).order_by(*(col(key).desc() for key in ORDER)).limit(limit)
    later = query.where(keys > place).order_by(*(col(key) for key in ORDER)).limit(limit)
    before, after = ([samples.detail(row, store) for row in session.exec(side)] for side in (earlier, later))
    shown = opinions.shown_to(session, actor, dataset, [*before, *after])
    return SampleNeighbours(before=shown[: len(before)], after=shown[len(before) :])


def get(session: Session, actor: Actor, dataset_id: UUID, sample_id: UUID, store: ObjectStore) -> SampleDetail:
    """One sample."""
    require(actor, Permission.DATASETS_READ)
    dataset = fetch(session, TrainingDataset, dataset_id, actor, "dataset")
    row = fetch_sample(session, dataset, sample_id)
    (shown,) = opinions.shown_to(session, actor, dataset, [samples.detail(row, store)])
    return shown


def _waiting(actor: PersonActor, dataset: TrainingDataset, status: SampleStatus) -> list[ColumnElement[bool]]:
    """The samples of `dataset` that wait for `actor`. A rejected label waits for whoever gave it."""
    mine = col(TrainingSample.dataset_id) == dataset.id
    conditions = [mine, sample_labels.has_status(status), col(TrainingSample.withdrawn_at).is_(None)]
    if status is SampleStatus.REJECTED:
        return [*conditions, col(TrainingSample.labeled_by) == actor.user_id, ~_held(sample_leases.AGREED)]
    alone = and_(not_(opinions.asked(dataset)), ~_held(sample_leases.AGREED))
    among = and_(opinions.waits_for(actor, dataset), ~_held(actor.user_id), opinion_slots.is_free(actor, dataset))
    return [*conditions, alone if dataset.opinions_per_sample == 1 else or_(alone, among)]


def _held(slot: int) -> ColumnElement[bool]:
    mine = (col(SampleLease.sample_id) == col(TrainingSample.id), col(SampleLease.slot) == slot)
    return exists().where(*mine, sample_leases.open_now())


def _lease_first(
    session: Session,
    actor: PersonActor,
    dataset: TrainingDataset,
    waiting: list[ColumnElement[bool]],
    behind: tuple[Any, ...] | None,
) -> tuple[TrainingSample, LeaseView] | None:
    query = select(TrainingSample).where(*waiting).order_by(*(col(key) for key in ORDER)).limit(1)
    if behind is not None:
        query = query.where(tuple_(*(col(key) for key in ORDER)) > tuple_(*behind))
    query = query.with_for_update(skip_locked=True, of=TrainingSample)
    for _ in range(ATTEMPTS):
        row = session.exec(query).one_or_none()
        if row is None:
            return None
        collects = opinions.states(session, dataset, [row]).get(row.id) == opinions.COLLECTING
        if collects and not opinion_slots.take(session, actor, dataset, row.id):
            continue
        lease = sample_leases.grab(session, actor, row.id, sample_leases.slot_of(actor, collects=collects))
        if lease is not None:
            return row, lease
    raise Conflict("Too many people ask for samples at this moment. Ask again.")


def _place(session: Session, dataset: TrainingDataset, sample_id: UUID) -> tuple[Any, ...]:
    query = select(*ORDER).where(TrainingSample.id == sample_id, TrainingSample.dataset_id == dataset.id)
    found = session.exec(query).one_or_none()
    if found is None:
        raise NotFound(f"There is no sample {sample_id} in dataset {dataset.name!r}.")
    return tuple(found)
