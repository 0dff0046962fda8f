"""What happened to a dataset's samples since a version: told by the numbers that a trigger gives to every change.

The caller holds the dataset's row locked. Whoever changes a sample takes that lock before the change gets its number,
so every number up to now is committed, and nothing can have happened that is not seen here.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

from sqlalchemy import exists, func, text
from sqlalchemy import select as choose
from sqlmodel import Session, col, select

from app.domain.dataset_trees import Lines, Tree, bucket_of, lines_of
from app.services.dataset_chunks import AT_ONCE, batched, chunks
from app.services.sample_records import COLUMNS, SampleRow
from app.tables import DeletedSample, TrainingSample

EVERYTHING = -1
"""The revision before all others."""
_ROWS = 1000
Touched = list[tuple[UUID, SampleRow | None]]


@dataclass(frozen=True)
class BucketChange:
    """A bucket in which something happened: what an earlier version has there, and the samples as they are now."""

    bucket: int
    before: Lines
    touched: Touched


def revision_now(session: Session) -> int:
    """A number that no change has had yet."""
    return int(session.exec(select(func.nextval(text("'dataset_revisions'")))).one())


def bucket_changes(session: Session, dataset_id: UUID, base: Tree, since: int) -> Iterator[BucketChange]:
    """Every bucket with a sample that was changed or deleted after revision `since`, in the order of the buckets."""
    grouped = groupby(_touched(session, dataset_id, since), key=lambda pair: bucket_of(pair[0]))
    held = ((bucket, list(pairs)) for bucket, pairs in grouped)
    for some in batched(held, AT_ONCE):
        before = dict(chunks(session, dataset_id, base, [bucket for bucket, _ in some]))
        for bucket, pairs in some:
            yield BucketChange(bucket, lines_of(before[bucket]), pairs)


def _touched(session: Session, dataset_id: UUID, since: int) -> Iterator[tuple[UUID, SampleRow | None]]:
    """Samples in the order of their ids; None stands for one that is gone."""
    changed = (
        choose(*COLUMNS)
        .where(col(TrainingSample.dataset_id) == dataset_id, col(TrainingSample.revision) > since)
        .order_by(col(TrainingSample.id))
        .execution_options(yield_per=_ROWS)
    )
    rows = ((row.id, row) for row in session.execute(changed))  # type: ignore[deprecated]
    if since == EVERYTHING:
        return iter(rows)
    stays = exists().where(col(TrainingSample.id) == DeletedSample.sample_id)
    deleted = (
        select(DeletedSample.sample_id)
        .where(DeletedSample.dataset_id == dataset_id, DeletedSample.revision > since, ~stays)
        .order_by(col(DeletedSample.sample_id))
        .execution_options(yield_per=_ROWS)
    )
    gone = ((sample_id, None) for sample_id in session.exec(deleted))
    return heapq.merge(rows, gone, key=lambda pair: pair[0])
