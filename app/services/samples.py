"""Samples: upload, register, label, verify. Counts of the dataset change under its row's lock, with the sample."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from uuid import UUID, uuid4

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.domain.permissions import Actor, Permission, PersonActor, require
from app.errors import Conflict, Invalid, NotFound, Unavailable
from app.infra.object_store import ObjectStore
from app.schemas.base import Page
from app.schemas.samples import (
    MAX_FILE_BYTES,
    SampleCreate,
    SampleDetail,
    SampleFilter,
    SamplesCreate,
    SamplesCreated,
    SampleUpdate,
    SampleView,
    UploadRequest,
    UploadSlot,
    UploadSlots,
)
from app.services import audit, etags, opinions, sample_filters, sample_labels, sample_leases, thumbnails, usage
from app.services.access import fetch, fetch_sample, open_dataset
from app.services.etags import IfMatch
from app.services.files import CONTENT_TYPES, ReceivedFile, inspect_image
from app.services.paging import paged
from app.tables import TrainingDataset, TrainingSample

UPLOAD_SECONDS = 900


def open_uploads(
    session: Session, actor: Actor, dataset_id: UUID, request: UploadRequest, store: ObjectStore
) -> UploadSlots:
    """Signed URLs to put files to, straight into the store."""
    require(actor, Permission.DATASETS_WRITE)
    dataset = open_dataset(session, actor, dataset_id)
    usage.check_room(session, dataset.organization_id)
    # A folder of its own for each call: the embedded store removes folders that became empty a moment later, and a file
    # on its way into such a folder would be lost.
    folder = f"uploads/{dataset_id}/{uuid4()}"
    keys = [f"{folder}/{number}" for number in range(request.count)]
    slots = [
        UploadSlot(upload_key=key, url=store.presigned_put(key, UPLOAD_SECONDS), expires_in_seconds=UPLOAD_SECONDS)
        for key in keys
    ]
    audit.record(session, actor, "sample.open_uploads", dataset, after={"count": request.count, "folder": folder})
    return UploadSlots(slots=slots)


def may_create(session: Session, actor: Actor, dataset_id: UUID) -> None:
    """Refuse early, before any file is moved."""
    require(actor, Permission.DATASETS_WRITE)
    usage.check_room(session, open_dataset(session, actor, dataset_id).organization_id)


def receive(dataset_id: UUID, request: SamplesCreate, store: ObjectStore) -> list[ReceivedFile]:
    """Check what really arrived and file it under its digest. Opens no transaction: files move here.

    Call `may_create` first. What is filed here and not registered afterwards is harmless: a key is its content.
    """
    names = [sample.upload_key for sample in request.samples]
    if len(set(names)) != len(names):
        raise Invalid("The same upload_key stands twice in this request.")
    for name in names:
        if not name.startswith(f"uploads/{dataset_id}/"):
            raise Invalid(f"{name} was not opened for dataset {dataset_id}.")
    with ThreadPoolExecutor(max_workers=8, thread_name_prefix="receive") as pool:
        return list(pool.map(lambda sample: _receive_one(dataset_id, sample, store), request.samples))


def forget_uploads(request: SamplesCreate, store: ObjectStore) -> None:
    """Remove what was uploaded once it is registered, and not before, so that a refused batch can be sent again."""
    with suppress(Unavailable):  # what stays is never read again
        store.delete(*(sample.upload_key for sample in request.samples))


def _receive_one(dataset_id: UUID, sample: SampleCreate, store: ObjectStore) -> ReceivedFile:
    try:
        data = store.get_bytes(sample.upload_key, MAX_FILE_BYTES)
    except NotFound:
        raise Invalid(f"{sample.upload_key}: nothing was uploaded there. PUT the file to its URL first.") from None
    found = inspect_image(data, sample.upload_key)
    if sample.sha256 is not None and sample.sha256 != found.sha256:
        raise Invalid(
            f"{sample.upload_key}: what arrived has sha256 {found.sha256}, not {sample.sha256}. Upload it again."
        )
    key = f"datasets/{dataset_id}/{found.sha256}.{found.suffix}"
    store.put_bytes(key, data, CONTENT_TYPES[found.suffix])
    return ReceivedFile(store.url(key), len(data), found.sha256, found.width, found.height)


def create(
    session: Session, actor: Actor, dataset_id: UUID, request: SamplesCreate, files: Sequence[ReceivedFile]
) -> SamplesCreated:
    """Register received files as samples, labelled where the request says so."""
    require(actor, Permission.DATASETS_WRITE)
    assert isinstance(actor, PersonActor)
    dataset = open_dataset(session, actor, dataset_id, lock=True)
    _refuse_duplicates(session, dataset, files)
    usage.check_new_files(session, dataset.organization_id, (file.file_size for file in files))
    rows = []
    for wanted, file in zip(request.samples, files, strict=True):
        row = TrainingSample(
            dataset_id=dataset_id,
            **vars(file),
            source_camera_id=wanted.source_camera_id,
            captured_at=wanted.captured_at,
            extra=dict(wanted.metadata),
        )
        dataset.sample_count += 1
        dataset.size_bytes += file.file_size
        rows.append(row)
    session.add_all(rows)
    session.flush()
    pairs = zip(rows, request.samples, strict=True)
    sample_labels.apply(session, actor, dataset, [(row, wanted) for row, wanted in pairs if wanted.says_something])
    sample_labels.touch(session, dataset)
    after = {"count": len(rows), "sample_ids": [str(row.id) for row in rows]}
    audit.record(session, actor, "sample.create", dataset, after=after)
    thumbnails.ask(session, dataset_id)
    views = [SampleView.model_validate(row) for row in rows]
    return SamplesCreated(items=opinions.shown_to(session, actor, dataset, views))


def list_samples(
    session: Session,
    actor: Actor,
    dataset_id: UUID,
    wanted: SampleFilter,
    store: ObjectStore,
    cursor: str | None = None,
    limit: int = 50,
    position: int | None = None,
) -> Page[SampleDetail]:
    """One page of a dataset's samples that fit, each with a URL that shows it for a while.

    The page begins after `cursor`, or with `position` samples before it: so a gallery jumps to where it was scrolled.
    """
    require(actor, Permission.DATASETS_READ)
    dataset = fetch(session, TrainingDataset, dataset_id, actor, "dataset")
    page = paged(
        session,
        matching(dataset, wanted),
        TrainingSample,
        lambda row: detail(row, store),
        wanted,
        cursor,
        limit,
        scope=dataset_id,
        position=position,
        known_total=sample_filters.known_total(dataset, wanted),
    )
    return page.model_copy(update={"items": opinions.shown_to(session, actor, dataset, page.items)})


def matching(dataset: TrainingDataset, wanted: SampleFilter) -> SelectOfScalar[TrainingSample]:
    """The samples of a dataset that fit, in no order."""
    return select(TrainingSample).where(*sample_filters.conditions(dataset, wanted))


def class_counts(session: Session, actor: Actor, dataset_id: UUID) -> dict[str, int]:
    """How often each class of the dataset's schema is named, in the schema's order; 0 where it never is.

    Samples are counted, and boxes where the label is boxes.
    """
    require(actor, Permission.DATASETS_READ)
    dataset = fetch(session, TrainingDataset, dataset_id, actor, "dataset")
    found = sample_labels.count_by_class(session, dataset)
    return {entry["name"]: found.get(entry["name"], 0) for entry in dataset.label_schema["classes"]}


def update(
    session: Session,
    actor: Actor,
    dataset_id: UUID,
    sample_id: UUID,
    request: SampleUpdate,
    if_match: IfMatch = None,
    lease: str | None = None,
) -> SampleView:
    """Label a sample, or take its label away; a verified label that changes is no longer verified.

    `lease` is the token of the caller's lease, if they hold one. While another person holds one it is refused.
    """
    require(actor, Permission.DATASETS_WRITE)
    assert isinstance(actor, PersonActor)
    dataset = open_dataset(session, actor, dataset_id, lock=True)
    row = fetch_sample(session, dataset, sample_id)
    present = opinions.shown(session, actor, dataset, row)
    collects = present.opinions is not None and present.opinions.state == opinions.COLLECTING
    sample_leases.check(session, actor, row.id, sample_leases.slot_of(actor, collects=collects), lease)
    etags.check(present, if_match)
    # What is said of a sample that collects opinions is in no log: it would tell the others.
    action, before = "sample.opinion" if collects else "sample.label", sample_labels.agreed(row)
    if request.says_something:
        sample_labels.apply(session, actor, dataset, [(row, request)])
    else:
        sample_labels.clear(session, actor, dataset, row)
    sample_labels.touch(session, dataset)
    owner = dataset.organization_id
    audit.record(session, actor, action, row, before=before, after=sample_labels.agreed(row), organization_id=owner)
    return opinions.shown(session, actor, dataset, row)


def delete(session: Session, actor: Actor, dataset_id: UUID, sample_id: UUID) -> list[str]:
    """Remove a sample; returns the URLs of its files, or none if a frozen version of the dataset may need them."""
    require(actor, Permission.DATASETS_WRITE)
    dataset = open_dataset(session, actor, dataset_id, lock=True)
    row = fetch_sample(session, dataset, sample_id)
    dataset.sample_count -= 1
    dataset.size_bytes -= row.file_size
    dataset.labeled_count -= int(row.is_labeled)
    dataset.verified_count -= int(row.is_verified)
    session.delete(row)
    sample_labels.touch(session, dataset)
    before = {"sha256": row.sha256, "file_url": row.file_url, **sample_labels.agreed(row)}
    audit.record(session, actor, "sample.delete", row, before=before, organization_id=dataset.organization_id)
    if sample_labels.in_frozen_version(session, dataset.id):
        return []
    return list(filter(None, {row.file_url, row.thumbnail_url}))


def _refuse_duplicates(session: Session, dataset: TrainingDataset, files: Sequence[ReceivedFile]) -> None:
    digests = [file.sha256 for file in files]
    repeated = next((d for i, d in enumerate(digests) if d in digests[:i]), None)
    if repeated is not None:
        raise Conflict(f"Two files of this request have the same content (sha256 {repeated}).", sha256=repeated)
    known = session.exec(
        select(TrainingSample.sha256).where(
            TrainingSample.dataset_id == dataset.id, col(TrainingSample.sha256).in_(digests)
        )
    ).first()
    if known is not None:
        raise Conflict(f"A sample with the content sha256 {known} is in {dataset.name!r} already.", sha256=known)


def detail(row: TrainingSample, store: ObjectStore) -> SampleDetail:
    """A sample as it is shown, with a URL of its file that expires."""
    item = SampleView.model_validate(row)
    small = signed_url(row.thumbnail_url, store) if row.thumbnail_url else None
    url = small if small and row.thumbnail_url == row.file_url else signed_url(row.file_url, store)
    return SampleDetail.model_construct(**dict(item), url=url, thumbnail=small, etag=etags.etag(item))


def signed_url(url: str, store: ObjectStore) -> str:
    """A URL that shows a stored file for an hour; the same one for minutes, so that a browser can keep the file."""
    kind = CONTENT_TYPES.get(url.rpartition(".")[2])
    return store.presigned_get(store.key(url), 3600, content_type=kind, steady_seconds=900)
