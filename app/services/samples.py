"""Samples: list, label, delete. Counts of the dataset change under its row's lock, with the sample."""

from uuid import UUID

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.domain.permissions import Actor, Permission, PersonActor, require
from app.errors import Conflict
from app.infra.object_store import ObjectStore
from app.schemas.base import Page
from app.schemas.samples import (
    SampleDetail,
    SampleFilter,
    SampleUpdate,
    SampleView,
)
from app.services import (
    audit,
    dataset_chunks,
    etags,
    near_duplicates,
    opinions,
    sample_filters,
    sample_labels,
    sample_leases,
)
from app.services.access import fetch, fetch_sample, open_dataset
from app.services.etags import IfMatch
from app.services.files import CONTENT_TYPES
from app.services.paging import paged
from app.tables import TrainingDataset, TrainingSample


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


def ids(session: Session, actor: Actor, dataset_id: UUID, wanted: SampleFilter, limit: int) -> list[UUID]:
    """The first samples that fit, at most `limit`, by id."""
    require(actor, Permission.DATASETS_READ)
    dataset = fetch(session, TrainingDataset, dataset_id, actor, "dataset")
    keys = select(TrainingSample.id).where(*sample_filters.conditions(dataset, wanted))
    newest = (col(TrainingSample.created_at).desc(), col(TrainingSample.id).desc())
    return list(session.exec(keys.order_by(*newest).limit(limit)))


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
    """Remove a sample; returns the URLs of its files that no version of the dataset needs."""
    require(actor, Permission.DATASETS_WRITE)
    dataset = open_dataset(session, actor, dataset_id, lock=True)
    row = fetch_sample(session, dataset, sample_id)
    _refuse_with_frames(session, row)
    dataset.sample_count -= 1
    dataset.size_bytes -= row.file_size
    dataset.labeled_count -= int(row.is_labeled)
    dataset.verified_count -= int(row.is_verified)
    session.delete(row)
    sample_labels.touch(session, dataset)
    near_duplicates.leave(session, dataset.id, row.near_group)
    before = {"sha256": row.sha256, "file_url": row.file_url, **sample_labels.agreed(row)}
    audit.record(session, actor, "sample.delete", row, before=before, organization_id=dataset.organization_id)
    urls = list(filter(None, {row.file_url, row.thumbnail_url}))
    kept = dataset_chunks.needed(session, dataset.id, urls)
    return [url for url in urls if url not in kept]


def _refuse_with_frames(session: Session, row: TrainingSample) -> None:
    frame = select(TrainingSample.id).where(TrainingSample.video_id == row.id).limit(1)
    if row.file_type == "video" and session.exec(frame).first() is not None:
        raise Conflict("Frames of this video are samples of the dataset. Delete them first, or withdraw the video.")


def detail(row: TrainingSample, store: ObjectStore) -> SampleDetail:
    """A sample as it is shown, with a URL of its file that expires."""
    item = SampleView.model_validate(row)
    small = signed_url(row.thumbnail_url, store) if row.thumbnail_url else None
    url = small if small and row.thumbnail_url == row.file_url else signed_url(row.file_url, store)
    return SampleDetail.model_construct(**item.__dict__, url=url, thumbnail=small, etag=etags.etag(item))


def signed_url(url: str, store: ObjectStore) -> str:
    """A URL that shows a stored file for an hour; the same one for minutes, so that a browser can keep the file."""
    kind = CONTENT_TYPES.get(url.rpartition(".")[2])
    return store.presigned_get(store.key(url), 3600, content_type=kind, steady_seconds=900)
