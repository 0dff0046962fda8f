"""One batch of samples with everybody's answers → what can be compared.

What one item is depends on the task:
- classification: the sample; everybody's value is a class.
- multilabel: every class of the sample; everybody's value is yes or no.
- detection: every object that anybody marked (`boxes`); the value is the class of one's box, or NOTHING for who looked
  at the sample and marked no such box. Places where nobody marked anything are no items: nobody can count them.

People are numbered from 0. The reference, if there is one, has the highest number: it is compared with each person, and
takes no part in α. Categories are numbered as the schema's classes; then comes OTHER, a class that the schema no longer
has, then NOTHING.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from app.domain.agreement.boxes import Boxes, Overlaps, objects_of_all, overlaps, partners_of_two
from app.domain.labels import Task

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
# One box: category, x, y, width, height.
Box = tuple[int, float, float, float, float]
# People who are compared two by two; 12 of them are 66 pairs, which nobody reads to the end.
MOST_PAIRED = 12


@dataclass(frozen=True, slots=True)
class Marks:
    """All boxes of one answer, flat: a category of each, and four edges of each (x, y, width, height) in a row.

    Boxes come by hundreds of thousands; an object for each would take longer than all that is counted.
    """

    categories: Sequence[int]
    edges: Sequence[float]

    @classmethod
    def of(cls, boxes: Iterable[Box]) -> "Marks":
        """The same from one box at a time."""
        listed = list(boxes)
        return cls([box[0] for box in listed], [edge for box in listed for edge in box[1:]])


Answer = int | Sequence[int] | Marks


@dataclass(frozen=True)
class Categories:
    """The classes of a schema by number, and the two that every schema has besides."""

    names: tuple[str, ...]

    @property
    def other(self) -> int:
        """A class that the schema no longer has."""
        return len(self.names)

    @property
    def nothing(self) -> int:
        """No box where somebody else has one; not this class where somebody else says it."""
        return len(self.names) + 1

    @property
    def count(self) -> int:
        """How many categories there are in all."""
        return len(self.names) + 2


@dataclass(frozen=True)
class Given:
    """What one person said about one sample of the batch (`sample` from 0).

    `confirmed` is true if this person confirmed the sample's reference: nobody is measured against themselves.
    """

    sample: int
    person: int
    answer: Answer
    confirmed: bool = False


@dataclass(frozen=True)
class Pairs:
    """Items of two people: `first < second`, what each of them said, and the IoU of their boxes (NaN without)."""

    sample: Ints
    first: Ints
    second: Ints
    one: Ints
    other: Ints
    iou: Floats


@dataclass(frozen=True)
class Compared:
    """What a batch says. `same`, `values` `[S, C]` and `total` `[S]` are the sums that α needs, for each sample.

    `met` are the samples that two people both answered, `pairs` the items of those.
    """

    same: Floats
    values: Floats
    total: Floats
    met: tuple[Ints, Ints, Ints]
    pairs: Pairs


def compare(
    task: Task,
    categories: Categories,
    samples: int,
    given: Sequence[Given],
    reference: int | None,
    threshold: float,
    paired: int = MOST_PAIRED,
) -> Compared:
    """Everything that `given` allows to compare. `reference` is the number of the reference, `threshold` an IoU.

    Every two of the first `paired` people are compared with each other, and everybody with the reference.
    """
    ordered = sorted(given, key=lambda one: (one.sample, one.person))
    sample = np.array([one.sample for one in ordered], np.int64)
    person = np.array([one.person for one in ordered], np.int64)
    judged = np.array([one.person != reference for one in ordered], bool)
    asked = np.bincount(sample[judged], minlength=samples)
    met = _met(sample, person, [one.confirmed for one in ordered], reference, paired)
    if task == Task.CLASSIFICATION:
        said = np.array([one.answer for one in ordered], np.int64)
        counts, owner = _counts(sample[judged], said[judged], samples, categories.count), np.arange(samples)
        pairs = _of_said(met, said)
    elif task == Task.MULTILABEL:
        yes = _yes(ordered, categories.count)
        counts, owner = np.zeros((samples, categories.count)), np.arange(samples)
        np.add.at(counts, sample[judged], yes[judged])
        pairs = _of_yes(met, yes, categories.nothing)
    else:
        boxes = _boxes(sample, person, [one.answer for one in ordered])
        found = overlaps(boxes, threshold)
        counts, owner = _objects(boxes, found, asked, reference, categories)
        pairs = _of_boxes(met, boxes, found, int(person.max(initial=0)) + 1, categories.nothing)
    same, values = _summed(counts, asked, owner, samples)
    # Of several labels each has its own yes and no from everybody; else a value is one of the categories.
    total = np.where(asked >= 2, asked, 0).astype(np.float64) if task == Task.MULTILABEL else values.sum(1)
    return Compared(same, values, total, (met[0], met[1], met[2]), pairs)


def _yes(ordered: Sequence[Given], categories: int) -> npt.NDArray[np.bool_]:
    yes = np.zeros((len(ordered), categories), bool)
    for row, one in enumerate(ordered):
        yes[row, list(_numbers(one.answer))] = True
    return yes


def _numbers(answer: Answer) -> Iterable[int]:
    if isinstance(answer, Marks):
        return answer.categories
    return [answer] if isinstance(answer, int) else answer


def _summed(counts: Floats, asked: Ints, owner: Ints, samples: int) -> tuple[Floats, Floats]:
    """Sums for α out of `counts`: how many people gave item i, of sample `owner[i]`, each category (`[I, C]`)."""
    people = asked[owner].astype(np.float64)
    kept = people >= 2
    counts, owner, people = counts[kept], owner[kept], people[kept]
    same, values = np.zeros((samples, counts.shape[1])), np.zeros((samples, counts.shape[1]))
    np.add.at(same, owner, counts * (counts - 1) / (people - 1)[:, None])
    np.add.at(values, owner, counts)
    return same, values


def _counts(sample: Ints, said: Ints, samples: int, categories: int) -> Floats:
    flat = np.bincount(sample * categories + said, minlength=samples * categories)
    return flat.reshape(samples, categories).astype(np.float64)


def _met(
    sample: Ints, person: Ints, confirmed: Sequence[bool], reference: int | None, paired: int
) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Every two answers about the same sample: sample, the two people, and the rows of the two answers."""
    ends = np.searchsorted(sample, sample, side="right")
    partners = ends - np.arange(len(sample)) - 1
    left = np.repeat(np.arange(len(sample)), partners)
    right = left + 1 + np.arange(len(left)) - np.repeat(np.cumsum(partners) - partners, partners)
    kept = person[right] < paired
    if reference is not None:
        measured = (person[right] == reference) & ~np.array(confirmed, bool)[left]
        kept = np.where(person[right] == reference, measured, kept)
    left, right = left[kept], right[kept]
    return sample[left], person[left], person[right], left, right


def _of_said(met: tuple[Ints, ...], said: Ints) -> Pairs:
    where, first, second, left, right = met
    return Pairs(where, first, second, said[left], said[right], np.full(len(left), np.nan))


def _of_yes(met: tuple[Ints, ...], yes: npt.NDArray[np.bool_], nothing: int) -> Pairs:
    """Every class that one of the two gave; where neither did there is nothing to open."""
    where, first, second, left, right = met
    row, category = np.nonzero(yes[left] | yes[right])
    one = np.where(yes[left[row], category], category, nothing)
    other = np.where(yes[right[row], category], category, nothing)
    return Pairs(where[row], first[row], second[row], one, other, np.full(len(row), np.nan))


def _boxes(sample: Ints, person: Ints, answers: Sequence[Answer]) -> Boxes:
    """The boxes of all answers; answer i is that of `person[i]` about `sample[i]`."""
    marks = [answer if isinstance(answer, Marks) else Marks((), ()) for answer in answers]
    counts = np.array([len(one.categories) for one in marks], np.int64)
    total = int(counts.sum())
    categories = np.fromiter(chain.from_iterable(one.categories for one in marks), np.int64, total)
    edges = np.fromiter(chain.from_iterable(one.edges for one in marks), np.float64, 4 * total)
    return Boxes(np.repeat(sample, counts), np.repeat(person, counts), categories, edges.reshape(total, 4))


def _of_boxes(met: tuple[Ints, ...], boxes: Boxes, found: Overlaps, people: int, nothing: int) -> Pairs:
    """Objects that both marked, and those that one of the two missed."""
    matched = partners_of_two(boxes, found, people)
    left, right = matched.left, matched.right
    shared = Pairs(
        boxes.sample[left],
        boxes.person[left],
        boxes.person[right],
        boxes.category[left],
        boxes.category[right],
        matched.iou,
    )
    shared = _kept(shared, np.isin(_key(shared, people), (met[0] * people + met[1]) * people + met[2]))
    taken = np.concatenate([left * people + boxes.person[right], right * people + boxes.person[left]])
    return _joined(
        shared,
        _missed(met, boxes, taken, people, nothing, left_alone=True),
        _missed(met, boxes, taken, people, nothing, left_alone=False),
    )


def _missed(met: tuple[Ints, ...], boxes: Boxes, taken: Ints, people: int, nothing: int, *, left_alone: bool) -> Pairs:
    """Boxes of one of two people for which the other, who looked at the sample too, has none."""
    where, first, second, _, _ = met
    author, missing = (first, second) if left_alone else (second, first)
    keys = boxes.sample * people + boxes.person
    start = np.searchsorted(keys, where * people + author, side="left")
    count = np.searchsorted(keys, where * people + author, side="right") - start
    meeting = np.repeat(np.arange(len(where)), count)
    box = np.repeat(start, count) + np.arange(len(meeting)) - np.repeat(np.cumsum(count) - count, count)
    alone = ~np.isin(box * people + missing[meeting], taken)
    meeting, box = meeting[alone], box[alone]
    drawn, none = boxes.category[box], np.full(len(box), nothing, np.int64)
    one, other = (drawn, none) if left_alone else (none, drawn)
    return Pairs(where[meeting], first[meeting], second[meeting], one, other, np.full(len(box), np.nan))


def _key(pairs: Pairs, people: int) -> Ints:
    return (pairs.sample * people + pairs.first) * people + pairs.second


def _kept(pairs: Pairs, rows: npt.NDArray[np.bool_]) -> Pairs:
    return Pairs(*(column[rows] for column in vars(pairs).values()))


def _joined(*parts: Pairs) -> Pairs:
    columns = zip(*(vars(part).values() for part in parts), strict=True)
    return Pairs(*(np.concatenate(column) for column in columns))


def _objects(
    boxes: Boxes, found: Overlaps, people: Ints, reference: int | None, categories: Categories
) -> tuple[Floats, Ints]:
    """How many people gave each object each category, `[I, C]`, and the sample of each object, `[I]`."""
    if reference is not None:
        apart = (boxes.person[found.left] != reference) & (boxes.person[found.right] != reference)
        found = found.only(apart)
    object_of = objects_of_all(boxes, found)
    mine = boxes.person != reference if reference is not None else np.ones(len(object_of), bool)
    known, number = np.unique(object_of[mine], return_inverse=True)
    counts = _counts(number, boxes.category[mine], len(known), categories.count)
    owner = boxes.sample[known]
    counts[:, categories.nothing] = people[owner] - counts.sum(1)
    return counts, owner
