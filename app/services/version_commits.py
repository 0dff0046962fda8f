"""Making a version of a dataset: splits, chunks, digest, statistics, number. One transaction, no file is moved.

The dataset's row is locked throughout, so a version is one state of the dataset (`sample_changes`). What was not
changed since the newest version of the same scope is not read: a commit costs what changed.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from app.domain.dataset_splits import SplitPlan, Stock
from app.domain.dataset_trees import Lines, Tree, chunk_of, line_of, lines_of, records_of, root_of
from app.domain.dataset_versions import (
    Bump,
    Counts,
    Scope,
    add_to,
    flat,
    kinds_between,
    needed_bump,
    nested,
    next_number,
)
from app.domain.permissions import Actor, Permission, PersonActor, require
from app.errors import Conflict
from app.schemas.dataset_versions import SplitWanted, VersionCommit, VersionPreview, VersionView
from app.services import audit, dataset_changes, versions
from app.services.access import open_dataset
from app.services.dataset_chunks import ChunkWriter, chunks, tree_of
from app.services.sample_changes import EVERYTHING, BucketChange, bucket_changes, revision_now
from app.services.sample_records import holds, record_of
from app.services.version_splits import Splitter, plan_of
from app.tables import DatasetVersion, TrainingDataset
from app.tables.base import utcnow


class NothingToCommit(Conflict):
    """The newest version holds what there is."""

    code = "nothing-to-commit"


@dataclass(frozen=True)
class Made:
    """A version, and whether it is new or one that holds the same."""

    version: DatasetVersion
    is_new: bool


def create(session: Session, actor: Actor, dataset_id: UUID, request: VersionCommit) -> VersionView:
    """Freeze the dataset's samples as a version. Raises `NothingToCommit` if the newest one of the scope is equal."""
    require(actor, Permission.DATASETS_WRITE)
    assert isinstance(actor, PersonActor)
    dataset = open_dataset(session, actor, dataset_id, lock=True)
    made = make(session, actor, dataset, request, actor.user_id)
    if not made.is_new:
        raise NothingToCommit(
            f"Nothing changed since version {made.version.version}, which holds the same {made.version.scope} samples."
        )
    return versions.view(session, actor, made.version)


def preview(session: Session, actor: Actor, dataset_id: UUID, request: VersionCommit) -> VersionPreview:
    """What `create` would make now. It is made and undone, so this is exactly what would come."""
    require(actor, Permission.DATASETS_WRITE)
    assert isinstance(actor, PersonActor)
    dataset = open_dataset(session, actor, dataset_id, lock=True)
    newest = newest_of(session, dataset.id)
    trial = session.begin_nested()
    try:
        made = make(session, actor, dataset, request.model_copy(update={"bump": None}), actor.user_id)
        row = made.version
        changes = row.changes if made.is_new else {}
        needs = needed_bump(changes, newest.label_schema if newest else None, dataset.label_schema)
        number = next_number(newest.version if newest else None, needs, _higher(needs, request.bump))
        return VersionPreview(
            version=number if made.is_new else None,
            since=newest.version if newest else None,
            needs=needs,
            sample_count=row.sample_count,
            changes=changes,
            statistics=row.statistics,
        )
    finally:
        trial.rollback()


def _higher(needed: Bump, wanted: Bump | None) -> Bump | None:
    order = list(Bump)
    return wanted if wanted is not None and order.index(wanted) >= order.index(needed) else None


def newest_of(session: Session, dataset_id: UUID, scope: Scope | None = None) -> DatasetVersion | None:
    """The newest version; with a scope, the newest one of it that keeps its samples."""
    query = select(DatasetVersion).where(DatasetVersion.dataset_id == dataset_id)
    if scope is not None:
        query = query.where(DatasetVersion.scope == scope, col(DatasetVersion.tree_sha256).is_not(None))
    return session.exec(query.order_by(col(DatasetVersion.number).desc()).limit(1)).first()


def make(session: Session, actor: Actor, dataset: TrainingDataset, request: VersionCommit, author: int) -> Made:
    """The version of the locked dataset as it is: a new one, or the newest of its scope if that holds the same."""
    require(actor, Permission.DATASETS_WRITE)
    session.flush()
    work = _Work(session, dataset, request)
    work.assign_splits()
    work.build_tree()
    if not work.counts["samples",]:
        raise Conflict(
            f"Dataset {dataset.name!r} has no {_WORDS[request.scope]} sample, so there is nothing to freeze."
        )
    if work.base is not None and work.root == work.base.sha256:
        return Made(work.base, is_new=False)
    row = work.row(author)
    session.add(row)
    session.flush()
    after = {"version": row.version, "sha256": row.sha256, "sample_count": row.sample_count, "changes": row.changes}
    audit.record(session, actor, "dataset_version.create", row, after=after, organization_id=dataset.organization_id)
    dataset_changes.changed(session, dataset)
    return Made(row, is_new=True)


_WORDS = {Scope.VERIFIED: "verified", Scope.LABELED: "labelled", Scope.ALL: "present"}


class _Work:
    """One version in the making."""

    def __init__(self, session: Session, dataset: TrainingDataset, request: VersionCommit) -> None:
        self.session, self.dataset, self.request = session, dataset, request
        self.scope = request.scope
        self.parent = newest_of(session, dataset.id)
        self.base = newest_of(session, dataset.id, request.scope)
        self.since = self.base.revision if self.base else EVERYTHING
        self.tree = tree_of(session, self.base)
        self.counts: Counts = flat(self.base.statistics) if self.base else Counter()
        before = plan_of(self.parent.split if self.parent else {})
        self.wanted = request.split or SplitWanted(validation=before.validation, test=before.test, seed=before.seed)

    def assign_splits(self) -> None:
        plan = SplitPlan(self.wanted.validation, self.wanted.test, self.wanted.seed)
        splitter = Splitter(self.session, self.dataset.id, self.scope, plan, self.since)
        stock = Stock.of(self.base.statistics if self.base else {})
        if self.wanted.again:
            splitter.forget()
        if self.wanted.imported:
            splitter.honour_imported()
        splitter.run(self.tree, stock)

    def build_tree(self) -> None:
        """Rewrite the buckets in which something changed."""
        base, writer = Tree(self.tree.body), ChunkWriter(self.session, self.dataset.id)
        for change in bucket_changes(self.session, self.dataset.id, base, self.since):
            after = self._rewritten(change, writer)
            if after != change.before:
                self.tree[change.bucket] = writer.add(chunk_of(after))
        body = self.tree.body
        self.tree_sha256 = writer.add(body).hex()
        writer.flush()
        self.revision = revision_now(self.session)
        about = {
            "scope": self.scope,
            "label_schema": self.dataset.label_schema,
            "single_person_review": self.dataset.single_person_review,
        }
        self.root = root_of(self.tree, about)

    def _rewritten(self, change: BucketChange, writer: ChunkWriter) -> Lines:
        after = dict(change.before)
        for sample_id, row in change.touched:
            old = after.pop(sample_id, None)
            if old is not None:
                add_to(self.counts, next(records_of(old)), -1)
            if row is not None and holds(self.scope, row):
                record = record_of(row)
                after[sample_id] = line_of(record)
                add_to(self.counts, record)
                writer.need(row.file_url)
        return after

    def row(self, author: int) -> DatasetVersion:
        changes = self._changes()
        schema = self.dataset.label_schema
        needs = needed_bump(changes, self.parent.label_schema if self.parent else None, schema)
        plan = {"validation": self.wanted.validation, "test": self.wanted.test, "seed": self.wanted.seed}
        return DatasetVersion(
            dataset_id=self.dataset.id,
            number=(self.parent.number if self.parent else 0) + 1,
            version=next_number(self.parent.version if self.parent else None, needs, self.request.bump),
            message=self.request.message,
            parent_id=self.parent.id if self.parent else None,
            scope=self.scope,
            sample_count=self.counts["samples",],
            label_schema=schema,
            split=plan,
            statistics=nested(self.counts),
            changes=changes,
            single_person_review=self.dataset.single_person_review,
            sha256=self.root,
            tree_sha256=self.tree_sha256,
            revision=self.revision,
            created_by=author,
            created_at=utcnow(),
        )

    def _changes(self) -> dict[str, int]:
        """How many samples changed in which way since the version before, whatever its scope."""
        if self.parent is None or self.parent.tree_sha256 is None:
            return {"added": self.counts["samples",]}
        return dict(count_changes(self.session, self.dataset.id, tree_of(self.session, self.parent), self.tree))


def count_changes(session: Session, dataset_id: UUID, before: Tree, after: Tree) -> Counter[str]:
    """How many samples two trees differ in, by what happened. Equal buckets are not read."""
    found: Counter[str] = Counter()
    buckets = before.differing(after)
    pairs = zip(chunks(session, dataset_id, before, buckets), chunks(session, dataset_id, after, buckets), strict=True)
    for (_, old_chunk), (_, new_chunk) in pairs:
        old, new = lines_of(old_chunk), lines_of(new_chunk)
        for key in old.keys() | new.keys():
            if old.get(key) != new.get(key):
                found.update(kinds_between(_record(old.get(key)), _record(new.get(key))))
    return found


def _record(line: bytes | None) -> dict[str, Any] | None:
    return next(records_of(line)) if line is not None else None
