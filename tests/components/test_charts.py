"""Numbers become bars and figures without losing or inventing any."""

import json

import pytest

from app import charts

PER_CLASS = {
    "0": {"precision": 1.0, "recall": 1.0, "f1": 1.0, "support": 27},
    "8": {"precision": 1.0, "recall": 0.71, "f1": 0.83, "support": 26},
}


def test_a_class_that_is_recognised_badly_is_marked() -> None:
    good, bad = charts.per_class_bars(PER_CLASS)
    assert (good["percent"], good["text"], good["tone"]) == (100.0, "1.000", "plain")
    assert (bad["percent"], bad["text"], bad["tone"]) == (83.0, "0.830", "warning")
    assert "recall 0.710" in bad["hint"]
    assert "26 test samples" in bad["hint"]


def test_another_score_can_be_asked_for() -> None:
    assert charts.per_class_bars(PER_CLASS, "recall")[1]["text"] == "0.710"


def test_bars_to_come_are_as_many_and_name_no_figure() -> None:
    known = charts.class_balance_bars({"0": 3, "1": 1})
    coming = charts.class_balance_to_come(["0", "1"])
    assert [bar["label"] for bar in coming] == [bar["label"] for bar in known]
    assert {(bar["percent"], bar["text"], bar["tone"]) for bar in coming} == {(0.0, "…", "plain")}


def test_the_largest_class_fills_the_line_and_a_rare_one_is_marked() -> None:
    zero, one, two = charts.class_balance_bars({"0": 1000, "1": 900, "2": 100})
    assert (zero["percent"], zero["text"], zero["tone"]) == (100.0, "1,000", "plain")
    assert one["percent"] == 90.0
    assert one["hint"] == "1: 900 of 2,000 samples (45.0%)"
    assert (two["percent"], two["tone"]) == (10.0, "warning")


@pytest.mark.parametrize("counts", [{}, {"0": 0, "1": 0}])
def test_a_dataset_without_labels_has_empty_bars(counts: dict[str, int]) -> None:
    assert [bar["percent"] for bar in charts.class_balance_bars(counts)] == [0.0] * len(counts)


def test_accuracy_by_version_keeps_the_order_and_leaves_gaps() -> None:
    drawn = charts.accuracy_by_version([("1.0.0", 0.97), ("1.1.0", None), ("1.10.0", 0.99)])
    trace = drawn["data"][0]
    assert trace["x"] == ["1.0.0", "1.1.0", "1.10.0"]
    assert trace["y"] == [0.97, None, 0.99]
    low, high = drawn["layout"]["yaxis"]["range"]
    assert low < 0.97
    assert high > 0.99
    assert drawn["layout"]["xaxis"]["type"] == "category"


@pytest.mark.parametrize("versions", [[], [("1.0.0", None)], [("1.0.0", 1.0)], [("1.0.0", 0.0)]])
def test_few_or_extreme_accuracies_still_give_a_range(versions: list[tuple[str, float | None]]) -> None:
    low, high = charts.accuracy_by_version(versions)["layout"]["yaxis"]["range"]
    assert 0 <= low < high


def test_compared_curves_are_named_and_plain_json() -> None:
    drawn = charts.compared_curves([{"name": "job a", "step": (1, 2), "value": (0.5, None)}], "loss")
    assert json.loads(json.dumps(drawn))["data"][0] == {
        "type": "scatter", "mode": "lines", "name": "job a", "line": {"width": 2}, "x": [1, 2], "y": [0.5, None],
    }  # fmt: skip
    assert drawn["layout"]["showlegend"] is True
