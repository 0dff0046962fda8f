"""Canonical content: equal samples have equal digests in any order, and a changed sample changes one bucket."""

import random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.dataset_trees import (
    BUCKETS,
    Tree,
    bucket_of,
    changed_lines,
    chunk_of,
    digest_of,
    ids_between,
    line_of,
    lines_of,
    records_of,
    root_of,
)
from app.errors import Invalid

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts, lambda inner: st.lists(inner, max_size=3)
)
samples = st.dictionaries(st.uuids(), st.dictionaries(texts, values, max_size=4), max_size=12)


def tree_of(records: list[tuple[UUID, dict[str, Any]]]) -> Tree:
    lines: dict[int, dict[UUID, bytes]] = {}
    for key, record in records:
        lines.setdefault(bucket_of(key), {})[key] = line_of({**record, "id": str(key)})
    tree = Tree()
    for bucket, held in lines.items():
        tree[bucket] = digest_of(chunk_of(held))
    return tree


@given(samples, st.randoms(use_true_random=False))
def test_digest_does_not_depend_on_the_order(records: dict[UUID, dict[str, Any]], luck: random.Random) -> None:
    shuffled = list(records.items())
    luck.shuffle(shuffled)
    turned = [(key, dict(reversed(list(value.items())))) for key, value in shuffled]
    first, second = tree_of(list(records.items())), tree_of(turned)
    assert first.body == second.body
    assert root_of(first, {"scope": "all"}) == root_of(second, {"scope": "all"})
    assert first.filled() == sorted({bucket_of(key) for key in records})


@given(samples.filter(bool))
def test_what_is_in_a_chunk_is_read_back(records: dict[UUID, dict[str, Any]]) -> None:
    lines = {key: line_of({**record, "id": str(key)}) for key, record in records.items()}
    chunk = chunk_of(lines)
    assert lines_of(chunk) == lines
    assert [UUID(record["id"]) for record in records_of(chunk)] == sorted(records)


@given(samples, st.uuids())
def test_one_sample_more_changes_its_bucket_alone(records: dict[UUID, dict[str, Any]], key: UUID) -> None:
    records.pop(key, None)
    before, after = tree_of(list(records.items())), tree_of([*records.items(), (key, {})])
    assert before.differing(after) == [bucket_of(key)]
    assert before.differing(before) == []
    assert root_of(before, {}) != root_of(after, {})


def test_what_applies_to_all_samples_is_part_of_the_digest() -> None:
    assert root_of(Tree(), {"label_schema": 1}) != root_of(Tree(), {"label_schema": 2})


def test_buckets_follow_each_other_in_the_order_of_ids() -> None:
    assert bucket_of(ids_between(0)[0]) == 0
    assert ids_between(BUCKETS - 1)[1] == UUID(int=2**128 - 1)
    for bucket in (0, 1, 2047, BUCKETS - 1):
        low, high = ids_between(bucket)
        assert (bucket_of(low), bucket_of(high)) == (bucket, bucket)


def test_changed_lines_are_those_that_differ_on_either_side() -> None:
    a, b, c = (UUID(int=number) for number in (1, 2, 3))
    assert changed_lines({a: b"1", b: b"2"}, {b: b"3", c: b"4"}) == [a, b, c]
    assert changed_lines({a: b"1"}, {a: b"1"}) == []


def test_tree_of_another_size_is_refused() -> None:
    with pytest.raises(Invalid, match="4096 digests"):
        Tree(b"\0" * 32)


def test_value_that_json_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        line_of({"id": "x", "score": float("nan")})
