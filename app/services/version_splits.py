"""Gives samples their split when a version first holds them; the rules are in `app.domain.dataset_splits`.

Only samples that changed since the version before, and what they are grouped with, are looked at. Memory grows with the
number of groups among them, not with the number of samples: single samples are streamed in the order of their rank.
"""

import heapq
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, String, Uuid, and_, any_, case, cast, func, literal, not_, or_, update
from sqlalchemy import select as choose
from sqlmodel import Session, col

from app.domain.dataset_splits import NO_CLASS, WORDS, Groups, Placing, SplitPlan, Stock, rank, settled
from app.domain.dataset_trees import Tree, records_of
from app.domain.dataset_versions import SPLITS, Scope, classes_of
from app.services.dataset_chunks import batched
from app.services.sample_changes import EVERYTHING, bucket_changes
from app.services.sample_records import COLUMNS, SampleRow, holds, in_scope
from app.tables import TrainingSample
from app.tables.samples import class_names

_KEYS, _ROWS = 500, 1000
NEAR, VIDEO = "near", "video"
# What `keys_of` looks at.
_HELD_BY: tuple[Any, ...] = tuple(
    col(column)
    for column in (TrainingSample.id, TrainingSample.file_type, TrainingSample.near_group, TrainingSample.video_id)
)
# The rows that nothing holds together with others: those for which `keys_of` gives nothing.
_ALONE = and_(
    col(TrainingSample.near_group).is_(None),
    col(TrainingSample.video_id).is_(None),
    col(TrainingSample.file_type) != "video",
)
Key = tuple[str, UUID]


@dataclass
class _Unit:
    """Samples that are held together, and what splits they have already."""

    content: str = ""
    splits: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    loose: Counter[str] = field(default_factory=Counter)
    keys: list[Key] = field(default_factory=list)
    has_loose: bool = False

    def take(self, row: SampleRow, scope: Scope) -> None:
        self.content = min(self.content or row.sha256, row.sha256)
        self.splits.update([row.split] if row.split else [])
        self.has_loose |= row.split is None
        if holds(scope, row):
            classes = _classes(row)
            self.counts.update(classes)
            self.loose.update(classes if row.split is None else ())


def _classes(row: SampleRow) -> set[str]:
    return classes_of({"labels": row.labels, "annotations": row.annotations}) or {NO_CLASS}


def keys_of(row: SampleRow) -> list[Key]:
    """What a sample is held together by."""
    video = row.video_id or (row.id if row.file_type == "video" else None)
    near = [(NEAR, row.near_group)] if row.near_group is not None else []
    return near + ([(VIDEO, video)] if video is not None else [])


class Splitter:
    """Assigns the splits of one version that is being made; `since` is the revision of the version before."""

    def __init__(self, session: Session, dataset_id: UUID, scope: Scope, plan: SplitPlan, since: int) -> None:
        self._session = session
        self._dataset_id = dataset_id
        self._mine = col(TrainingSample.dataset_id) == dataset_id
        self._scope = scope
        self._plan = plan
        self._since = since
        self._groups = Groups()
        self._keys: set[Key] = set()

    def forget(self) -> None:
        """Take every sample's split away, so that all are split again."""
        self._session.execute(update(TrainingSample).where(self._mine).values(split=None))

    def honour_imported(self) -> None:
        """Take the split from `metadata.split` where a sample has none yet, as import leaves it there."""
        said = func.lower(col(TrainingSample.extra)["split"].as_string())  # type: ignore[index]
        meant = case(*((said.in_(words), name) for name, words in WORDS.items()))
        fresh = (self._mine, col(TrainingSample.revision) > self._since, col(TrainingSample.split).is_(None))
        self._session.execute(update(TrainingSample).where(*fresh, meant.is_not(None)).values(split=meant))

    def run(self, base: Tree, stock: Stock) -> None:
        """Give a split to all in scope that have none. `stock` is what the version before has."""
        if self._since == EVERYTHING:
            self._survey_all(stock)
        else:
            self._survey(base, stock)
        self._close()
        units = self._units()
        fixed: dict[str, list[Key]] = {name: [] for name in SPLITS}
        waiting: list[tuple[str, _Unit]] = []
        for unit in units.values():
            name = settled(unit.splits)
            if name is not None:
                if unit.has_loose or len(unit.splits) > 1:
                    fixed[name] += unit.keys
                    stock.have[name].update(unit.loose)
            elif unit.counts:
                stock.expect(unit.counts)
                waiting.append((rank(self._plan.seed, unit.content), unit))
        self._place(sorted(waiting, key=lambda pair: pair[0]), stock, fixed)
        for name, keys in fixed.items():
            self._set_for_keys(name, keys)

    def _survey(self, base: Tree, stock: Stock) -> None:
        """Bring `stock` up to date with what changed, and note what the changed samples are held together by."""
        for change in bucket_changes(self._session, self._dataset_id, base, self._since):
            for sample_id, row in change.touched:
                old = change.before.get(sample_id)
                if old is not None:
                    record = next(records_of(old))
                    stock.add(classes_of(record), record["split"], -1)
                if row is None:
                    continue
                keys = keys_of(row)
                if keys:
                    self._groups.join(*keys)
                    self._keys.update(keys)
                if holds(self._scope, row):
                    stock.add(_classes(row), row.split)
                    if row.split is None and not keys:
                        stock.expect(_classes(row))

    def _survey_all(self, stock: Stock) -> None:
        """The same for a first version: nothing is compared, so the database counts, and only groups are read."""
        kinds: tuple[Any, ...] = (class_names, col(TrainingSample.split), _ALONE)
        counted = choose(*kinds, func.count()).where(self._mine, in_scope(self._scope)).group_by(*kinds)
        for names, split, alone, number in self._stream(counted):
            stock.add(names, split, number)
            if split is None and alone:
                stock.expect(names, number)
        for row in self._stream(choose(*_HELD_BY).where(self._mine, not_(_ALONE))):
            keys = keys_of(row)
            self._groups.join(*keys)
            self._keys.update(keys)

    def _stream(self, query: Any) -> Iterator[Any]:
        return iter(self._session.execute(query.execution_options(yield_per=_ROWS)))  # type: ignore[deprecated]

    def _close(self) -> None:
        """Find what else the groups are joined to, until there is nothing new."""
        new = set() if self._since == EVERYTHING else set(self._keys)
        while new:
            found: set[Key] = set()
            for some in batched(sorted(new), _KEYS):
                for row in self._members(some):
                    keys = keys_of(row)
                    self._groups.join(*keys)
                    found.update(keys)
            new = found - self._keys
            self._keys |= new

    def _units(self) -> dict[Hashable, _Unit]:
        units: dict[Hashable, _Unit] = {}
        for key in sorted(self._keys):
            units.setdefault(self._groups.root(key), _Unit()).keys.append(key)
        for some in batched(sorted(self._keys), _KEYS):
            for row in self._members(some, once=True):
                if row.withdrawn_at is None:
                    units[self._groups.root(keys_of(row)[0])].take(row, self._scope)
        return units

    def _members(self, keys: Iterable[Key], *, once: bool = False) -> Iterator[SampleRow]:
        """The samples that `keys` hold together. With `once` a sample that two keys hold comes with its first."""
        near, videos = _ids(keys, NEAR), _ids(keys, VIDEO)
        in_video = or_(col(TrainingSample.video_id).in_(videos), col(TrainingSample.id).in_(videos))
        if once:
            in_video = in_video & col(TrainingSample.near_group).is_(None)
        query = choose(*COLUMNS).where(self._mine, or_(col(TrainingSample.near_group).in_(near), in_video))
        return self._stream(query)

    def _place(self, units: list[tuple[str, _Unit]], stock: Stock, fixed: dict[str, list[Key]]) -> None:
        """Hand out splits in the order of the ranks; groups go to `fixed`, single samples to the database."""
        placing = Placing(stock, self._plan)
        singles: dict[str, list[UUID]] = {name: [] for name in SPLITS}
        ranked: Iterator[tuple[str, Any]] = heapq.merge(units, self._singles(), key=lambda pair: pair[0])
        for _, item in ranked:
            if isinstance(item, _Unit):
                fixed[placing.place(item.counts)] += item.keys
                continue
            name = placing.place(dict.fromkeys(item.class_names or [NO_CLASS], 1))
            singles[name].append(item.id)
            if len(singles[name]) >= _ROWS:
                self._set_for_ids(name, singles[name])
                singles[name] = []
        for name, ids in singles.items():
            self._set_for_ids(name, ids)

    def _singles(self) -> Iterator[tuple[str, SampleRow]]:
        """What nothing holds together with others and has no split, in the order of the ranks."""
        content = literal(f"{self._plan.seed}\n") + col(TrainingSample.sha256)
        place = cast(func.encode(func.sha256(func.convert_to(content, "UTF8")), "hex"), String).collate("C")
        query = choose(place, TrainingSample.id, class_names).where(  # type: ignore[call-overload]
            self._mine,
            in_scope(self._scope),
            col(TrainingSample.split).is_(None),
            col(TrainingSample.revision) > self._since,
            _ALONE,
        )
        for row in self._stream(query.order_by(place, col(TrainingSample.id))):
            yield row[0], row

    def _set_for_ids(self, name: str, ids: list[UUID]) -> None:
        # One array is sent in a fifth of the time of a thousand values.
        self._set(name, col(TrainingSample.id) == any_(literal(ids, ARRAY(Uuid))))

    def _set_for_keys(self, name: str, keys: list[Key]) -> None:
        for some in batched(keys, _KEYS):
            near, videos = _ids(some, NEAR), _ids(some, VIDEO)
            held = (col(TrainingSample.near_group).in_(near), col(TrainingSample.video_id).in_(videos))
            self._set(name, or_(*held, col(TrainingSample.id).in_(videos)))

    def _set(self, name: str, which: ColumnElement[bool]) -> None:
        differs = col(TrainingSample.split).is_distinct_from(name)
        self._session.execute(update(TrainingSample).where(self._mine, which, differs).values(split=name))


def _ids(keys: Iterable[Key], kind: str) -> list[UUID]:
    return [key for what, key in keys if what == kind]


def plan_of(split: dict[str, Any]) -> SplitPlan:
    """The plan that a version keeps."""
    return SplitPlan(split.get("validation", 0.15), split.get("test", 0.15), split.get("seed", 0))
