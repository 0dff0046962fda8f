"""How a video becomes a sample: `receive` checks and files it, without a transaction; `create` makes the row."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlmodel import Session

from app.domain.permissions import Actor, Permission, PersonActor, require
from app.errors import Conflict, Invalid, NotFound, TooLarge, Unavailable
from app.infra.object_store import ObjectStore
from app.schemas.samples import SampleView
from app.schemas.videos import VideoCreate
from app.services import audit, sample_labels, sample_uploads, thumbnails, usage
from app.services.access import open_dataset
from app.services.video_places import without_place
from app.services.videos import CONTENT_TYPES, MAX_VIDEO_BYTES, VideoFacts, inspect_video
from app.tables import TrainingSample


def receive(
    dataset_id: UUID, request: VideoCreate, store: ObjectStore, terms: sample_uploads.Terms
) -> tuple[str, VideoFacts]:
    """The URL under which the checked file lies now, and what it is. `sample_uploads.may_create` gives the terms."""
    name = request.upload_key
    if not name.startswith(f"uploads/{dataset_id}/"):
        raise Invalid(f"{name} was not opened for dataset {dataset_id}.")
    try:
        size = store.stat(name).size
    except NotFound:
        raise Invalid(f"{name}: nothing was uploaded there. PUT the file to its URL first.") from None
    if size > MAX_VIDEO_BYTES:
        raise TooLarge(f"{name}: {size:,} bytes are more than the {MAX_VIDEO_BYTES:,} allowed for a video. Cut it.")
    with local_copy(name, store) as path:
        found = inspect_video(path, name)
        if request.sha256 not in (None, found.sha256):
            raise Invalid(f"{name}: what arrived has sha256 {found.sha256}, not {request.sha256}. Upload it again.")
        if not terms.keeps_location:
            path, found = without_place(path, name, found)
        key = f"datasets/{dataset_id}/{found.sha256}.{found.suffix}"
        store.put_file(key, path, CONTENT_TYPES[found.suffix])
    return store.url(key), found


def create(
    session: Session, actor: Actor, dataset_id: UUID, request: VideoCreate, url: str, found: VideoFacts
) -> SampleView:
    """Register a received video as a sample of its own: it may be labelled, and be cut into frames."""
    require(actor, Permission.DATASETS_WRITE)
    assert isinstance(actor, PersonActor)
    dataset = open_dataset(session, actor, dataset_id, lock=True)
    arrived = found.original_sha256 or found.sha256
    if sample_uploads.known_digests(session, dataset.id, {arrived, found.sha256}):
        raise Conflict(f"A sample with the content sha256 {arrived} is in {dataset.name!r} already.", sha256=arrived)
    usage.check_new_files(session, dataset.organization_id, [found.size])
    row = TrainingSample(
        dataset_id=dataset_id,
        file_url=url,
        file_type="video",
        file_size=found.size,
        sha256=found.sha256,
        width=found.width,
        height=found.height,
        duration_ms=found.duration_ms,
        source_camera_id=request.source_camera_id,
        captured_at=request.captured_at or found.recorded_at,
        extra={**request.metadata, **found.facts()},
    )
    sample_uploads.add_rows(session, dataset, [row])
    sample_labels.touch(session, dataset)
    audit.record(session, actor, "sample.create", dataset, after={"count": 1, "sample_ids": [str(row.id)]})
    thumbnails.ask(session, dataset_id)
    return SampleView.model_validate(row)


def forget_upload(request: VideoCreate, store: ObjectStore) -> None:
    """Remove what was uploaded once it is registered."""
    with suppress(Unavailable):  # what stays is never read again
        store.delete(request.upload_key)


@contextmanager
def local_copy(key: str, store: ObjectStore) -> Iterator[Path]:
    """A stored file on this machine's disk, until the block ends."""
    with tempfile.TemporaryDirectory(prefix="trainyard-video-") as folder:
        path = Path(folder) / "video"
        store.get_to_file(key, path)
        yield path


def frame_moment(video: TrainingSample, at_ms: int) -> datetime | None:
    """When a frame was captured: as long after its video began as it is in it."""
    return None if video.captured_at is None else video.captured_at + timedelta(milliseconds=at_ms)
