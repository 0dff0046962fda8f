"""Places in the store for files on their way in, and removing what nobody registered.

A browser puts files straight into the store by signed URLs. A small file is one PUT; a large one is put in parts that
can be put again one by one, and completed. Each call gets a folder of its own, remembered in `upload_folders`: a day
later whatever still lies there is removed.
"""

from contextlib import suppress
from datetime import timedelta
from functools import partial
from uuid import UUID, uuid4

from sqlmodel import Session, col, select

from app.domain.permissions import Actor, Permission, require
from app.errors import Invalid, NotFound
from app.infra.db import after_commit
from app.infra.object_store import ObjectStore
from app.schemas.uploads import (
    MAX_PARTS,
    MULTIPART_FROM,
    UploadCompleted,
    UploadCompletion,
    UploadPart,
    UploadRequest,
    UploadSlot,
    UploadSlots,
)
from app.services import audit, usage
from app.services.access import open_dataset
from app.tables import UploadFolder
from app.tables.base import utcnow

UPLOAD_SECONDS = 900
KEPT = timedelta(days=1)
PART_BYTES = 16 * 2**20
# So many folders are removed in a round; each has up to 500 places.
BATCH = 20


def open_uploads(
    session: Session, actor: Actor, dataset_id: UUID, request: UploadRequest, store: ObjectStore
) -> UploadSlots:
    """Signed URLs to put files to, straight into the store."""
    require(actor, Permission.DATASETS_WRITE)
    dataset = open_dataset(session, actor, dataset_id)
    if request.size is None:
        usage.check_room(session, dataset.organization_id)
    else:
        usage.check_new_files(session, dataset.organization_id, [request.size])
    # A folder of its own for each call, and something in it that stays: the embedded store removes a folder whose last
    # file was registered, and answers with an error to a file that is on its way into it.
    folder = UploadFolder(id=uuid4(), dataset_id=dataset_id, slots=request.count)
    after_commit(session, partial(store.put_bytes, _stays(folder), b""))
    if request.size is not None and request.size >= MULTIPART_FROM:
        slots = [_in_parts(folder, request.size, store)]
    else:
        slots = [_in_one(key, store) for key in _keys(folder)]
    session.add(folder)
    after = {"count": request.count, "size": request.size, "folder": _path(folder)}
    audit.record(session, actor, "sample.open_uploads", dataset, after=after)
    return UploadSlots(slots=slots)


def may_complete(session: Session, actor: Actor, dataset_id: UUID, request: UploadCompletion) -> None:
    """Refuse what was not opened for this dataset, before the store is asked."""
    require(actor, Permission.DATASETS_WRITE)
    open_dataset(session, actor, dataset_id)
    _, owner, folder_id, _ = request.upload_key.split("/")
    folder = session.get(UploadFolder, UUID(folder_id)) if owner == str(dataset_id) else None
    if folder is None or folder.multipart_id != request.multipart_id:
        raise Invalid(f"{request.upload_key} was not opened in parts for dataset {dataset_id}.", field="upload_key")


def complete(request: UploadCompletion, store: ObjectStore) -> UploadCompleted:
    """Make the parts one file. Said again, because the first answer was lost, it says the same. No transaction."""
    parts = [(part.number, part.etag) for part in sorted(request.parts, key=lambda part: part.number)]
    if [number for number, _ in parts] != list(range(1, len(parts) + 1)):
        raise Invalid("The parts are numbered 1, 2, 3, … and each stands once.", field="parts")
    with suppress(NotFound):  # completed before, or never begun: what lies there says which
        store.complete_multipart(request.upload_key, request.multipart_id, parts)
    try:
        return UploadCompleted(upload_key=request.upload_key, size=store.stat(request.upload_key).size)
    except NotFound:
        raise Invalid(f"{request.upload_key}: its parts are no longer there. Upload the file again.") from None


def due(session: Session, actor: Actor) -> list[UploadFolder]:
    """Folders that were opened more than a day ago, the oldest first; a bounded number."""
    require(actor, Permission.DATASETS_WRITE)
    old = col(UploadFolder.opened_at) < utcnow() - KEPT
    return list(session.exec(select(UploadFolder).where(old).order_by(col(UploadFolder.opened_at)).limit(BATCH)))


def remove_files(folder: UploadFolder, store: ObjectStore) -> None:
    """Remove what lies in it, parts of unfinished uploads too. No transaction."""
    keys = _keys(folder)
    if folder.multipart_id is not None:
        store.abort_multipart(keys[0], folder.multipart_id)
    store.delete(*keys, _stays(folder))


def forget(session: Session, actor: Actor, folder_id: UUID) -> None:
    """The folder is empty for good."""
    require(actor, Permission.DATASETS_WRITE)
    if (folder := session.get(UploadFolder, folder_id)) is not None:
        session.delete(folder)


def _path(folder: UploadFolder) -> str:
    return f"uploads/{folder.dataset_id}/{folder.id}"


def _keys(folder: UploadFolder) -> list[str]:
    return [f"{_path(folder)}/{number}" for number in range(folder.slots)]


def _stays(folder: UploadFolder) -> str:
    return f"{_path(folder)}/open"


def _in_one(key: str, store: ObjectStore) -> UploadSlot:
    url = store.presigned_put(key, UPLOAD_SECONDS)
    return UploadSlot(upload_key=key, url=url, expires_in_seconds=UPLOAD_SECONDS)


def _in_parts(folder: UploadFolder, size: int, store: ObjectStore) -> UploadSlot:
    (key,) = _keys(folder)
    multipart_id = folder.multipart_id = store.open_multipart(key)
    each = max(PART_BYTES, -(-size // MAX_PARTS))
    seconds = int(KEPT.total_seconds())
    parts = [
        UploadPart(
            number=number,
            first=first,
            size=min(each, size - first),
            url=store.presigned_part(key, multipart_id, number, seconds),
        )
        for number, first in enumerate(range(0, size, each), start=1)
    ]
    return UploadSlot(upload_key=key, url=None, expires_in_seconds=seconds, multipart_id=multipart_id, parts=parts)
