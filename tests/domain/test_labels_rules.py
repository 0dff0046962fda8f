"""What may be said about a sample: the values of each task, and every way in which a box can be wrong."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.labels import MAX_BOXES, LabelSchema, Task, checked_box, checked_rectangle, checked_value
from app.errors import Invalid

CELLS = [
    {"name": "RBC", "color": "#e5484d", "key": "r", "attributes": []},
    {
        "name": "WBC",
        "attributes": [
            {"name": "stage", "type": "choice", "choices": ["young", "old"]},
            {"name": "cut", "type": "flag"},
            {"name": "diameter", "type": "number"},
            {"name": "remark", "type": "text"},
        ],
    },
]
DETECTION = LabelSchema.of({"task": "detection", "classes": CELLS})
SIZE = (640, 480)
sides = st.integers(1, 6399)


def schema(task: str) -> LabelSchema:
    return LabelSchema.of({"task": task, "classes": [{"name": name} for name in ("cat", "dog", "cow")]})


def box(**fields: Any) -> dict[str, Any]:
    return {"id": "b1", "class": "WBC", "box": [1, 2, 3, 4], "attributes": {}, **fields}


def refused(call: Any, *arguments: Any) -> Invalid:
    with pytest.raises(Invalid) as caught:
        call(*arguments)
    return caught.value


def test_schema_without_a_task_is_for_classification() -> None:
    assert LabelSchema.of({"classes": [{"name": "a"}]}).task is Task.CLASSIFICATION


@pytest.mark.parametrize(
    ("task", "labels", "kept"),
    [
        ("classification", {"class": "dog"}, {"class": "dog"}),
        ("multilabel", {"classes": ["cow", "cat"]}, {"classes": ["cat", "cow"]}),
        ("multilabel", {"classes": []}, {"classes": []}),
        ("detection", {}, {}),
    ],
)
def test_each_task_has_its_shape(task: str, labels: dict[str, Any], kept: dict[str, Any]) -> None:
    value = checked_value(schema(task), labels)
    assert (value.labels, value.annotations) == (kept, [])


@pytest.mark.parametrize(
    ("task", "labels", "field"),
    [
        ("classification", {}, "labels.class"),
        ("classification", {"class": "horse"}, "labels.class"),
        ("classification", {"class": "cat", "classes": ["cat"]}, "labels.classes"),
        ("multilabel", {"class": "cat"}, "labels.class"),
        ("multilabel", {}, "labels.classes"),
        ("multilabel", {"classes": ["cat", "cat"]}, "labels.classes"),
        ("multilabel", {"classes": ["cat", "horse"]}, "labels.classes"),
        ("detection", {"class": "cat"}, "labels.class"),
    ],
)
def test_what_does_not_fit_the_task_is_refused(task: str, labels: dict[str, Any], field: str) -> None:
    assert refused(checked_value, schema(task), labels).fields["field"] == field


def test_only_detection_has_boxes() -> None:
    assert refused(checked_value, schema("classification"), {"class": "cat"}, [box()]).fields["field"] == "annotations"


def test_box_is_kept_with_its_attributes() -> None:
    attributes = {"cut": True, "stage": "young", "diameter": 7.5, "remark": "dark"}
    value = checked_value(DETECTION, {}, [box(attributes=attributes)], SIZE)
    assert value.annotations == [
        {"id": "b1", "class": "WBC", "box": [1.0, 2.0, 3.0, 4.0], "attributes": attributes},
    ]
    assert value.classes == ["WBC"]


@pytest.mark.parametrize(
    ("given_box", "words"),
    [
        ([1, 2, 3], "four finite numbers"),
        ([1, 2, 3, math.nan], "four finite numbers"),
        ([1, 2, math.inf, 4], "four finite numbers"),
        ([1, 2, 10**400, 4], "four finite numbers"),
        ([1, 2, True, 4], "four finite numbers"),
        (["1", 2, 3, 4], "four finite numbers"),
        (None, "four finite numbers"),
        ([5, 5, -3, 4], "corners are swapped"),
        ([5, 5, 3, -4], "corners are swapped"),
        ([5, 5, 0, 4], "no area"),
        ([5, 5, 4, 0.04], "no area"),
        ([-0.5, 5, 0.5, 4], "no area"),
        ([-0.6, 5, 30, 4], "outside its image"),
        ([600, 5, 40.6, 4], "outside its image"),
        ([5, 470, 4, 10.6], "outside its image"),
        ([700, 5, 4, 4], "outside its image"),
    ],
)
def test_box_that_is_none_is_refused(given_box: Any, words: str) -> None:
    problem = refused(checked_rectangle, given_box, SIZE, "annotations.7.box")
    assert words in problem.message
    assert problem.fields["field"] == "annotations.7.box"


def test_half_a_pixel_outside_is_clipped() -> None:
    assert checked_rectangle([-0.5, -0.25, 640.9, 480.7], SIZE) == [0, 0, 640, 480]


def test_without_a_known_size_only_the_origin_limits_a_box() -> None:
    assert checked_rectangle([5000, 5000, 10, 10], None) == [5000, 5000, 10, 10]
    refused(checked_rectangle, [-1, 0, 10, 10], None)


@given(left=sides, top=sides, width=sides, height=sides)
def test_tenths_of_a_pixel_inside_the_image_are_kept_exactly(left: int, top: int, width: int, height: int) -> None:
    size = (math.ceil((left + width) / 10), math.ceil((top + height) / 10))
    wanted = [left / 10, top / 10, width / 10, height / 10]
    assert checked_rectangle(wanted, size) == wanted


@given(st.lists(st.floats(-2, 700), min_size=4, max_size=4))
def test_what_is_accepted_lies_inside_and_is_accepted_again_as_it_is(numbers: list[float]) -> None:
    try:
        kept = checked_rectangle(numbers, SIZE)
    except Invalid:
        return
    x, y, width, height = kept
    assert min(x, y) >= 0
    assert min(width, height) > 0
    assert max(round(x + width, 1) - 640, round(y + height, 1) - 480) <= 0
    assert checked_rectangle(kept, SIZE) == kept


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "é", None, 7])
def test_id_of_a_box_is_short_and_plain(name: Any) -> None:
    assert refused(checked_box, DETECTION, box(id=name), SIZE).fields["field"] == "box.id"


def test_two_boxes_never_share_an_id() -> None:
    assert "'b1'" in refused(checked_value, DETECTION, {}, [box(), box()], SIZE).message


def test_a_sample_has_no_more_than_a_thousand_boxes() -> None:
    boxes = [box(id=f"b{number}") for number in range(MAX_BOXES)]
    assert len(checked_value(DETECTION, {}, boxes, SIZE).annotations) == MAX_BOXES
    refused(checked_value, DETECTION, {}, [*boxes, box(id="more")], SIZE)


@pytest.mark.parametrize(
    "attributes",
    [{"colour": "red"}, {"cut": 1}, {"stage": "middle"}, {"stage": ["young"]}, {"diameter": math.nan}, {"remark": 5}],
)
def test_attribute_has_to_be_one_of_the_class(attributes: dict[str, Any]) -> None:
    problem = refused(checked_box, DETECTION, box(attributes=attributes), SIZE)
    assert problem.fields["field"].startswith("box.attributes.")
    other = box(**{"class": "RBC"}, attributes={"cut": True})
    assert "no attribute" in refused(checked_box, DETECTION, other, SIZE).message
