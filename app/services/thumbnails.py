"""Thumbnails: which samples still need one, and what a worker made of them.

`thumbnail_url` is NULL until a worker has looked at the sample, empty if no thumbnail can be made of its file, and
else where the thumbnail lies. A thumbnail is no change of its sample: neither `updated_at` nor the ETag follow it.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col, select

from app.domain.permissions import Actor, Permission, require
from app.infra.db import after_commit
from app.infra.queue import enqueue_thumbnails
from app.services import dataset_changes
from app.services.previews import SIDE
from app.tables import TrainingDataset, TrainingSample
from app.tables.base import utcnow

NONE = ""
BATCH = 100
# What is lost between a commit and the queue is found again after so long.
LOST_AFTER = timedelta(seconds=60)
# So many datasets are looked after in one round.
DATASETS = 20
# A picture that is small already is its own thumbnail, if every browser shows its kind.
OWN_BYTES = 32 * 1024
OWN_SUFFIXES = ("png", "jpg", "webp")


@dataclass(frozen=True)
class Wanted:
    """A sample without a thumbnail."""

    sample_id: UUID
    file_url: str
    sha256: str
    is_video: bool
    is_small: bool


def thumbnail_key(dataset_id: UUID, sha256: str) -> str:
    """Where in the store the thumbnail of a file lies."""
    return f"thumbnails/{dataset_id}/{sha256}.webp"


def ask(session: Session, dataset_id: UUID) -> None:
    """Let a worker make the thumbnails that `dataset_id` lacks, once this transaction is durable."""
    after_commit(session, lambda: enqueue_thumbnails(dataset_id))


def due(session: Session, actor: Actor, dataset_id: UUID) -> list[Wanted]:
    """The next samples of a dataset that need a thumbnail, oldest first; at most `BATCH`."""
    require(actor, Permission.DATASETS_READ)
    query = (
        select(TrainingSample)
        .where(TrainingSample.dataset_id == dataset_id, col(TrainingSample.thumbnail_url).is_(None))
        .order_by(col(TrainingSample.created_at))
        .limit(BATCH)
    )
    return [_wanted(row) for row in session.exec(query)]


def _wanted(row: TrainingSample) -> Wanted:
    small = 0 < max(row.width or 0, row.height or 0) <= SIDE and row.file_size <= OWN_BYTES
    is_own = small and row.file_url.rpartition(".")[2] in OWN_SUFFIXES
    return Wanted(row.id, row.file_url, row.sha256, row.file_type == "video", is_own)


def record(session: Session, actor: Actor, dataset_id: UUID, made: Sequence[tuple[UUID, str]]) -> set[UUID]:
    """Write where the thumbnails lie (`NONE`: none can be made); returns the samples that are still there."""
    require(actor, Permission.DATASETS_WRITE)
    kept = set()
    for sample_id, url in made:
        statement = update(TrainingSample).where(
            col(TrainingSample.id) == sample_id, col(TrainingSample.dataset_id) == dataset_id
        )
        done = session.execute(statement.values(thumbnail_url=url))  # type: ignore[deprecated]
        if done.rowcount:  # type: ignore[attr-defined]
            kept.add(sample_id)
    dataset = session.get(TrainingDataset, dataset_id)
    if kept and dataset is not None:
        dataset_changes.changed(session, dataset)
    return kept


def enqueue_lost(session: Session, actor: Actor, waiting: Set[UUID]) -> int:
    """Hand out the datasets whose samples wait for a thumbnail longer than they should; returns how many.

    `waiting` are those that the queue holds already.

    From one dataset to the next over the index of what waits, so that a large backlog of one costs no more than a
    small one.
    """
    require(actor, Permission.DATASETS_READ)
    before, found, last = utcnow() - LOST_AFTER, 0, UUID(int=0)
    lacks = col(TrainingSample.thumbnail_url).is_(None)
    for _ in range(DATASETS):
        following = select(TrainingSample.dataset_id).where(lacks, col(TrainingSample.dataset_id) > last)
        dataset_id = session.exec(following.order_by(col(TrainingSample.dataset_id)).limit(1)).first()
        if dataset_id is None:
            break
        last = dataset_id
        times = select(TrainingSample.created_at).where(lacks, TrainingSample.dataset_id == dataset_id)
        oldest = session.exec(times.order_by(col(TrainingSample.created_at)).limit(1)).one()
        if oldest < before and dataset_id not in waiting:
            ask(session, dataset_id)
            found += 1
    return found
