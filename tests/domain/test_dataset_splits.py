"""Splits: units stay together, shares are kept, the same input gives the same split, and what is settled stays."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.dataset_splits import NO_CLASS, Groups, Placing, SplitPlan, Stock, rank, settled, spoken
from app.errors import Invalid

Units = list[tuple[str, dict[str, int]]]


def place(units: Units, plan: SplitPlan = SplitPlan()) -> dict[str, str]:
    """What the services do: count, then hand out in the order of the ranks."""
    stock = Stock()
    for _, counts in units:
        stock.total.update(counts)
        stock.expect(counts)
    placing = Placing(stock, plan)
    ordered = sorted(units, key=lambda unit: rank(plan.seed, unit[0]))
    return {content: placing.place(counts) for content, counts in ordered}


def test_shares_are_kept_in_every_class() -> None:
    units = [(f"u{n}", {("cat", "dog", "dog", "dog")[n % 4]: 1}) for n in range(400)]
    found = place(units)
    by_class = {name: Counter(found[c] for c, counts in units if name in counts) for name in ("cat", "dog")}
    assert by_class["cat"] == {"train": 70, "validation": 15, "test": 15}
    assert by_class["dog"] == {"train": 210, "validation": 45, "test": 45}


@given(st.dictionaries(st.text("abc", min_size=1, max_size=6), st.sampled_from(["x", "y"]), max_size=40), st.randoms())
def test_split_does_not_depend_on_the_order(units: dict[str, str], luck: object) -> None:
    given_units: Units = [(content, {name: 1}) for content, name in units.items()]
    assert place(given_units) == place(list(reversed(given_units)))


@pytest.mark.parametrize("seed", range(20))
def test_class_of_three_units_is_in_every_split(seed: int) -> None:
    units: Units = [(f"common{n}", {"common": 1}) for n in range(40)] + [(f"rare{n}", {"rare": 1}) for n in range(3)]
    found = place(units, SplitPlan(seed=seed))
    assert {found[f"rare{n}"] for n in range(3)} == {"train", "validation", "test"}


def test_split_without_a_share_gets_nothing() -> None:
    found = place([(f"u{n}", {"a": 1}) for n in range(50)], SplitPlan(validation=0.2, test=0))
    assert Counter(found.values()) == {"train": 40, "validation": 10}


def test_large_unit_trains() -> None:
    units: Units = [("video", {"a": 60}), *((f"u{n}", {"a": 1}) for n in range(40))]
    assert all(place(units, SplitPlan(seed=seed))["video"] == "train" for seed in range(20))


def test_new_units_fill_what_the_earlier_version_left() -> None:
    statistics = {"classes": {"a": {"samples": 100, "train": 100}}, "no_class": {"samples": 2, "test": 2}}
    stock = Stock.of(statistics)
    assert stock.have["test"] == {"a": 0, NO_CLASS: 2}
    for _ in range(20):
        stock.add(["a"], None)
        stock.expect(["a"])
    placing = Placing(stock, SplitPlan())
    assert Counter(placing.place({"a": 1}) for _ in range(20)) == {"test": 18, "validation": 2}


def test_unit_of_several_splits_goes_to_training_first() -> None:
    assert settled(["test", "train"]) == "train"
    assert settled(["test", "validation"]) == "validation"
    assert settled([]) is None


def test_words_of_other_tools_are_understood() -> None:
    assert [spoken(word) for word in ("val", "Training", " test ", "holdout", None)] == [
        "validation", "train", "test", None, None,
    ]  # fmt: skip


def test_share_that_leaves_nothing_to_train_with_is_refused() -> None:
    with pytest.raises(Invalid, match="shares"):
        SplitPlan(validation=0.6)


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=30))
def test_groups_are_the_connected_parts(pairs: list[tuple[int, int]]) -> None:
    groups, reached = Groups(), {n: {n} for n in range(13)}
    for one, other in pairs:
        groups.join(one, other)
        together = reached[one] | reached[other]
        for each in together:
            reached[each] = together
    for one in range(13):
        for other in range(13):
            assert (groups.root(one) == groups.root(other)) == (other in reached[one])
