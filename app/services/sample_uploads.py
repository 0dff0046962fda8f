"""How files become samples: places to put them, what really arrived, and the rows. The order of a batch is

1. `upload_folders.open_uploads`: signed URLs, straight into the store;
2. `may_create`: refuse early, before anything moves;
3. `receive`: read, check, clean and file each upload under its digest, without a transaction;
4. `create`: the rows, in one transaction, under the dataset's lock;
5. `forget_uploads`: remove the uploads. What nobody registers is removed after a day (`upload_folders`).
"""

import hashlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby, pairwise, repeat
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, or_, select

from app.domain.file_faults import Fault
from app.domain.labels import LabelValue
from app.domain.permissions import Actor, Permission, PersonActor, require
from app.errors import Conflict, Invalid, NotFound, TooLarge, Unavailable
from app.infra.object_store import ObjectStore
from app.schemas.samples import (
    MAX_FILE_BYTES,
    SampleCreate,
    SampleFacts,
    SampleLabel,
    SamplesCreate,
    SamplesCreated,
    SampleView,
)
from app.schemas.uploads import MAX_PACK_BYTES, SkippedUpload
from app.services import audit, near_duplicates, opinions, sample_labels, thumbnails, usage
from app.services.access import open_dataset
from app.services.files import CONTENT_TYPES, ReceivedFile, inspect_image
from app.tables import TrainingDataset, TrainingSample

# One pool for all requests: what is in memory at once does not grow with how many ask.
_POOL = ThreadPoolExecutor(max_workers=8, thread_name_prefix="receive")
Outcome = ReceivedFile | SkippedUpload


@dataclass(frozen=True)
class Terms:
    """How a dataset takes files."""

    keeps_location: bool = False


def may_create(session: Session, actor: Actor, dataset_id: UUID) -> Terms:
    """Refuse early, before any file is moved."""
    require(actor, Permission.DATASETS_WRITE)
    dataset = open_dataset(session, actor, dataset_id)
    usage.check_room(session, dataset.organization_id)
    return Terms(dataset.keeps_location)


def receive(dataset_id: UUID, request: SamplesCreate, store: ObjectStore, terms: Terms) -> list[Outcome]:
    """Check what really arrived and file it under its digest, in the request's order. Opens no transaction.

    Call `may_create` first. What is filed here and not registered afterwards is harmless: a key is its content.
    """
    _check_places(dataset_id, request.samples)

    def refused(sample: SampleCreate, error: Invalid | TooLarge) -> SkippedUpload:
        if request.on_fault == "refuse":
            raise error
        return _skipped(sample, error.fields.get("fault", Fault.TOO_LARGE), error.message)

    def one(sample: SampleCreate, pack: bytes | None = None) -> Outcome:
        try:
            data = _read(sample, MAX_FILE_BYTES, store) if pack is None else _unpacked(sample, pack)
            return _receive_one(dataset_id, sample, data, store, terms)
        except (Invalid, TooLarge) as error:
            return refused(sample, error)

    outcomes: list[Outcome] = []
    for packed, together in groupby(request.samples, lambda sample: sample.part and sample.upload_key):
        several = list(together)
        if packed is None:
            outcomes += _POOL.map(one, several)
            continue
        # One after the other: what is in memory does not grow with how many there are.
        try:
            outcomes += _POOL.map(one, several, repeat(_read(several[0], MAX_PACK_BYTES, store)))
        except (Invalid, TooLarge) as error:
            outcomes += [refused(sample, error) for sample in several]
    return outcomes


def _check_places(dataset_id: UUID, samples: Sequence[SampleCreate]) -> None:
    """No file is named twice, and what lies in one upload does not overlap."""
    for sample in samples:
        if not sample.upload_key.startswith(f"uploads/{dataset_id}/"):
            raise Invalid(f"{sample.upload_key} was not opened for dataset {dataset_id}.")
    in_order = sorted(samples, key=lambda sample: (sample.upload_key, sample.part.first if sample.part else -1))
    for one, other in pairwise(in_order):
        if one.upload_key != other.upload_key:
            continue
        if one.part is None or other.part is None:
            raise Invalid(f"The same upload_key stands twice in this request: {one.upload_key}.")
        if one.part.first + one.part.size > other.part.first:
            raise Invalid(f"{other.place}: it begins before the file in front of it ends.")


def forget_uploads(request: SamplesCreate, store: ObjectStore) -> None:
    """Remove what was uploaded once it is registered, and not before, so that a refused batch can be sent again."""
    with suppress(Unavailable):  # what stays is never read again
        store.delete(*dict.fromkeys(sample.upload_key for sample in request.samples))


def file_image(dataset_id: UUID, data: bytes, name: str, store: ObjectStore, terms: Terms) -> ReceivedFile:
    """Check and clean an image, and file it under its digest. Raises `Invalid` that names it by `name`."""
    found = inspect_image(data, name, keeps_location=terms.keeps_location)
    key = f"datasets/{dataset_id}/{found.sha256}.{found.suffix}"
    store.put_bytes(key, found.data, CONTENT_TYPES[found.suffix])
    return ReceivedFile(
        store.url(key),
        len(found.data),
        found.sha256,
        found.width,
        found.height,
        found.perceptual_hash,
        found.captured_at,
        found.original_sha256,
        found.changes,
    )


def _read(sample: SampleCreate, limit: int, store: ObjectStore) -> bytes:
    """All of an upload."""
    name = sample.upload_key
    try:
        return store.get_bytes(name, limit)
    except NotFound:
        raise Invalid(
            f"{name}: nothing was uploaded there. PUT the file to its URL first.", fault=Fault.MISSING.value
        ) from None


def _unpacked(sample: SampleCreate, pack: bytes) -> bytes:
    """The one file among those of an upload."""
    assert sample.part is not None
    first, size = sample.part.first, sample.part.size
    if first + size > len(pack):
        message = f"{sample.place}: the upload ends after {len(pack):,} bytes, before the file does."
        raise Invalid(message, fault=Fault.ALTERED.value)
    return pack[first : first + size]


def _receive_one(dataset_id: UUID, sample: SampleCreate, data: bytes, store: ObjectStore, terms: Terms) -> ReceivedFile:
    if sample.sha256 is not None:
        arrived = hashlib.sha256(data).hexdigest()
        if arrived != sample.sha256:
            message = f"{sample.place}: what arrived has sha256 {arrived}, not {sample.sha256}. Upload it again."
            raise Invalid(message, fault=Fault.ALTERED.value)
    return file_image(dataset_id, data, sample.place, store, terms)


def create(
    session: Session, actor: Actor, dataset_id: UUID, request: SamplesCreate, files: Sequence[Outcome]
) -> SamplesCreated:
    """Register received files as samples, labelled where the request says so."""
    require(actor, Permission.DATASETS_WRITE)
    assert isinstance(actor, PersonActor)
    dataset = open_dataset(session, actor, dataset_id, lock=True)
    received = _new_ones(session, dataset, request, files)
    skipped = [file for _, file in received if not isinstance(file, ReceivedFile)]
    taken = [(of, of if of.says_something else None, file) for of, file in received if isinstance(file, ReceivedFile)]
    rows = _add(session, actor, dataset, taken)
    views = [SampleView.model_validate(row) for row in rows]
    return SamplesCreated(items=opinions.shown_to(session, actor, dataset, views), skipped=skipped)


def create_filed(
    session: Session,
    actor: Actor,
    dataset_id: UUID,
    facts: Sequence[tuple[SampleFacts, LabelValue | None]],
    files: Sequence[ReceivedFile],
) -> None:
    """Register files that somebody else than a browser has filed (`file_image`), with what is known about each.

    All or none: raises `Conflict` if the content of one is in the dataset already.
    """
    require(actor, Permission.DATASETS_WRITE)
    assert isinstance(actor, PersonActor)
    dataset = open_dataset(session, actor, dataset_id, lock=True)
    if known := known_digests(session, dataset.id, _digests(files)):
        raise _known_already(dataset, next(iter(known)))
    _add(session, actor, dataset, [(of, label, file) for (of, label), file in zip(facts, files, strict=True)])


def _add(
    session: Session,
    actor: PersonActor,
    dataset: TrainingDataset,
    taken: Sequence[tuple[SampleFacts, SampleLabel | LabelValue | None, ReceivedFile]],
) -> list[TrainingSample]:
    """The rows of new files, labelled where there is a label."""
    usage.check_new_files(session, dataset.organization_id, (file.file_size for *_, file in taken))
    rows = [_row(dataset.id, facts, file) for facts, _, file in taken]
    add_rows(session, dataset, rows)
    labels = zip(rows, (label for _, label, _ in taken), strict=True)
    sample_labels.apply(session, actor, dataset, [(row, label) for row, label in labels if label is not None])
    sample_labels.touch(session, dataset)
    if rows:
        after: dict[str, Any] = {"count": len(rows), "sample_ids": [str(row.id) for row in rows]}
        audit.record(session, actor, "sample.create", dataset, after=after)
        thumbnails.ask(session, dataset.id)
    return rows


def add_rows(session: Session, dataset: TrainingDataset, rows: Sequence[TrainingSample]) -> None:
    """Put new samples into a dataset whose lock the caller holds: counts, size and near-duplicates follow."""
    near_duplicates.group(session, dataset.id, rows)
    dataset.sample_count += len(rows)
    dataset.size_bytes += sum(row.file_size for row in rows)
    session.add_all(rows)
    session.flush()


def known_digests(session: Session, dataset_id: UUID, digests: Iterable[str]) -> dict[str, UUID]:
    """Which of `digests` are a sample of the dataset already, or were one's file before it was changed; its id."""
    wanted = list(digests)
    original = col(TrainingSample.extra)["original_sha256"].as_string()  # type: ignore[index]
    found = session.exec(
        select(TrainingSample.id, TrainingSample.sha256, original)
        .where(TrainingSample.dataset_id == dataset_id)
        .where(or_(col(TrainingSample.sha256).in_(wanted), original.in_(wanted)))
    )
    return {digest: sample_id for sample_id, *digests_ in found for digest in digests_ if digest}


def _row(dataset_id: UUID, wanted: SampleFacts, file: ReceivedFile) -> TrainingSample:
    return TrainingSample(
        dataset_id=dataset_id,
        **file.columns(),
        source_camera_id=wanted.source_camera_id,
        captured_at=wanted.captured_at or file.captured_at,
        extra={**wanted.metadata, **file.facts()},
    )


def _new_ones(
    session: Session, dataset: TrainingDataset, request: SamplesCreate, files: Sequence[Outcome]
) -> list[tuple[SampleCreate, Outcome]]:
    """Each upload with its file, or why it is skipped: content that the dataset or the batch has already, too."""
    known = known_digests(session, dataset.id, _digests(file for file in files if isinstance(file, ReceivedFile)))
    seen: set[str] = set()
    outcomes: list[tuple[SampleCreate, Outcome]] = []
    for wanted, file in zip(request.samples, files, strict=True):
        outcome = file
        if isinstance(file, ReceivedFile):
            mine = list(_digests([file]))
            twice = next((digest for digest in mine if digest in known or digest in seen), None)
            if twice is not None:
                outcome = _duplicate(dataset, wanted, file, known.get(twice), refuse=request.on_fault == "refuse")
            seen.update(mine)
        outcomes.append((wanted, outcome))
    return outcomes


def _digests(files: Iterable[ReceivedFile]) -> Iterable[str]:
    for file in files:
        yield file.sha256
        if file.original_sha256 is not None:
            yield file.original_sha256


def _duplicate(
    dataset: TrainingDataset, wanted: SampleCreate, file: ReceivedFile, sample_id: UUID | None, *, refuse: bool
) -> SkippedUpload:
    digest = file.original_sha256 or file.sha256
    if sample_id is None:
        error = Conflict(f"Two files of this request have the same content (sha256 {digest}).", sha256=digest)
    else:
        error = _known_already(dataset, digest)
    if refuse:
        raise error
    return _skipped(wanted, Fault.DUPLICATE, error.message, sample_id)


def _known_already(dataset: TrainingDataset, digest: str) -> Conflict:
    return Conflict(f"A sample with the content sha256 {digest} is in {dataset.name!r} already.", sha256=digest)


def _skipped(sample: SampleCreate, code: str, message: str, sample_id: UUID | None = None) -> SkippedUpload:
    # Who reads the list sees the key beside the message.
    text = message.removeprefix(f"{sample.place}: ").removeprefix(f"{sample.upload_key}: ")
    first = sample.part.first if sample.part else None
    return SkippedUpload(upload_key=sample.upload_key, first=first, code=Fault(code), message=text, sample_id=sample_id)
