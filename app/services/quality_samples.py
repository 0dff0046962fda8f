"""The samples behind a figure of the quality report: those about which two answers differ, or agree on a class.

Which boxes belong together is no question for SQL, so the database narrows the samples down and `app.domain.agreement`
decides, batch by batch. A sample about which a dataset still collects independent answers is in no list.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from app.domain.agreement.answers import Categories, Pairs, compare
from app.domain.labels import LabelSchema, Task
from app.domain.permissions import Actor, Permission, require
from app.errors import Invalid
from app.infra.object_store import ObjectStore
from app.schemas.base import Page
from app.schemas.quality import NOTHING, BehindFilter, Said, SampleBehind
from app.services import opinions, samples
from app.services.access import fetch
from app.services.filtering import within
from app.services.paging import sifted
from app.services.quality_answers import Numbering, Opinion, SampleAnswers, Scope, said_by
from app.services.quality_confusion import label_of
from app.services.quality_measure import given_in
from app.tables import SampleAnnotation, TrainingDataset, TrainingSample

MOST_SAID = 6


@dataclass(frozen=True)
class _Wanted:
    """The question in numbers. `label` and `seen_as` are categories, None for any."""

    annotator: int | None
    other: int | None
    against_reference: bool
    label: int | None
    seen_as: int | None

    def picks(self, people: Sequence[int], pairs: Pairs) -> list[tuple[int, int, int, int, int]]:
        """`(sample, first, second, said, seen as)` of the items that are asked for; people and categories by number."""
        found = []
        for sample, first, second, one, other in zip(
            *(c.tolist() for c in (pairs.sample, pairs.first, pairs.second, pairs.one, pairs.other)), strict=True
        ):
            if (second == len(people)) != self.against_reference:
                continue
            if self.against_reference:
                # The reference says what is, the person what it was seen as.
                if self._is_asked(people, first, None) and self._fits(other, one):
                    found.append((sample, first, second, one, other))
            elif self._is_asked(people, first, second) and self._fits(one, other):
                found.append((sample, first, second, one, other))
            elif self._is_asked(people, second, first) and self._fits(other, one):
                found.append((sample, second, first, other, one))
        return found

    def _is_asked(self, people: Sequence[int], first: int, second: int | None) -> bool:
        if second is None:
            return self.annotator is None or people[first] in (self.annotator, self.other)
        return self.annotator in (None, people[first]) and self.other in (None, people[second])

    def _fits(self, one: int, other: int) -> bool:
        if self.seen_as is not None:
            return (one, other) == (self.label, self.seen_as)
        return one != other and self.label in (None, one, other)


def list_behind(
    session: Session,
    actor: Actor,
    dataset_id: UUID,
    wanted: BehindFilter,
    store: ObjectStore,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[SampleBehind]:
    """One page of the samples behind a figure. A page may hold fewer than `limit` and still have a next one."""
    require(actor, Permission.DATASETS_READ)
    dataset = fetch(session, TrainingDataset, dataset_id, actor, "dataset")
    schema = LabelSchema.of(dataset.label_schema)
    categories = Categories(tuple(known.name for known in schema.classes))
    asked = _asked(wanted, categories)
    scope = Scope(dataset_id, schema.task, opinions.collects(dataset), wanted.since, wanted.until)
    query = select(TrainingSample).where(*scope.samples(), _candidates(scope, asked, categories))
    numbering, threshold = Numbering(schema.task, categories), float(dataset.consensus_iou)

    def show(rows: list[TrainingSample]) -> list[SampleBehind | None]:
        answers = _answers(session, scope, rows)
        people = sorted({one.annotator_id for sample in answers for one in sample.opinions})
        given = given_in(answers, {person: number for number, person in enumerate(people)}, numbering)
        pairs = compare(schema.task, categories, len(rows), given, len(people), threshold, len(people)).pairs
        said: dict[int, list[Said]] = {}
        for sample, first, second, one, other in asked.picks(people, pairs):
            said.setdefault(sample, []).append(
                Said(
                    first=people[first],
                    second=people[second] if second < len(people) else None,
                    said=label_of(categories, one),
                    seen_as=label_of(categories, other),
                )
            )
        return [_view(row, said[number], store) if number in said else None for number, row in enumerate(rows)]

    return sifted(session, query, TrainingSample, show, wanted, cursor, limit, scope=f"quality {dataset_id}")


def _asked(wanted: BehindFilter, categories: Categories) -> _Wanted:
    if wanted.other is not None and wanted.annotator in (None, wanted.other):
        raise Invalid("`other` names the second of two people; name another one as `annotator`.", field="query.other")
    if wanted.seen_as is not None and wanted.label is None:
        raise Invalid("`seen_as` says what the other said; name the first one's class as `label`.", field="query.label")
    return _Wanted(
        wanted.annotator,
        wanted.other,
        wanted.against == "verified",
        _category(wanted.label, categories, "query.label"),
        _category(wanted.seen_as, categories, "query.seen_as"),
    )


def _category(name: str | None, categories: Categories, field: str) -> int | None:
    if name is None:
        return None
    numbers = [number for number in range(categories.count) if label_of(categories, number) == name]
    if not numbers:
        listed = ", ".join(sorted(categories.names)[:30])
        raise Invalid(f"{name!r} is neither a class of this dataset nor {NOTHING}. Classes: {listed}.", field=field)
    return numbers[0]


def _candidates(scope: Scope, asked: _Wanted, categories: Categories) -> ColumnElement[bool]:
    """Samples that may fit: the right people answered, said the right classes, and not all the same."""
    one, other = aliased(SampleAnnotation), aliased(SampleAnnotation)
    facing: Any = TrainingSample if asked.against_reference else other
    people: list[Any] = [one.annotator_id == asked.annotator] if asked.annotator is not None else []
    query = select(one.id).where(one.sample_id == TrainingSample.id, *within(one.updated_at, scope.since, scope.until))
    if asked.against_reference:
        people = [col(one.annotator_id).in_([asked.annotator, asked.other])] if people else []
        query = query.where(col(TrainingSample.is_verified), one.annotator_id != TrainingSample.verified_by)
    else:
        people += [other.annotator_id == asked.other] if asked.other is not None else []
        query = query.join(
            other, and_(col(other.sample_id) == one.sample_id, col(other.annotator_id) != one.annotator_id)
        ).where(*within(other.updated_at, scope.since, scope.until))
    query = query.where(*people)
    if scope.task != Task.DETECTION and (asked.seen_as is None or asked.seen_as != asked.label):
        query = query.where(one.labels != facing.labels)
    said, seen = _names(asked.label, categories), _names(asked.seen_as, categories)
    first, second = (facing, one) if asked.against_reference else (one, facing)
    if asked.seen_as is not None:
        query = query.where(*_says(first, scope.task, said), *_says(second, scope.task, seen))
    elif said is not None:
        query = query.where(or_(*_says(first, scope.task, said), *_says(second, scope.task, said)))
    return query.exists()


def _names(category: int | None, categories: Categories) -> str | None:
    return categories.names[category] if category is not None and category < len(categories.names) else None


def _says(table: Any, task: Task, name: str | None) -> list[ColumnElement[bool]]:
    """The answer names this class somewhere; no condition for what is not a class."""
    if name is None:
        return []
    if task == Task.DETECTION:
        return [col(table.annotations).contains([{"class": name}])]
    value: Any = name if task == Task.CLASSIFICATION else [name]
    return [col(table.labels).contains({"class" if task == Task.CLASSIFICATION else "classes": value})]


def _answers(session: Session, scope: Scope, rows: Sequence[TrainingSample]) -> list[SampleAnswers]:
    """What everybody said about `rows`, in their order: one query."""
    found = {row.id: SampleAnswers(reference=said_by(row, scope.task) if row.is_verified else None) for row in rows}
    verifiers = {row.id: row.verified_by if row.is_verified else None for row in rows}
    query = select(SampleAnnotation).where(
        col(SampleAnnotation.sample_id).in_(list(found)), *within(SampleAnnotation.updated_at, scope.since, scope.until)
    )
    for one in session.exec(query):
        confirmed = verifiers[one.sample_id] == one.annotator_id
        opinion = Opinion(one.annotator_id, said_by(one, scope.task), one.updated_at, confirmed)
        found[one.sample_id].opinions.append(opinion)
    return list(found.values())


def _view(row: TrainingSample, said: list[Said], store: ObjectStore) -> SampleBehind:
    small = samples.signed_url(row.thumbnail_url, store) if row.thumbnail_url else None
    return SampleBehind(
        id=row.id,
        url=samples.signed_url(row.file_url, store),
        thumbnail=small,
        width=row.width,
        height=row.height,
        created_at=row.created_at,
        said=said[:MOST_SAID],
    )
