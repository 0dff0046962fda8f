"""What people said about the samples of a dataset, streamed; and how fast they said it, counted by the database.

Both see the database as it was at the transaction's first query (`hold_still`), while others go on labelling.
A withdrawn sample is not measured. Memory does not follow the number of samples: answers come through a server-side
cursor in the order of the samples' random ids, so that the first so many of them are a fair sample of all.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Date, and_, cast, false, func, not_, tuple_, union_all
from sqlmodel import Session, col, select

from app.domain.agreement.answers import Answer, Categories, Marks
from app.domain.labels import Task
from app.services import quality_truths
from app.services.filtering import within
from app.services.quality_truths import label_part
from app.tables import SampleAnnotation, TrainingSample

FETCHED = 2_000
# A longer gap between two labels is a pause; shorter ones were no person, but an import or a script.
PAUSE_SECONDS = 300
FASTEST_SECONDS = 0.2


@dataclass(frozen=True)
class Scope:
    """Which answers: those to samples of a dataset, given in a span of time.

    `collects` are the samples whose answers nobody may see yet: a figure of few would tell them too, so they are not
    measured.
    """

    dataset_id: UUID
    task: Task
    collects: ColumnElement[bool]
    since: datetime | None = None
    until: datetime | None = None
    planted: bool = False

    def answers(self) -> list[ColumnElement[bool]]:
        """Conditions on samples and answers joined."""
        return [*self.all_samples(), *within(SampleAnnotation.updated_at, self.since, self.until)]

    def samples(self) -> list[ColumnElement[bool]]:
        """Conditions on samples that are measured."""
        return [*self.all_samples(), not_(self.collects)]

    def all_samples(self) -> list[ColumnElement[bool]]:
        """Conditions on samples that are counted."""
        return [col(TrainingSample.dataset_id) == self.dataset_id, col(TrainingSample.withdrawn_at).is_(None)]


@dataclass(frozen=True)
class Opinion:
    """What one person said; `confirmed` if they also verified the sample's label."""

    annotator_id: int
    said: Any
    given_at: datetime
    confirmed: bool


@dataclass
class SampleAnswers:
    """Everything that was said about one sample; `reference` is the verified label, None without one."""

    opinions: list[Opinion] = field(default_factory=list)
    reference: Any = None


def stream(session: Session, scope: Scope) -> Generator[SampleAnswers, None, None]:
    """Sample after sample, in the order of their ids. Close it if it is not read to the end."""
    span = within(SampleAnnotation.updated_at, scope.since, scope.until)
    confirmed = quality_truths.confirmed_verified()
    truths = quality_truths.verified(scope.task, scope.samples(), span)
    if scope.planted:
        confirmed = quality_truths.not_measured_by_planted(scope.samples())
        truths = quality_truths.planted(scope.task, scope.samples())
    given = (
        select(  # type: ignore[call-overload]
            col(SampleAnnotation.sample_id).label("sample_id"),
            col(SampleAnnotation.annotator_id).label("annotator_id"),
            label_part(SampleAnnotation, scope.task).label("said"),
            col(SampleAnnotation.updated_at).label("given_at"),
            func.coalesce(confirmed, false()).label("confirmed"),
        )
        .join(TrainingSample, col(TrainingSample.id) == SampleAnnotation.sample_id)
        .where(*scope.samples(), *span)
    )
    statement = union_all(given, truths).order_by("sample_id")
    rows = session.execute(statement, execution_options={"yield_per": FETCHED})  # type: ignore[deprecated]
    try:
        for _, group in groupby(rows, key=lambda row: row[0]):
            found = _gathered(group)
            if found.opinions:
                yield found
    finally:
        rows.close()


def _gathered(rows: Iterator[Any]) -> SampleAnswers:
    opinions, reference = [], None
    for _, annotator_id, said, given_at, confirmed in rows:
        if annotator_id is None:
            reference = said
        else:
            opinions.append(Opinion(annotator_id, said, given_at, confirmed))
    return SampleAnswers(opinions, reference)


def said_by(row: Any, task: Task) -> Any:
    """The same part of a label, of a sample or an answer that is read already."""
    if task == Task.DETECTION:
        return [[box["class"] for box in row.annotations], [edge for box in row.annotations for edge in box["box"]]]
    return row.labels.get("class" if task == Task.CLASSIFICATION else "classes")


class Numbering:
    """Stored labels of one schema in numbers. A class that the schema no longer has is `OTHER`."""

    def __init__(self, task: Task, categories: Categories) -> None:
        self.task, self.other = task, categories.other
        self.numbers = {name: number for number, name in enumerate(categories.names)}

    def __call__(self, said: Any) -> Answer:
        if self.task == Task.CLASSIFICATION:
            return self._number(said)
        if self.task == Task.MULTILABEL:
            return tuple({self._number(name) for name in said or ()})
        names, edges = said
        number, other = self.numbers.get, self.other
        return Marks([number(name, other) for name in names], edges)

    def _number(self, name: Any) -> int:
        return self.numbers.get(name, self.other)


@dataclass(frozen=True)
class Pace:
    """Of one person, in one week or (`week` is None) in all: how many labels, and seconds per sample."""

    annotator_id: int
    week: date | None
    opinions: int
    median: float | None
    p90: float | None
    timed: int


def paces(session: Session, scope: Scope) -> list[Pace]:
    """Everybody's pace, in all and by week, the busiest first; those who gave most labels are numbered first."""
    moment, person = col(SampleAnnotation.created_at), col(SampleAnnotation.annotator_id)
    gap = func.extract("epoch", moment - func.lag(moment).over(partition_by=person, order_by=moment))
    given = (
        select(
            person.label("annotator_id"),
            cast(func.date_trunc("week", col(SampleAnnotation.updated_at)), Date).label("week"),
            gap.label("gap"),
        )
        .join(TrainingSample, col(TrainingSample.id) == SampleAnnotation.sample_id)
        .where(*scope.answers())
        .subquery()
    )
    worked = and_(given.c.gap >= FASTEST_SECONDS, given.c.gap <= PAUSE_SECONDS)
    columns = (given.c.annotator_id, given.c.week)
    statement = select(  # type: ignore[call-overload]
        *columns,
        func.count(),
        func.percentile_cont(0.5).within_group(given.c.gap).filter(worked),
        func.percentile_cont(0.9).within_group(given.c.gap).filter(worked),
        func.count().filter(worked),
    ).group_by(func.grouping_sets(tuple_(columns[0]), tuple_(*columns)))
    rows = session.exec(statement).all()
    return sorted(
        (
            Pace(person, week, count, _float(median), _float(p90), timed)
            for person, week, count, median, p90, timed in rows
        ),
        key=lambda one: (-one.opinions, one.annotator_id),
    )


def _float(value: Any) -> float | None:
    return None if value is None else float(value)


def monday(moment: datetime) -> date:
    """The first day of the week of `moment`, in UTC as all moments here."""
    day = moment.date()
    return day - timedelta(days=day.weekday())
