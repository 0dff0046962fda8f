"""What the media queue runs for galleries: the thumbnails that a dataset lacks.

The queue carries the dataset's id; which samples lack one is read from Postgres. Files are read and written while no
transaction is open. A file that no thumbnail can be made of is marked, once; one that ends the process again and again
(a decoder that crashes, memory) is marked too.
"""

import logging
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from app.domain.permissions import SystemActor
from app.errors import Invalid, NotFound, TooLarge, Unavailable
from app.infra import counters
from app.infra.db import transaction
from app.infra.object_store import ObjectStore, get_object_store
from app.infra.queue import enqueue_thumbnails
from app.logs import working_on
from app.schemas.samples import MAX_FILE_BYTES
from app.services import previews, thumbnails, videos
from app.services.thumbnails import BATCH, NONE, Wanted
from app.services.video_uploads import local_copy

log = logging.getLogger(__name__)

MEDIA = SystemActor("media")
PARALLEL = 4
# After so many batches others have their turn.
BATCHES = 50
TRIES, TRIES_SECONDS = 3, 24 * 3600


def make_thumbnails(dataset_id: str) -> int:
    """Make what is missing in a dataset; returns how many samples were looked at."""
    with working_on(dataset_id=dataset_id):
        seen = 0
        for _ in range(BATCHES):
            batch = make_batch(UUID(dataset_id), get_object_store())
            seen += batch
            if batch < BATCH:
                break
        else:
            enqueue_thumbnails(UUID(dataset_id))
        log.info("thumbnails of %d samples", seen)
        return seen


def make_batch(dataset_id: UUID, store: ObjectStore) -> int:
    """The next samples: read what is due, make it, write it down."""
    with transaction() as session:
        due = thumbnails.due(session, MEDIA, dataset_id)
    with ThreadPoolExecutor(PARALLEL, thread_name_prefix="thumbnail") as pool:
        made = list(pool.map(lambda wanted: (wanted.sample_id, _make(dataset_id, wanted, store)), due))
    with transaction() as session:
        kept = thumbnails.record(session, MEDIA, dataset_id, made)
    gone = [store.key(url) for wanted, (_, url) in zip(due, made, strict=True) if _is_lost(wanted, url, kept)]
    if gone:
        store.delete(*gone)
    return len(due)


def _is_lost(wanted: Wanted, url: str, kept: set[UUID]) -> bool:
    """True for a thumbnail whose sample was deleted while it was made."""
    return wanted.sample_id not in kept and url not in (NONE, wanted.file_url)


def _make(dataset_id: UUID, wanted: Wanted, store: ObjectStore) -> str:
    """Where the thumbnail lies. Raises `Unavailable` when the store is away: nothing is written down then."""
    if wanted.is_small:
        return wanted.file_url
    source = store.key(wanted.file_url)
    if source == wanted.file_url:
        log.info("sample %s has no thumbnail: its file lies in another store", wanted.sample_id)
        return NONE
    tries = f"thumbnail:{wanted.sample_id}"
    if counters.take([(tries, TRIES)], TRIES_SECONDS):
        log.warning("sample %s: given up after %d tries", wanted.sample_id, TRIES)
        return NONE
    try:
        picture = _picture(source, wanted, store)
        key = thumbnails.thumbnail_key(dataset_id, wanted.sha256)
        store.put_bytes(key, picture, previews.CONTENT_TYPE)
    except (Invalid, NotFound, TooLarge) as error:
        log.info("sample %s has no thumbnail: %s", wanted.sample_id, error.message)
        return NONE
    except Unavailable:
        counters.give_back([tries])  # that the store is away is no fault of the file
        raise
    counters.forget(tries)
    return store.url(key)


def _picture(source: str, wanted: Wanted, store: ObjectStore) -> bytes:
    if not wanted.is_video:
        return previews.of_image(store.get_bytes(source, MAX_FILE_BYTES))
    with local_copy(source, store) as path:
        return videos.preview(path, "video")
