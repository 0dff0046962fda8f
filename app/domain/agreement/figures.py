"""Sums → estimates with 95 % intervals (the 2.5th and 97.5th percentile of the resamples).

An estimate is None where the coefficient is not defined; its interval is None where fewer than two samples went in or
more than one in ten resamples had no value.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.domain.agreement import coefficients
from app.domain.agreement.tally import Sums, Tally
from app.domain.labels import Task

Floats = npt.NDArray[np.float64]
ENOUGH = 0.9


@dataclass(frozen=True)
class Estimate:
    """A figure, its interval, and what it rests on: `items` compared in `samples`."""

    value: float | None
    low: float | None
    high: float | None
    items: int
    samples: int


@dataclass(frozen=True)
class Two:
    """Two people: κ, the share of same answers, the F-measure, and the mean IoU of boxes of one object."""

    kappa: Estimate
    same: Estimate
    found: Estimate
    iou: Estimate


@dataclass(frozen=True)
class Right:
    """One person against the reference."""

    score: Estimate
    precision: Estimate
    recall: Estimate


def alpha(tally: Tally, sums: Sums, category: int | None = None) -> Estimate:
    """Krippendorff's α out of sums of `tally`; of one class, or of all.

    Where a sample has several labels, α of all is the mean over the classes that anybody gave.
    """
    rows, count = sums.both(), tally.categories.count
    same, values, total = rows[:, :count], rows[:, count : 2 * count], rows[:, -1]
    if category is not None:
        each = coefficients.alpha_of_each(same[:, [category]], values[:, [category]], total)
        return _estimate(each[:, 0], sums, values[0, category])
    if tally.task == Task.MULTILABEL:
        return _estimate(_mean(_classes(tally, coefficients.alpha_of_each(same, values, total))), sums, total[0])
    return _estimate(coefficients.alpha(same, values), sums, total[0])


def of_two(tally: Tally, first: int, second: int, category: int | None = None) -> Two | None:
    """What two people have in common; None if they never answered the same sample."""
    sums = tally.pairs.get((min(first, second), max(first, second)))
    return None if sums is None else _two(tally, sums, sums.both(), category)


def of_one(tally: Tally, person: int, others: Iterable[int], category: int | None = None) -> Two | None:
    """One person against all others taken together: their tables with this person are added up."""
    pairs = [(min(person, other), max(person, other)) for other in others if other != person]
    found = [(tally.pairs[pair], pair[0] != person) for pair in pairs if pair in tally.pairs]
    if not found:
        return None
    rows = sum(_turned(tally, sums.both()) if swap else sums.both() for sums, swap in found)
    # A sample that three people answered is two meetings of one of them; it was drawn as one sample all the same.
    met = Sums(found[0][0].exact, found[0][0].drawn, sum(sums.samples for sums, _ in found))
    return _two(tally, met, np.asarray(rows), category)


def against_reference(tally: Tally, person: int, reference: int, category: int | None = None) -> Right | None:
    """How often `person` says what the reference says. The reference has the higher number.

    Classification: the share of samples, with Wilson's interval. Of one class, and of boxes or several labels: the
    F-measure, the harmonic mean of precision and recall.
    """
    sums = tally.pairs.get((person, reference))
    if sums is None:
        return None
    both, said, truth, items = _pair_parts(tally, sums.both())
    chosen = slice(0, len(tally.categories.names)) if category is None else slice(category, category + 1)
    found, marked, there = (part[:, chosen].sum(1) for part in (both, said, truth))
    right = _estimate(coefficients.precision(found, marked), sums, marked[0])
    recall = _estimate(coefficients.precision(found, there), sums, there[0])
    if tally.task == Task.CLASSIFICATION and category is None:
        return Right(share(int(both[0].sum()), int(items[0])), right, recall)
    return Right(_estimate(coefficients.f_measure(found, there, marked), sums, items[0]), right, recall)


def share(right: int, total: int) -> Estimate:
    """A share of samples with Wilson's interval."""
    low, high = coefficients.wilson(right, total) or (None, None)
    return Estimate(right / total if total else None, low, high, total, total)


def _two(tally: Tally, sums: Sums, rows: Floats, category: int | None) -> Two:
    both, first, second, items = _pair_parts(tally, rows)
    if category is not None:
        both, first, second = both[:, [category]], first[:, [category]], second[:, [category]]
    if category is not None or tally.task == Task.MULTILABEL:
        # Every class is a question of its own, yes or no; of several questions the mean.
        both, first, second = (_classes(tally, part) for part in (both, first, second))
        kappa = _mean(coefficients.kappa_of_each(both, first, second, items))
        same = 1 - coefficients.precision((first + second - 2 * both).sum(1), items * both.shape[1])
    else:
        kappa, same = coefficients.kappa(both, first, second, items), coefficients.same_share(both, items)
    found = coefficients.f_measure(*(_classes(tally, part).sum(1) for part in (both, first, second)))
    near = coefficients.precision(rows[:, -2], rows[:, -1])
    return Two(
        _estimate(kappa, sums, items[0]),
        _estimate(same, sums, items[0]),
        _estimate(found, sums, items[0]),
        _estimate(near, sums, rows[0, -1]),
    )


def _pair_parts(tally: Tally, rows: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    count = tally.categories.count
    return rows[:, :count], rows[:, count : 2 * count], rows[:, 2 * count : 3 * count], rows[:, 3 * count]


def _turned(tally: Tally, rows: Floats) -> Floats:
    """The sums of the same two people in the other order."""
    both, first, second, _ = _pair_parts(tally, rows)
    return np.concatenate([both, second, first, rows[:, 3 * tally.categories.count :]], axis=1)


def _classes(tally: Tally, numbers: Floats) -> Floats:
    """Only the classes of the schema."""
    return numbers[:, : len(tally.categories.names)]


def _mean(each: Floats) -> Floats:
    """Over the classes that have a value; NaN where none has."""
    known = ~np.isnan(each)
    counts = known.sum(1)
    sums = np.where(known, each, 0.0).sum(1)
    mean: Floats = np.divide(sums, counts, out=np.full(len(each), np.nan), where=counts > 0)
    return mean


def _estimate(values: Floats, sums: Sums, items: float) -> Estimate:
    value, drawn = float(values[0]), values[1:]
    known = drawn[~np.isnan(drawn)]
    count = round(float(items))
    if np.isnan(value):
        return Estimate(None, None, None, count, sums.samples)
    if sums.samples < 2 or len(known) < ENOUGH * len(drawn):
        return Estimate(value, None, None, count, sums.samples)
    low, high = np.percentile(known, [2.5, 97.5])
    return Estimate(value, float(low), float(high), count, sums.samples)
