"""Intervals come from samples drawn again, whatever the batches, and every figure tells what it rests on."""

import numpy as np
import pytest

from app.domain.agreement import coefficients, figures
from app.domain.agreement.answers import Categories, Given, Marks, compare
from app.domain.agreement.tally import Tally
from app.domain.labels import Task

CLASSES = Categories(("cat", "dog", "hen"))


def people_of(samples: int, right: float = 0.8, people: int = 3, seed: int = 5) -> np.ndarray:
    """`[people, samples]` classes: each is the true one with probability `right`, else any."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 3, samples)
    return np.where(random.random((people, samples)) < right, truth, random.integers(0, 3, (people, samples)))


def tally_of(table: np.ndarray, batch: int) -> Tally:
    tally = Tally.begin(Task.CLASSIFICATION, CLASSES, len(table), 4)
    for start in range(0, table.shape[1], batch):
        part = table[:, start : start + batch]
        given = [Given(s, p, int(part[p, s])) for s in range(part.shape[1]) for p in range(len(table))]
        weeks = np.arange(start, start + part.shape[1]) * 4 // table.shape[1]
        tally.take_in(compare(Task.CLASSIFICATION, CLASSES, part.shape[1], given, None, 0.5), weeks)
    return tally


def _alpha(tally: Tally) -> figures.Estimate:
    return figures.alpha(tally, tally.everybody)


def test_batches_change_nothing() -> None:
    table = people_of(200)
    one, many = tally_of(table, 200), tally_of(table, 17)
    assert figures.alpha(one, one.everybody).low == pytest.approx(figures.alpha(many, many.everybody).low, abs=1e-6)
    first, second = figures.of_two(one, 0, 1), figures.of_two(many, 0, 1)
    assert first is not None
    assert second is not None
    assert first.kappa.value == second.kappa.value
    assert first.kappa.high == pytest.approx(second.kappa.high, abs=1e-6)
    assert one.cells == many.cells


def test_the_same_labels_give_the_same_interval() -> None:
    table = people_of(80)
    assert _alpha(tally_of(table, 40)) == _alpha(tally_of(table, 40))


def test_the_interval_is_that_of_drawing_samples_with_replacement() -> None:
    table = people_of(400)
    found = _alpha(tally_of(table, 400))
    counts = np.stack([(table == c).sum(0) for c in range(3)], axis=1).astype(float)
    random = np.random.default_rng(1)
    drawn = []
    for _ in range(2000):
        some = counts[random.integers(0, 400, 400)]
        drawn.append(coefficients.alpha((some * (some - 1) / 2).sum(0), some.sum(0)))
    low, high = np.percentile(drawn, [2.5, 97.5])
    assert found.low == pytest.approx(low, abs=0.01)
    assert found.high == pytest.approx(high, abs=0.01)


def test_four_times_the_samples_halve_the_interval() -> None:
    few, many = (_alpha(tally_of(people_of(n), 500)) for n in (250, 1000))
    widths = [(estimate.high or 0) - (estimate.low or 0) for estimate in (few, many)]
    assert widths[0] / widths[1] == pytest.approx(2, rel=0.25)


def test_boxes_of_one_image_are_drawn_together() -> None:
    # Each image is all right or all wrong: 10 boxes in each tell no more than one would.
    def tally(boxes: int) -> figures.Two | None:
        made = Tally.begin(Task.DETECTION, CLASSES, 2, 1)
        given = []
        for image in range(40):
            mine = tuple((0, 100.0 * n, 0.0, 50.0, 50.0) for n in range(boxes))
            yours = mine if image % 4 else tuple((1, *box[1:]) for box in mine)
            given += [Given(image, 0, Marks.of(mine)), Given(image, 1, Marks.of(yours))]
        made.take_in(compare(Task.DETECTION, CLASSES, 40, given, None, 0.5), np.zeros(40, np.int64))
        return figures.of_two(made, 0, 1)

    one, ten = tally(1), tally(10)
    assert one is not None
    assert ten is not None
    assert (one.same.low, one.same.high) == (pytest.approx(ten.same.low), pytest.approx(ten.same.high))
    assert (ten.same.items, ten.same.samples) == (400, 40)


def test_what_rests_on_one_sample_has_no_interval() -> None:
    found = figures.of_two(tally_of(np.array([[0], [1]]), 5), 0, 1)
    assert found is not None
    assert (found.same.value, found.same.low, found.same.samples) == (0.0, None, 1)


def test_everybody_saying_one_class_leaves_alpha_without_a_value() -> None:
    found = _alpha(tally_of(np.zeros((2, 20), int), 20))
    assert (found.value, found.low, found.samples) == (None, None, 20)


def test_weeks_hold_the_samples_of_all() -> None:
    tally = tally_of(people_of(100), 30)
    assert sorted(tally.weeks) == [0, 1, 2, 3]
    assert sum(sums.samples for sums in tally.weeks.values()) == tally.everybody.samples == 100
    assert figures.alpha(tally, tally.weeks[2]).samples == 25


def test_several_labels_of_a_sample_are_decisions_of_their_own() -> None:
    answers = [((0,), (0,)), ((0, 1), (0,)), ((1,), (1,)), ((), (2,)), ((0,), (0,))]
    given = [Given(s, p, answer) for s, pair in enumerate(answers) for p, answer in enumerate(pair)]
    tally = Tally.begin(Task.MULTILABEL, CLASSES, 2, 1)
    tally.take_in(compare(Task.MULTILABEL, CLASSES, 5, given, None, 0.5), np.zeros(5, np.int64))
    two = figures.of_two(tally, 0, 1)
    assert two is not None
    # cat: always the same; dog: 1 of 5 apart, κ = (0.8 − 0.56) / (1 − 0.56); hen: κ = 0, one of them never said it.
    assert [figures.of_two(tally, 0, 1, category).kappa.value for category in range(3)] == [
        1.0,
        pytest.approx(0.24 / 0.44),
        pytest.approx(0.0),
    ]
    assert two.kappa.value == pytest.approx((1 + 0.24 / 0.44 + 0) / 3)
    assert two.same.value == pytest.approx(13 / 15)
    assert tally.cells[0, 1, 1, CLASSES.nothing] == 1
    assert tally.cells[0, 1, CLASSES.nothing, 2] == 1


def test_many_people_and_classes_fit_into_a_bounded_number_of_sums() -> None:
    wide = Tally.begin(Task.DETECTION, Categories(tuple(map(str, range(300)))), 13, 26)
    assert wide.resamples < Tally.begin(Task.CLASSIFICATION, CLASSES, 3, 26).resamples == 1000
