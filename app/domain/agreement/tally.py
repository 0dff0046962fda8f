"""Sums over batches of samples, with a bootstrap beside every sum.

The bootstrap is over samples, because what is labelled together (the boxes of one image) is wrong together. Drawing n
samples out of n with replacement gives each sample a multinomial count; here each sample draws a count of its own from
Poisson(1) for every resample (the Poisson bootstrap; Hanley and MacGibbon, Creating non-parametric bootstrap samples
using Poisson frequencies, 2006; Chamandy et al., Estimating Uncertainty for Massive Data Streams, 2012). So samples can
come in any number of batches, and what is kept is one row of sums for each resample, however many samples there are.
The generator is seeded: the same labels give the same intervals, however they are cut into batches.
"""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from app.domain.agreement.answers import MOST_PAIRED, Categories, Compared
from app.domain.labels import Task

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
MOST_RESAMPLES, FEWEST_RESAMPLES = 1000, 100
# How many sums are kept in all, each four bytes.
MOST_SUMS = 12_000_000
SEED = 20_110_125
# Poisson(1) out of two random bytes: value k where the bytes are below its cumulative probability. Ten times as fast as
# drawing, and off by less than 1/65,536 anywhere.
_UPTO = np.round(np.cumsum(np.exp(-1) / np.array([1, 1, 2, 6, 24, 120, 720, 5040, 40320])) * 65_536)
_POISSON = np.searchsorted(_UPTO, np.arange(65_536), side="right").astype(np.float32)


@dataclass
class Sums:
    """Sums of `F` numbers: exactly, and once for each of `B` resamples; and how many samples went in."""

    exact: Floats
    drawn: npt.NDArray[np.float32]
    samples: int = 0

    @classmethod
    def empty(cls, size: int, resamples: int) -> "Sums":
        return cls(np.zeros(size), np.zeros((resamples, size), np.float32))

    def add(self, numbers: Floats, weights: npt.NDArray[np.float32]) -> None:
        """Take in `[S, F]` numbers, one row for each sample, with their weights `[S, B]`."""
        self.exact += numbers.sum(0)
        self.drawn += weights.T @ numbers.astype(np.float32)
        self.samples += len(numbers)

    def both(self) -> Floats:
        """Row 0 is exact, the others are the resamples: `[1 + B, F]`."""
        return np.concatenate([self.exact[None, :], self.drawn.astype(np.float64)])


@dataclass
class Tally:
    """What is known after any number of batches.

    `pairs` has, for every two people, the sums both[C], first[C], second[C], items, IoU, boxes with an IoU.
    `everybody` and `weeks` have those of α: same[C], values[C], total.
    `cells` counts what two people said about one item: (first, second, what one said, what the other said).
    """

    task: Task
    categories: Categories
    people: int
    resamples: int
    everybody: Sums
    weeks: dict[int, Sums] = field(default_factory=dict)
    pairs: dict[tuple[int, int], Sums] = field(default_factory=dict)
    cells: Counter[tuple[int, int, int, int]] = field(default_factory=Counter)
    _random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(SEED))

    @classmethod
    def begin(cls, task: Task, categories: Categories, people: int, weeks: int) -> "Tally":
        """For `people` persons, the reference included, and at most as many weeks."""
        of_pair, of_alpha = 3 * categories.count + 3, 2 * categories.count + 1
        paired = min(people, MOST_PAIRED)
        width = (paired * (paired - 1) // 2 + people) * of_pair + (1 + weeks) * of_alpha
        resamples = max(FEWEST_RESAMPLES, min(MOST_RESAMPLES, MOST_SUMS // width))
        return cls(task, categories, people, resamples, Sums.empty(of_alpha, resamples))

    def take_in(self, batch: Compared, weeks: Ints) -> None:
        """Take in a batch; `weeks` `[S]` is the week of each sample, below 0 where it is not asked for."""
        weights = _POISSON[self._random.integers(0, 65_536, (len(weeks), self.resamples), np.uint16)]
        of_alpha = np.concatenate([batch.same, batch.values, batch.total[:, None]], axis=1)
        judged = batch.total > 0
        self.everybody.add(of_alpha[judged], weights[judged])
        for week in np.unique(weeks[judged & (weeks >= 0)]).tolist():
            rows = judged & (weeks == week)
            sums = self.weeks.setdefault(week, Sums.empty(of_alpha.shape[1], self.resamples))
            sums.add(of_alpha[rows], weights[rows])
        self._add_pairs(batch, weights)

    def _add_pairs(self, batch: Compared, weights: npt.NDArray[np.float32]) -> None:
        sample, first, second = batch.met
        items, people = batch.pairs, self.people
        met, of_items = first * people + second, items.first * people + items.second
        for key in np.flatnonzero(np.bincount(met)).tolist():
            rows, mine = sample[met == key], of_items == key
            numbers = self._numbers(np.searchsorted(rows, items.sample[mine]), len(rows), batch, mine)
            pair = divmod(key, people)
            if pair not in self.pairs:
                self.pairs[pair] = Sums.empty(numbers.shape[1], self.resamples)
            self.pairs[pair].add(numbers, weights[rows])
        count = self.categories.count
        cells, often = np.unique((of_items * count + items.one) * count + items.other, return_counts=True)
        for cell, times in zip(cells.tolist(), often.tolist(), strict=True):
            key, said = divmod(cell, count * count)
            self.cells[(*divmod(key, people), *divmod(said, count))] += times

    def _numbers(self, row: Ints, rows: int, batch: Compared, mine: npt.NDArray[np.bool_]) -> Floats:
        """The sums of one pair for each of `rows` samples; `row` says to which of them each item belongs."""
        count, nothing = self.categories.count, self.categories.nothing
        one, other, iou = batch.pairs.one[mine], batch.pairs.other[mine], batch.pairs.iou[mine]
        shape, size = (rows, count), rows * count
        same = np.bincount((row * count + one)[one == other], minlength=size).reshape(shape)
        first = np.bincount(row * count + one, minlength=size).reshape(shape)
        second = np.bincount(row * count + other, minlength=size).reshape(shape)
        if self.task == Task.MULTILABEL:
            # There the items of a class are all samples, and "not this class" is no category of its own.
            first[:, nothing] = second[:, nothing] = 0
            items = np.ones(rows)
        else:
            items = np.bincount(row, minlength=rows).astype(np.float64)
        met = ~np.isnan(iou)
        near = np.bincount(row[met], weights=iou[met], minlength=rows)
        boxes = np.bincount(row[met], minlength=rows)
        return np.column_stack([same, first, second, items, near, boxes]).astype(np.float64)
