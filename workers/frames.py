"""What the media queue runs for videos: cutting one into frames, a batch of pictures at a time.

No transaction is open while the video is read. A worker that is lost begins the cut anew: frames that it registered are
known then, and are not added twice.
"""

import logging
from collections.abc import Iterator
from io import BytesIO
from itertools import islice
from pathlib import Path
from uuid import UUID

from PIL import Image

from app.domain.permissions import SystemActor
from app.errors import DomainError, Unavailable
from app.infra.db import transaction
from app.infra.object_store import ObjectStore, get_object_store
from app.logs import working_on
from app.services import frame_cuts, sample_uploads, videos
from app.services.files import ReceivedFile
from app.services.frame_cuts import BATCH, Ticket
from app.services.sample_uploads import Terms
from app.services.video_uploads import local_copy

log = logging.getLogger(__name__)

MEDIA = SystemActor("media")
QUALITY = 92


def cut_frames(cut_id: str) -> str:
    """Cut one video; returns what came of it, for the worker's log."""
    with working_on(cut_id=cut_id):
        with transaction() as session:
            ticket = frame_cuts.begin(session, MEDIA, UUID(cut_id))
        if ticket is None:
            return "nothing to cut"
        error = None
        try:
            _cut(ticket, get_object_store())
        except Unavailable:
            raise  # the reconciler asks again
        except DomainError as fault:
            error = fault.message
        with transaction() as session:
            frame_cuts.finish(session, MEDIA, ticket.cut_id, error)
        log.info("cut is over: %s", error or "completed")
        return error or "completed"


def _cut(ticket: Ticket, store: ObjectStore) -> None:
    with local_copy(store.key(ticket.file_url), store) as path:
        for batch in _batches(_pictures(ticket, path)):
            frames = [(at, _filed(ticket, at, picture, store)) for at, picture in batch]
            with transaction() as session:
                if not frame_cuts.add(session, MEDIA, ticket.cut_id, frames, frames[-1][0]):
                    return


def _batches(pictures: Iterator[tuple[int, bytes]]) -> Iterator[list[tuple[int, bytes]]]:
    while batch := list(islice(pictures, BATCH)):
        yield batch


def _pictures(ticket: Ticket, path: Path) -> Iterator[tuple[int, bytes]]:
    found = videos.pictures(
        path, "video", every_ms=ticket.every_ms, scene_change=ticket.scene_change, limit=ticket.most
    )
    for at, picture in found:
        yield at, _encoded(picture)


def _encoded(picture: Image.Image) -> bytes:
    """As JPEG; the same picture gives the same bytes."""
    out = BytesIO()
    picture.convert("RGB").save(out, "JPEG", quality=QUALITY, subsampling=0)
    return out.getvalue()


def _filed(ticket: Ticket, at: int, data: bytes, store: ObjectStore) -> ReceivedFile:
    terms = Terms(ticket.keeps_location)
    return sample_uploads.file_image(ticket.dataset_id, data, f"frame at {at} ms", store, terms)
