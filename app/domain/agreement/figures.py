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
    """Two people: everything about them together, and κ of each class (`[K]`)."""

    kappa: Estimate
    same: Estimate
    found: Estimate
    iou: Estimate
    kappa_of_each: list[Estimate]


@dataclass(frozen=True)
class Right:
    """One person against the reference: how much is right, and the same for each class."""

    score: Estimate
    precision: Estimate
    recall: Estimate
    of_each: list[Estimate]


def alpha_of_all(tally: Tally, sums: Sums | None = None) -> Estimate:
    """Krippendorff's α; for several labels per sample the mean over the classes that anybody gave."""
    sums = tally.everybody if sums is None else sums
    same, values, total = _alpha_parts(tally, sums)
    if tally.task == "multilabel":
        return _estimate(_mean(_classes(tally, coefficients.alpha_of_each(same, values, total))), sums, total[0])
    return _estimate(coefficients.alpha(same, values), sums, total[0])


def alpha_of_each(tally: Tally) -> list[Estimate]:
    """α of every class of the schema. `items` are the values that were this class."""
    same, values, total = _alpha_parts(tally, tally.everybody)
    each = _classes(tally, coefficients.alpha_of_each(same, values, total))
    return [_estimate(each[:, n], tally.everybody, values[0, n]) for n in range(each.shape[1])]


def of_two(tally: Tally, first: int, second: int) -> Two | None:
    """What two people have in common; None if they never answered the same sample."""
    sums = tally.pairs.get((min(first, second), max(first, second)))
    if sums is None:
        return None
    return _two(tally, sums, sums.both(), swap=first > second)


def of_one(tally: Tally, person: int, others: Iterable[int]) -> Two | None:
    """One person against all others taken together: their tables with this person are added up."""
    found = [(tally.pairs[pair], pair[0] != person) for pair in _pairs_of(person, others) if pair in tally.pairs]
    if not found:
        return None
    rows = sum(_turned(tally, sums.both()) if swap else sums.both() for sums, swap in found)
    samples = Sums(found[0][0].exact, found[0][0].drawn, sum(sums.samples for sums, _ in found))
    return _two(tally, samples, np.asarray(rows), swap=False)


def against_reference(tally: Tally, person: int, reference: int) -> Right | None:
    """How often `person` says what the reference says. The reference has the higher number.

    Classification: the share of samples, with Wilson's interval. Otherwise the F-measure over objects or classes.
    """
    sums = tally.pairs.get((person, reference))
    if sums is None:
        return None
    both, said, truth, items = _pair_parts(tally, sums.both())
    found, marked, there = (_classes(tally, part) for part in (both, said, truth))
    each = [
        _estimate(coefficients.f_measure(found[:, n], there[:, n], marked[:, n]), sums, there[0, n])
        for n in range(found.shape[1])
    ]
    right = _estimate(coefficients.precision(found.sum(1), marked.sum(1)), sums, marked[0].sum())
    recall = _estimate(coefficients.precision(found.sum(1), there.sum(1)), sums, there[0].sum())
    score = _estimate(coefficients.f_measure(found.sum(1), there.sum(1), marked.sum(1)), sums, items[0])
    if tally.task == "classification":
        score = share(int(found[0].sum()), int(items[0]))
    return Right(score, right, recall, each)


def share(right: int, total: int) -> Estimate:
    """A share of samples with Wilson's interval."""
    low, high = coefficients.wilson(right, total) or (None, None)
    return Estimate(right / total if total else None, low, high, total, total)


def _two(tally: Tally, sums: Sums, rows: Floats, *, swap: bool) -> Two:
    rows = _turned(tally, rows) if swap else rows
    both, first, second, items = _pair_parts(tally, rows)
    each = _classes(tally, coefficients.kappa_of_each(both, first, second, items))
    whole = coefficients.kappa(both, first, second, items)
    same = coefficients.same_share(both, items)
    if tally.task == "multilabel":
        classes = len(tally.categories.names)
        differ = (first + second - 2 * both).sum(1)
        whole, same = _mean(each), 1 - coefficients.precision(differ, items * classes)
    inside = [_classes(tally, part).sum(1) for part in (both, first, second)]
    found = coefficients.f_measure(*inside)
    near = coefficients.precision(rows[:, -2], rows[:, -1])
    return Two(
        _estimate(whole, sums, items[0]),
        _estimate(same, sums, items[0]),
        _estimate(found, sums, items[0]),
        _estimate(near, sums, rows[0, -1]),
        [_estimate(each[:, n], sums, first[0, n] + second[0, n]) for n in range(each.shape[1])],
    )


def _pairs_of(person: int, others: Iterable[int]) -> list[tuple[int, int]]:
    return [(min(person, other), max(person, other)) for other in others if other != person]


def _alpha_parts(tally: Tally, sums: Sums) -> tuple[Floats, Floats, Floats]:
    rows, count = sums.both(), tally.categories.count
    return rows[:, :count], rows[:, count : 2 * count], rows[:, -1]


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
