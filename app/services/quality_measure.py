"""From the answers about a dataset's samples to sums: batches of samples through `app.domain.agreement`."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from itertools import islice

import numpy as np
import numpy.typing as npt
from sqlmodel import Session

from app.domain.agreement.answers import Categories, Compared, Given, compare
from app.domain.agreement.tally import Tally
from app.domain.labels import Task
from app.services.quality_answers import Numbering, Pace, SampleAnswers, Scope, monday, paces, stream

BATCH = 2_000
# Of more samples the first so many are measured, which is a random part: they come in the order of random ids.
MOST_SAMPLES = 50_000
WEEKS = 26


@dataclass
class Measured:
    """Sums over the answers in a scope. People are numbered by how many labels they gave; `reference` comes last.

    `right` has for every week and person: classes or boxes in common with the reference, said by the person, said by
    the reference, and items compared (`[weeks, people, 4]`).
    """

    task: Task
    categories: Categories
    people: list[int]
    numbers: dict[int, int]
    weeks: list[date]
    paces: list[Pace]
    tally: Tally
    right: npt.NDArray[np.int64]
    samples: int = 0
    compared: int = 0
    referenced: int = 0
    is_complete: bool = True

    @property
    def reference(self) -> int:
        """The number of the reference among the people."""
        return len(self.people)

    def count(self, batch: list[SampleAnswers]) -> None:
        """Count samples in."""
        self.samples += len(batch)
        self.compared += sum(len(answers.opinions) >= 2 for answers in batch)
        self.referenced += sum(answers.reference is not None for answers in batch)

    def end(self, *, is_complete: bool) -> "Measured":
        """Everything was read, or as much as is read at all."""
        self.is_complete = is_complete
        return self


def measure(session: Session, scope: Scope, categories: Categories, threshold: float) -> Measured:
    """Read everything once and add it up. The caller made the database hold still."""
    pace = paces(session, scope)
    people = [one.annotator_id for one in pace if one.week is None]
    weeks = sorted({one.week for one in pace if one.week is not None})[-WEEKS:]
    tally = Tally.begin(scope.task, categories, len(people) + 1, len(weeks))
    right = np.zeros((len(weeks), len(people), 4), np.int64)
    numbers = {annotator_id: number for number, annotator_id in enumerate(people)}
    found = Measured(scope.task, categories, people, numbers, weeks, pace, tally, right)
    numbering = Numbering(scope.task, categories)
    with closing(stream(session, scope)) as answers:
        for batch in _batches(islice(answers, MOST_SAMPLES)):
            _add(found, batch, numbering, threshold)
        return found.end(is_complete=next(answers, None) is None)


def given_in(batch: Iterable[SampleAnswers], numbers: dict[int, int], numbering: Numbering) -> list[Given]:
    """The answers to samples in numbers: people as `numbers` says, the reference after them."""
    given = []
    for sample, answers in enumerate(batch):
        for one in answers.opinions:
            number = numbers[one.annotator_id]
            given.append(Given(sample, number, numbering(one.said), one.confirmed))
        if answers.reference is not None:
            given.append(Given(sample, len(numbers), numbering(answers.reference)))
    return given


def _batches(answers: Iterator[SampleAnswers]) -> Iterator[list[SampleAnswers]]:
    while batch := list(islice(answers, BATCH)):
        yield batch


def _add(found: Measured, batch: list[SampleAnswers], numbering: Numbering, threshold: float) -> None:
    given = given_in(batch, found.numbers, numbering)
    compared = compare(found.task, found.categories, len(batch), given, found.reference, threshold)
    given_at = _weeks(found, batch)
    found.tally.take_in(compared, given_at.max(axis=1, initial=-1))
    found.count(batch)
    _add_right(found, compared, given_at)


def _weeks(found: Measured, batch: list[SampleAnswers]) -> npt.NDArray[np.int64]:
    """In which week each person answered each sample, `[S, people]`; -1 where they did not, or too long ago."""
    number_of = {week: number for number, week in enumerate(found.weeks)}
    given_at = np.full((len(batch), len(found.people)), -1, np.int64)
    for sample, answers in enumerate(batch):
        for one in answers.opinions:
            given_at[sample, found.numbers[one.annotator_id]] = number_of.get(monday(one.given_at), -1)
    return given_at


def _add_right(found: Measured, compared: Compared, given_at: npt.NDArray[np.int64]) -> None:
    items, classes = compared.pairs, len(found.categories.names)
    rows = np.flatnonzero(items.second == found.reference)
    person = items.first[rows]
    week = given_at[items.sample[rows], person]
    one, other = items.one[rows], items.other[rows]
    kept = week >= 0
    counts = np.stack([(one == other) & (one < classes), one < classes, other < classes, one >= 0], axis=1)
    flat = week[kept] * len(found.people) + person[kept]
    np.add.at(found.right.reshape(-1, 4), flat, counts[kept].astype(np.int64))
