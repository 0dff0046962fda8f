"""Versions of datasets: list, show, read their samples, compare two. How they are made is in `version_commits`."""

from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from app.domain.dataset_trees import Record, bucket_of, changed_lines, lines_of, records_of
from app.domain.dataset_versions import Kind, kinds_between
from app.domain.permissions import Actor, Permission, permissions_of, require
from app.domain.semver import Version
from app.errors import Invalid, NotFound
from app.infra.object_store import ObjectStore
from app.schemas.base import PAGE_LIMIT, Page
from app.schemas.dataset_versions import (
    SampleChange,
    VersionDiff,
    VersionFilter,
    VersionSample,
    VersionSamples,
    VersionSummary,
    VersionView,
)
from app.services import dataset_chunks
from app.services.access import fetch
from app.services.dataset_chunks import chunks, tree_of
from app.services.files import CONTENT_TYPES
from app.services.filtering import equal
from app.services.paging import paged
from app.tables import DatasetVersion, TrainingDataset, User

_URL_SECONDS = 3600
# What a comparison shows of a sample.
_SHOWN = ("labels", "annotations", "split", "width", "height", "is_verified", "file_url")


def list_versions(
    session: Session,
    actor: Actor,
    dataset_id: UUID,
    wanted: VersionFilter,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[VersionSummary]:
    """One page of a dataset's versions."""
    require(actor, Permission.DATASETS_READ)
    fetch(session, TrainingDataset, dataset_id, actor, "dataset")
    query = select(DatasetVersion).where(DatasetVersion.dataset_id == dataset_id, *equal(DatasetVersion, wanted))
    return paged(
        session,
        query,
        DatasetVersion,
        lambda row: _summary(session, actor, row),
        wanted,
        cursor,
        limit,
        scope=dataset_id,
    )


def get(session: Session, actor: Actor, dataset_id: UUID, version: str) -> VersionView:
    """One version, by its number such as 1.2.0, or the newest as `latest`."""
    require(actor, Permission.DATASETS_READ)
    return view(session, actor, find(session, actor, dataset_id, version))


def find(session: Session, actor: Actor, dataset_id: UUID, version: str) -> DatasetVersion:
    """The row of a version that the actor may see."""
    require(actor, Permission.DATASETS_READ)
    dataset = fetch(session, TrainingDataset, dataset_id, actor, "dataset")
    query = select(DatasetVersion).where(DatasetVersion.dataset_id == dataset_id)
    if version == "latest":
        row = session.exec(query.order_by(col(DatasetVersion.number).desc()).limit(1)).first()
    else:
        row = session.exec(query.where(DatasetVersion.version == str(Version.parse(version)))).first()
    if row is None:
        raise NotFound(f"There is no version {version} of dataset {dataset.name!r}.")
    return row


def view(session: Session, actor: Actor, row: DatasetVersion) -> VersionView:
    """The version as callers see it."""
    require(actor, Permission.DATASETS_READ)
    return VersionView(**dict(_summary(session, actor, row)), label_schema=row.label_schema)


def _summary(session: Session, actor: Actor, row: DatasetVersion) -> VersionSummary:
    # Who has an account here is told to those who may see accounts.
    author = session.get_one(User, row.created_by) if Permission.USERS_READ in permissions_of(actor) else None
    known = {name: getattr(row, name) for name in VersionSummary.model_fields if name in DatasetVersion.model_fields}
    return VersionSummary(**known, has_samples=row.tree_sha256 is not None, created_by_name=author and author.name)


def records(session: Session, actor: Actor, dataset_id: UUID, version: str) -> Iterator[Record]:
    """Every sample of a version in the order of their ids, as it was frozen; for export. Flat in memory."""
    require(actor, Permission.DATASETS_READ)
    return dataset_chunks.records(session, find(session, actor, dataset_id, version))


def list_samples(
    session: Session,
    actor: Actor,
    dataset_id: UUID,
    version: str,
    store: ObjectStore,
    cursor: str | None = None,
    limit: int = 50,
) -> VersionSamples:
    """One page of a version's samples, in the order of their ids; the cursor is the last one's id."""
    require(actor, Permission.DATASETS_READ)
    row = find(session, actor, dataset_id, version)
    after = _after(cursor, limit)
    found: list[Record] = []
    for record in dataset_chunks.records(session, row, bucket_of(after) if after else 0):
        if after is None or UUID(record["id"]) > after:
            found.append(record)
        if len(found) > limit:
            break
    items = [VersionSample(**record, url=_url(store, record)) for record in found[:limit]]
    return VersionSamples(
        items=items, next_cursor=str(items[-1].id) if len(found) > limit else None, total=row.sample_count
    )


def diff(
    session: Session,
    actor: Actor,
    dataset_id: UUID,
    before: str,
    after: str,
    store: ObjectStore,
    kind: Kind | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> VersionDiff:
    """How `after` differs from `before`. The counts are of all samples, the items one page in the order of ids."""
    require(actor, Permission.DATASETS_READ)
    old, new = find(session, actor, dataset_id, before), find(session, actor, dataset_id, after)
    last, counts, more = _after(cursor, limit), Counter[str](), False
    items: list[SampleChange] = []
    for sample_id, was, now in changed_samples(session, old, new):
        kinds = kinds_between(was, now)
        counts.update(kinds)
        if (last is not None and sample_id <= last) or (kind is not None and kind not in kinds):
            continue
        if len(items) == limit:
            more = True
            continue
        items.append(_change(sample_id, kinds, was, now, store))
    return VersionDiff(
        before=old.version,
        after=new.version,
        counts=dict(counts),
        schema_changed=old.label_schema != new.label_schema,
        items=items,
        next_cursor=str(items[-1].sample_id) if more else None,
    )


def changed_samples(
    session: Session, old: DatasetVersion, new: DatasetVersion
) -> Iterator[tuple[UUID, Record | None, Record | None]]:
    """The samples that two versions differ in, before and after, in the order of ids; equal buckets are not read."""
    was, now = tree_of(session, old), tree_of(session, new)
    buckets = was.differing(now)
    pairs = zip(
        chunks(session, old.dataset_id, was, buckets), chunks(session, new.dataset_id, now, buckets), strict=True
    )
    for (_, old_chunk), (_, new_chunk) in pairs:
        before, after = lines_of(old_chunk), lines_of(new_chunk)
        for key in changed_lines(before, after):
            yield key, _record(before.get(key)), _record(after.get(key))


def _record(line: bytes | None) -> Record | None:
    return next(records_of(line)) if line is not None else None


def _change(
    sample_id: UUID, kinds: list[Kind], was: Record | None, now: Record | None, store: ObjectStore
) -> SampleChange:
    shown = now or was
    assert shown is not None
    return SampleChange(
        sample_id=sample_id,
        kinds=kinds,
        boxes=_boxes(was, now),
        before=_shown(was),
        after=_shown(now),
        url=_url(store, shown),
    )


def _boxes(was: Record | None, now: Record | None) -> dict[str, list[str]]:
    if was is None or now is None:
        return {}
    old = {str(box.get("id")): box for box in was["annotations"]}
    new = {str(box.get("id")): box for box in now["annotations"]}
    both = sorted(old.keys() & new.keys())
    return {
        "added": sorted(new.keys() - old.keys()),
        "removed": sorted(old.keys() - new.keys()),
        "moved": [key for key in both if old[key].get("box") != new[key].get("box")],
        "relabeled": [
            key for key in both if any(old[key].get(name) != new[key].get(name) for name in ("class", "attributes"))
        ],
    }


def _shown(record: Record | None) -> dict[str, Any] | None:
    return None if record is None else {name: record[name] for name in _SHOWN}


def _after(cursor: str | None, limit: int) -> UUID | None:
    if not 1 <= limit <= PAGE_LIMIT:
        raise Invalid(f"limit must be from 1 to {PAGE_LIMIT}, got {limit}.", field="query.limit")
    try:
        return UUID(cursor) if cursor is not None else None
    except ValueError as error:
        raise Invalid(
            "The cursor is not one that this list gave out. Start again without it.", field="query.cursor"
        ) from error


def _url(store: ObjectStore, record: Record) -> str:
    suffix = record["file_url"].rpartition(".")[2]
    key = store.key(record["file_url"])
    return store.presigned_get(key, _URL_SECONDS, content_type=CONTENT_TYPES.get(suffix))
