"""Making a dataset's samples what they were in a version, and keeping what they are now as a version of its own.

Ids stay: a sample that was deleted since comes back under the id that labels, jobs and reports know. Withdrawn samples
stay withdrawn. What a version did not hold is only touched as far as its scope goes: restoring one of all samples
removes the others, one of verified samples takes their verification back, one of labelled samples their label.
"""

from collections import Counter
from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, func, update
from sqlalchemy import select as choose
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from app.domain.dataset_trees import BUCKETS, Record, ids_between, records_of
from app.domain.dataset_versions import Scope
from app.domain.permissions import Actor, Permission, PersonActor, require
from app.errors import Conflict
from app.schemas.dataset_versions import Restored, VersionCommit, VersionRestore
from app.services import (
    audit,
    label_records,
    restored_decisions,
    sample_labels,
    thumbnails,
    usage,
    version_commits,
    versions,
)
from app.services.access import open_dataset
from app.services.dataset_chunks import AT_ONCE, batched, chunks, tree_of
from app.services.sample_records import COLUMNS, columns_of, in_scope, record_of
from app.tables import DatasetVersion, DeletedSample, TrainingDataset, TrainingSample
from app.tables.base import utcnow

LABEL = ("labels", "annotations", "is_labeled", "labeled_by")
"""What a decision is about: a sample of which something else changed keeps its decision."""


def restore(session: Session, actor: Actor, dataset_id: UUID, version: str, request: VersionRestore) -> Restored:
    """Bring the samples of a version back. What is there now is committed first, with all samples, as `kept_as`."""
    require(actor, Permission.DATASETS_WRITE)
    assert isinstance(actor, PersonActor)
    dataset = open_dataset(session, actor, dataset_id, lock=True)
    row = versions.find(session, actor, dataset_id, version)
    work = _Restore(session, dataset, row)
    kept = _keep(session, actor, dataset, row)
    work.run()
    _count(session, dataset)
    sample_labels.touch(session, dataset)
    usage.check_new_files(session, dataset.organization_id, ())
    thumbnails.ask(session, dataset.id)
    after = {"version": row.version, "kept_as": kept.version if kept else None, **work.done}
    audit.record(session, actor, "dataset.restore", dataset, after=after | {"message": request.message})
    return Restored(
        version=row.version,
        kept_as=kept.version if kept else None,
        **{name: work.done[name] for name in ("brought_back", "changed", "removed", "left_out")},
    )


def _keep(session: Session, actor: PersonActor, dataset: TrainingDataset, row: DatasetVersion) -> DatasetVersion | None:
    present = select(TrainingSample.id).where(TrainingSample.dataset_id == dataset.id, in_scope(Scope.ALL))
    if session.exec(present.limit(1)).first() is None:
        return None
    wanted = VersionCommit(message=f"Before version {row.version} was restored", scope=Scope.ALL)
    return version_commits.make(session, actor, dataset, wanted, actor.user_id).version


class _Restore:
    """One restore under way, in passes of 64 buckets at a time: frames go before their videos and come after them."""

    def __init__(self, session: Session, dataset: TrainingDataset, version: DatasetVersion) -> None:
        self.session, self.dataset, self.version = session, dataset, version
        self.tree = tree_of(session, version)
        self.scope = Scope(version.scope)
        self.mine = col(TrainingSample.dataset_id) == dataset.id
        self.done: Counter[str] = Counter()

    def run(self) -> None:
        self._take_schema_back()
        for low, high, wanted in self._parts():
            self._settle(low, high, wanted)
        for kind in ("video", "image"):
            for low, high, wanted in self._parts():
                if kind == "video" and self.scope is Scope.ALL:
                    self._delete_videos(low, high, wanted)
                self._bring_back(low, high, {key: each for key, each in wanted.items() if each["file_type"] == kind})

    def _parts(self) -> Iterator[tuple[UUID, UUID, dict[UUID, Record]]]:
        """The version by ranges of ids: the first and the last id of a range, and its samples."""
        for some in batched(range(BUCKETS), AT_ONCE):
            wanted: dict[UUID, Record] = {}
            for _, chunk in chunks(self.session, self.dataset.id, self.tree, some):
                wanted |= {UUID(record["id"]): record for record in records_of(chunk)}
            yield ids_between(some[0])[0], ids_between(some[-1])[1], wanted

    def _take_schema_back(self) -> None:
        """The version's classes; where other samples stay, also the present ones, which their labels may name."""
        old, present = self.version.label_schema, self.dataset.label_schema
        if self.scope is not Scope.ALL and old.get("task") != present.get("task"):
            raise Conflict(
                f"Version {self.version.version} is for {old.get('task')}, the dataset for {present.get('task')}, and "
                "it holds only some of the samples. Restore a version of all samples."
            )
        names = {entry["name"] for entry in old["classes"]}
        more = [] if self.scope is Scope.ALL else [c for c in present["classes"] if c["name"] not in names]
        self.dataset.label_schema = {**old, "classes": [*old["classes"], *more]}

    def _settle(self, low: UUID, high: UUID, wanted: dict[UUID, Record]) -> None:
        """Change what is there to what it was, and let go of what was not in the version."""
        query = choose(*COLUMNS).where(self.mine, col(TrainingSample.id).between(low, high))
        present = {row.id: row for row in self.session.execute(query)}  # type: ignore[deprecated]
        changed, relabelled = [], []
        for key in wanted.keys() & present.keys():
            if present[key].withdrawn_at is not None:
                self.done["left_out"] += 1
            elif record_of(present[key]) != wanted[key]:
                changed.append({**columns_of(wanted[key]), "updated_at": utcnow()})
                if any(getattr(present[key], name) != wanted[key][name] for name in LABEL):
                    relabelled.append(key)
        if changed:
            self.done["changed"] += len(changed)
            self.session.execute(update(TrainingSample), changed)  # type: ignore[deprecated]
            restored_decisions.follow(self.session, self.dataset, relabelled)
        others = [key for key in present if key not in wanted]
        if others:
            self._let_go(col(TrainingSample.id).in_(others) & in_scope(self.scope))

    def _let_go(self, which: ColumnElement[bool]) -> None:
        """What the version did not hold leaves its scope."""
        if self.scope is Scope.ALL:
            self._delete(which & (col(TrainingSample.file_type) != "video"))
            return
        undone = {"is_verified": False, "verified_by": None, "quality_score": None}
        values = undone if self.scope is Scope.VERIFIED else label_records.UNLABELED
        statement = update(TrainingSample).where(self.mine, which).values(**values, updated_at=utcnow())
        gone = list(self.session.connection().execute(statement.returning(col(TrainingSample.id))).scalars())
        self.done["removed"] += len(gone)
        if self.scope is Scope.LABELED:
            restored_decisions.follow(self.session, self.dataset, gone)

    def _delete_videos(self, low: UUID, high: UUID, wanted: dict[UUID, Record]) -> None:
        """Videos whose frames are gone; one with a withdrawn frame stays with it."""
        frame = aliased(TrainingSample)
        has_frames = exists().where(col(frame.video_id) == col(TrainingSample.id))
        here = col(TrainingSample.id).between(low, high) & col(TrainingSample.id).not_in(list(wanted))
        self._delete(here & in_scope(Scope.ALL) & (col(TrainingSample.file_type) == "video") & ~has_frames)

    def _delete(self, which: ColumnElement[bool]) -> None:
        statement = delete(TrainingSample).where(self.mine, which)
        self.done["removed"] += self.session.connection().execute(statement).rowcount

    def _bring_back(self, low: UUID, high: UUID, wanted: dict[UUID, Record]) -> None:
        """Insert what is not there any more, unless it, or the same picture under another id, was withdrawn."""
        here = select(TrainingSample.id).where(self.mine, col(TrainingSample.id).between(low, high))
        missing = wanted.keys() - set(self.session.exec(here))
        refused = self._withdrawn({key: wanted[key]["sha256"] for key in missing})
        self.done["left_out"] += len(refused)
        back = [wanted[key] for key in sorted(missing - refused)]
        if not back:
            return
        twins = delete(TrainingSample).where(
            self.mine, col(TrainingSample.sha256).in_([each["sha256"] for each in back])
        )
        self.session.connection().execute(twins)
        videos = {UUID(each["video_id"]) for each in back if each["video_id"]}
        there = set(self.session.exec(select(TrainingSample.id).where(col(TrainingSample.id).in_(videos))))
        self.session.add_all([self._row(each, there) for each in back])
        self.session.flush()
        self.done["brought_back"] += len(back)

    def _row(self, record: Record, videos: set[UUID]) -> TrainingSample:
        columns = columns_of(record)
        if columns["video_id"] not in videos:  # the video was withdrawn and deleted
            columns |= {"video_id": None, "frame_ms": None}
        return TrainingSample(**columns, dataset_id=self.dataset.id)

    def _withdrawn(self, missing: dict[UUID, str]) -> set[UUID]:
        gone = select(DeletedSample.sample_id).where(
            DeletedSample.dataset_id == self.dataset.id,
            col(DeletedSample.sample_id).in_(missing),
            col(DeletedSample.withdrawn_at).is_not(None),
        )
        twins = select(TrainingSample.sha256).where(
            self.mine, col(TrainingSample.sha256).in_(missing.values()), col(TrainingSample.withdrawn_at).is_not(None)
        )
        barred = set(self.session.exec(twins))
        return set(self.session.exec(gone)) | {key for key, sha256 in missing.items() if sha256 in barred}


def _count(session: Session, dataset: TrainingDataset) -> None:
    """The dataset's counts, from its samples: its row is locked, so nobody changes them meanwhile."""
    mine = TrainingSample.dataset_id == dataset.id
    counts = select(
        func.count(),
        func.count().filter(col(TrainingSample.is_labeled)),
        func.count().filter(col(TrainingSample.is_verified)),
        func.coalesce(func.sum(TrainingSample.file_size), 0),
    ).where(mine)
    found = session.exec(counts).one()
    dataset.sample_count, dataset.labeled_count, dataset.verified_count, dataset.size_bytes = map(int, found)
