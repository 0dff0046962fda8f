"""What changed, what it means for the number, and what is counted."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.dataset_versions import (
    Bump,
    Counts,
    Kind,
    add_to,
    flat,
    kinds_between,
    needed_bump,
    nested,
    next_number,
)
from app.errors import Invalid

SAMPLE: dict[str, Any] = {
    "id": "a", "labels": {}, "annotations": [], "split": "train", "is_labeled": True, "is_verified": True,
    "labeled_by": 1, "verified_by": 2, "quality_score": None, "rejection_reason": None, "file_size": 10,
    "file_type": "image", "metadata": {},
}  # fmt: skip
BOX = {"id": "b1", "class": "cell", "box": [1.0, 2.0, 3.0, 4.0], "attributes": {}}


def schema(*names: str, task: str = "detection", **more: Any) -> dict[str, Any]:
    return {"task": task, "classes": [{"name": name, "color": "#111111", **more} for name in names]}


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        ({}, []),
        ({"labels": {"class": "dog"}}, [Kind.RELABELED]),
        ({"annotations": [BOX, {**BOX, "id": "b2"}]}, [Kind.BOXES_ADDED]),
        ({"annotations": []}, [Kind.BOXES_REMOVED]),
        ({"annotations": [{**BOX, "box": [1.0, 2.0, 3.0, 5.0]}]}, [Kind.BOXES_MOVED]),
        ({"annotations": [{**BOX, "class": "platelet"}]}, [Kind.BOXES_RELABELED]),
        ({"annotations": [{**BOX, "attributes": {"blurred": True}}]}, [Kind.BOXES_RELABELED]),
        ({"annotations": [{**BOX, "id": "b2"}]}, [Kind.BOXES_ADDED, Kind.BOXES_REMOVED]),
        ({"verified_by": 3}, [Kind.REVIEWED]),
        ({"split": "test"}, [Kind.MOVED_SPLIT]),
        ({"metadata": {"lamp": "infrared"}}, [Kind.DETAILS]),
        ({"labels": {"class": "dog"}, "verified_by": 3}, [Kind.RELABELED, Kind.REVIEWED]),
    ],
)
def test_what_happened_to_a_sample_is_named(change: dict[str, Any], kinds: list[Kind]) -> None:
    before = {**SAMPLE, "annotations": [BOX]}
    assert kinds_between(before, {**before, **change}) == kinds


def test_sample_that_came_or_went_is_only_that() -> None:
    assert kinds_between(None, SAMPLE) == [Kind.ADDED]
    assert kinds_between(SAMPLE, None) == [Kind.REMOVED]
    assert kinds_between(None, None) == []


@pytest.mark.parametrize(
    ("changes", "old", "new", "bump"),
    [
        ({"relabeled": 3}, schema("a", "b"), schema("a", "b"), Bump.PATCH),
        ({"added": 1}, schema("a", "b"), schema("a", "b"), Bump.MINOR),
        ({"removed": 1}, schema("a", "b"), schema("a", "b"), Bump.MINOR),
        ({}, schema("a", "b"), schema("a", "b", "c"), Bump.MINOR),
        ({}, schema("a", "b"), schema("a", "c"), Bump.MAJOR),
        ({}, schema("a", "b"), schema("a", "b", task="multilabel"), Bump.MAJOR),
        ({}, schema("a", attributes=[{"name": "x", "type": "flag"}]), schema("a"), Bump.MAJOR),
        ({}, schema("a"), schema("a", attributes=[{"name": "x", "type": "flag"}]), Bump.PATCH),
        ({}, schema("a", key="1"), schema("a", key="2"), Bump.PATCH),
        ({"added": 5}, None, schema("a"), Bump.MINOR),
    ],
)
def test_changes_need_a_number(changes: dict[str, int], old: Any, new: Any, bump: Bump) -> None:
    assert needed_bump(changes, old, new) is bump


def test_numbers_follow_each_other() -> None:
    assert next_number(None, Bump.MINOR, None) == "1.0.0"
    assert next_number("0.3.0", Bump.PATCH, None) == "1.0.0"
    assert next_number("1.2.3", Bump.PATCH, None) == "1.2.4"
    assert next_number("1.2.3", Bump.MINOR, None) == "1.3.0"
    assert next_number("1.2.3", Bump.PATCH, Bump.MAJOR) == "2.0.0"
    with pytest.raises(Invalid, match="need a new minor"):
        next_number("1.2.3", Bump.MINOR, Bump.PATCH)


def test_a_sample_is_counted_by_class_split_and_box() -> None:
    record = {**SAMPLE, "annotations": [BOX, {**BOX, "id": "b2"}], "video_id": "v"}
    counts = Counts()
    add_to(counts, record)
    assert nested(counts) == {
        "samples": 1,
        "bytes": 10,
        "splits": {"train": 1},
        "types": {"image": 1},
        "sources": {"video frames": 1},
        "verified": 1,
        "boxes": 2,
        "classes": {"cell": {"samples": 1, "train": 1, "boxes": 2}},
    }


names = st.sampled_from(["", "train", "cell", "a:b", "samples"])
paths = st.tuples(st.just("classes"), names, st.sampled_from(["samples", "train", "boxes"]))


@given(st.dictionaries(paths, st.integers(1, 9), max_size=6))
def test_counts_are_read_back(counts: dict[tuple[str, ...], int]) -> None:
    assert flat(nested(Counter(counts))) == counts
