"""α and κ give what their authors, other people's programs and the bare definitions give."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score, confusion_matrix

from app.domain.agreement import coefficients, figures
from app.domain.agreement.tally import Tally
from tests.domain import agreement_examples as examples

TABLES = st.integers(2, 4).flatmap(
    lambda people: st.integers(2, 12).flatmap(
        lambda units: st.lists(
            st.lists(st.one_of(st.none(), st.integers(0, 3)), min_size=units, max_size=units),
            min_size=people,
            max_size=people,
        )
    )
)


@pytest.mark.parametrize(
    ("table", "published"),
    [
        (examples.FOUR_OBSERVERS, 0.743),
        (examples.BEN_AND_GERRY, 0.692),
        (examples.MEG_AND_OWEN, 0.095),
        (examples.THREE_CODERS, 0.691),
    ],
    ids=["four observers", "Ben and Gerry", "Meg and Owen", "three coders"],
)
def test_alpha_is_that_of_published_examples(table: examples.Table, published: float) -> None:
    assert round(_alpha(examples.tallied(table)) or 0, 3) == published


def test_alpha_and_that_of_each_class_are_those_of_another_program() -> None:
    tally = examples.tallied(examples.SIXTY_UNITS, classes=4)
    assert _alpha(tally) == pytest.approx(examples.SIXTY_ALPHA, abs=1e-12)
    each = [figures.alpha(tally, tally.everybody, category).value for category in range(4)]
    assert each == pytest.approx(examples.SIXTY_ALPHA_OF_EACH, abs=1e-12)


def test_alpha_of_complete_data_is_fleiss_kappa_but_for_its_correction_of_small_samples() -> None:
    counts = np.array(examples.FOURTEEN_RATERS, float)
    raters, subjects = counts.sum(1)[0], len(counts)
    alpha = coefficients.alpha((counts * (counts - 1) / (raters - 1)).sum(0), counts.sum(0))
    # 1 − α = (1 − κ) (1 − 1/n) with n values in all: Krippendorff's correction.
    kappa = 1 - (1 - alpha) / (1 - 1 / (raters * subjects))
    assert round(float(kappa), 3) == 0.210


def test_kappa_is_that_of_the_published_example() -> None:
    # 50 applications for a grant: both yes 20, both no 15, 5 and 10 apart. κ = 0.4.
    kappa = coefficients.kappa(np.array([20.0, 15]), np.array([25.0, 25]), np.array([30.0, 20]), np.array(50.0))
    assert float(kappa) == pytest.approx(0.4)


@settings(max_examples=150, deadline=None)
@given(TABLES)
def test_alpha_is_what_its_definition_says(table: examples.Table) -> None:
    tally = examples.tallied(table, classes=4)
    found = _alpha(tally)
    expected = examples.alpha_the_long_way(table) if tally.everybody.samples else math.nan
    assert (found is None and math.isnan(expected)) or found == pytest.approx(expected, abs=1e-9)


@settings(max_examples=150, deadline=None)
@given(TABLES)
def test_kappa_of_every_two_is_that_of_scikit_learn(table: examples.Table) -> None:
    tally = examples.tallied(table, classes=4)
    for first in range(len(table)):
        for second in range(first + 1, len(table)):
            both = [(a, b) for a, b in zip(table[first], table[second], strict=True) if a is not None and b is not None]
            two = figures.of_two(tally, first, second)
            if not both:
                assert two is None
                continue
            assert two is not None
            of_each = [figures.of_two(tally, first, second, category) for category in range(4)]
            _check_kappa(two, of_each, *map(list, zip(*both, strict=True)))


def _alpha(tally: Tally) -> float | None:
    return figures.alpha(tally, tally.everybody).value


def _check_kappa(two: figures.Two, of_each: list[figures.Two | None], ones: list[int], others: list[int]) -> None:
    table = confusion_matrix(ones, others, labels=[0, 1, 2, 3])
    constant = (table.sum(0) * table.sum(1)).sum() == table.sum() ** 2
    if constant:
        assert two.kappa.value is None, "everybody said one class: κ is not defined"
    else:
        assert two.kappa.value == pytest.approx(cohen_kappa_score(ones, others), abs=1e-9)
    for category, found in enumerate(of_each):
        assert found is not None
        one, other = [value == category for value in ones], [value == category for value in others]
        if len({*one, *other}) > 1 and found.kappa.value is not None:
            assert found.kappa.value == pytest.approx(cohen_kappa_score(one, other), abs=1e-9)
    assert two.same.value == pytest.approx(sum(a == b for a, b in zip(ones, others, strict=True)) / len(ones))


def test_who_comes_first_does_not_matter() -> None:
    tally = examples.tallied(examples.SIXTY_UNITS, classes=4)
    assert figures.of_two(tally, 0, 2) == figures.of_two(tally, 2, 0)


def test_one_against_all_others_adds_the_tables_of_the_pairs() -> None:
    table = examples.SIXTY_UNITS
    ones, others = [], []
    for other in (0, 2):
        pairs = [(a, b) for a, b in zip(table[1], table[other], strict=True) if a is not None and b is not None]
        ones += [a for a, _ in pairs]
        others += [b for _, b in pairs]
    found = figures.of_one(examples.tallied(table, classes=4), 1, range(3))
    assert found is not None
    assert found.kappa.value == pytest.approx(cohen_kappa_score(ones, others), abs=1e-9)


def test_a_share_of_all_is_not_said_to_be_certain() -> None:
    low, high = coefficients.wilson(10, 10) or (0, 0)
    # Published for Wilson's interval of 10 out of 10.
    assert (round(low, 4), round(high, 9)) == (0.7225, 1.0)
    assert coefficients.wilson(0, 0) is None
