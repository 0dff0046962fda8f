"""Cutting a video into frames: the request, and each step of the worker that serves it.

A frame is its content: pictures that the dataset holds already are counted as known and not added again, so a request
may be repeated, and a worker that was lost begins anew. A cut ends completed, failed or cancelled, once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

from sqlmodel import Session, col, select

from app.domain.permissions import Actor, Permission, PersonActor, require
from app.errors import Conflict, Invalid, NotFound
from app.infra.db import after_commit
from app.infra.queue import enqueue_frames
from app.schemas.videos import FrameCutCreate, FrameCutView
from app.services import audit, dataset_changes, sample_labels, sample_uploads, thumbnails, usage
from app.services.access import fetch, fetch_sample, open_dataset
from app.services.files import ReceivedFile
from app.services.video_uploads import frame_moment
from app.tables import FrameCut, TrainingDataset, TrainingSample
from app.tables.base import utcnow

LOST_AFTER = timedelta(seconds=90)
MOST_ATTEMPTS = 3
BATCH = 20


@dataclass(frozen=True)
class Ticket:
    """What the worker needs."""

    cut_id: UUID
    dataset_id: UUID
    file_url: str
    every_ms: int | None
    scene_change: float | None
    most: int
    keeps_location: bool


def create(session: Session, actor: Actor, dataset_id: UUID, video_id: UUID, request: FrameCutCreate) -> FrameCutView:
    """Ask for the frames of a video; a worker cuts them."""
    require(actor, Permission.DATASETS_WRITE)
    assert isinstance(actor, PersonActor)
    dataset = open_dataset(session, actor, dataset_id, lock=True)
    video = fetch_sample(session, dataset, video_id)
    if video.file_type != "video":
        raise Invalid("This sample is an image; only a video has frames.", field="sample_id")
    if video.withdrawn_at is not None:
        raise Conflict("This video was withdrawn, so no frames are taken from it.")
    open_ones = select(FrameCut.id).where(FrameCut.video_id == video_id, col(FrameCut.finished_at).is_(None))
    if session.exec(open_ones.limit(1)).first() is not None:
        raise Conflict("This video is being cut already. Wait until that is done, or cancel it.")
    row = FrameCut(
        dataset_id=dataset_id,
        video_id=video_id,
        every_ms=request.every_ms,
        scene_change=request.scene_change,
        most=request.limit,
        created_by=actor.user_id,
    )
    session.add(row)
    session.flush()
    owner, after = dataset.organization_id, request.model_dump(mode="json", exclude_none=True)
    audit.record(session, actor, "video.cut", video, after=after, organization_id=owner)
    after_commit(session, lambda: enqueue_frames(row.id))
    return _view(row)


def latest(session: Session, actor: Actor, dataset_id: UUID, video_id: UUID) -> list[FrameCutView]:
    """The last ten cuts of a video, the newest first."""
    require(actor, Permission.DATASETS_READ)
    dataset = fetch(session, TrainingDataset, dataset_id, actor, "dataset")
    fetch_sample(session, dataset, video_id)
    query = select(FrameCut).where(FrameCut.video_id == video_id)
    newest = (col(FrameCut.created_at).desc(), col(FrameCut.id).desc())
    return [_view(row) for row in session.exec(query.order_by(*newest).limit(10))]


def cancel(session: Session, actor: Actor, dataset_id: UUID, video_id: UUID, cut_id: UUID) -> FrameCutView:
    """Stop a cut; frames that were made stay."""
    require(actor, Permission.DATASETS_WRITE)
    dataset = fetch(session, TrainingDataset, dataset_id, actor, "dataset")
    video = fetch_sample(session, dataset, video_id)
    row = session.get(FrameCut, cut_id, with_for_update=True)
    if row is None or row.video_id != video_id:
        raise NotFound(f"There is no cut {cut_id} of this video.")
    if row.finished_at is None:
        row.cancelled_at = row.finished_at = utcnow()
        session.add(row)
        audit.record(session, actor, "video.cancel_cut", video, organization_id=dataset.organization_id)
        dataset_changes.changed(session, dataset)
    return _view(row)


def begin(session: Session, actor: Actor, cut_id: UUID) -> Ticket | None:
    """Take a cut up; None if it is over. After too many lost workers it fails."""
    require(actor, Permission.DATASETS_WRITE)
    row = session.get(FrameCut, cut_id, with_for_update=True)
    if row is None or row.finished_at is not None:
        return None
    if row.attempts >= MOST_ATTEMPTS:
        _end(session, actor, row, f"The worker was lost {row.attempts} times. See its log.")
        return None
    row.attempts += 1
    row.made = row.known = row.at_ms = 0
    row.heartbeat_at = utcnow()
    session.add(row)
    video = session.get_one(TrainingSample, row.video_id)
    dataset = session.get_one(TrainingDataset, row.dataset_id)
    return Ticket(
        row.id, row.dataset_id, video.file_url, row.every_ms, row.scene_change, row.most, dataset.keeps_location
    )


def add(session: Session, actor: Actor, cut_id: UUID, frames: Sequence[tuple[int, ReceivedFile]], at_ms: int) -> bool:
    """Register some frames, and say how far the cut is; False if it was cancelled and nothing is registered."""
    require(actor, Permission.DATASETS_WRITE)
    row = session.get_one(FrameCut, cut_id)
    dataset = open_dataset(session, actor, row.dataset_id, lock=True)
    session.refresh(row, with_for_update=True)
    if row.finished_at is not None:
        return False
    video = session.get_one(TrainingSample, row.video_id)
    known = sample_uploads.known_digests(session, dataset.id, (file.sha256 for _, file in frames))
    fresh = {file.sha256: (at, file) for at, file in reversed(frames) if file.sha256 not in known}
    usage.check_new_files(session, dataset.organization_id, (file.file_size for _, file in fresh.values()))
    new = [_frame(video, at, file) for at, file in reversed(fresh.values())]
    if new:
        sample_uploads.add_rows(session, dataset, new)
        sample_labels.touch(session, dataset)
        after = {"count": len(new), "video_id": str(video.id), "sample_ids": [str(frame.id) for frame in new]}
        audit.record(session, actor, "sample.create", dataset, after=after)
        thumbnails.ask(session, dataset.id)
    row.made, row.known = row.made + len(new), row.known + len(frames) - len(new)
    row.at_ms, row.heartbeat_at = at_ms, utcnow()
    session.add(row)
    return True


def finish(session: Session, actor: Actor, cut_id: UUID, error: str | None = None) -> None:
    """The video was read to its end, or `error` says why not."""
    require(actor, Permission.DATASETS_WRITE)
    row = session.get(FrameCut, cut_id, with_for_update=True)
    if row is not None and row.finished_at is None:
        _end(session, actor, row, error)


def enqueue_lost(session: Session, actor: Actor) -> int:
    """Hand out the cuts that nobody works on any more; returns how many."""
    require(actor, Permission.DATASETS_READ)
    before = utcnow() - LOST_AFTER
    query = select(FrameCut).where(col(FrameCut.finished_at).is_(None)).order_by(col(FrameCut.created_at)).limit(50)
    lost = [row.id for row in session.exec(query) if (row.heartbeat_at or row.created_at) < before]
    for cut_id in lost:
        after_commit(session, partial(enqueue_frames, cut_id))
    return len(lost)


def _frame(video: TrainingSample, at_ms: int, file: ReceivedFile) -> TrainingSample:
    return TrainingSample(
        dataset_id=video.dataset_id,
        **file.columns(),
        video_id=video.id,
        frame_ms=at_ms,
        source_camera_id=video.source_camera_id,
        captured_at=frame_moment(video, at_ms),
        extra={},
    )


def _end(session: Session, actor: Actor, row: FrameCut, error: str | None) -> None:
    row.error, row.finished_at = error, utcnow()
    session.add(row)
    dataset = session.get_one(TrainingDataset, row.dataset_id)
    after = {"made": row.made, "known": row.known, "error": error}
    audit.record(session, actor, "video.cut_over", row, after=after, organization_id=dataset.organization_id)
    dataset_changes.changed(session, dataset)


def _view(row: FrameCut) -> FrameCutView:
    if row.finished_at is None:
        status = "queued" if row.heartbeat_at is None else "running"
    else:
        status = "cancelled" if row.cancelled_at else "failed" if row.error else "completed"
    return FrameCutView.model_validate({**row.model_dump(), "status": status})
