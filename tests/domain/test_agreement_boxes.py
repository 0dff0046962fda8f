"""Boxes of different people become objects; a missed box, a wrong class and a shifted box count as what they are."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.agreement import boxes as boxes_module
from app.domain.agreement import figures
from app.domain.agreement.answers import Box, Categories, Compared, Given, Marks, compare
from app.domain.agreement.boxes import Boxes, intersection_over_union, objects_of_all, overlaps
from app.domain.agreement.tally import Tally
from app.domain.box_matching import Drawn, groups
from app.domain.labels import Task

CELLS = Categories(("red cell", "white cell"))
RED, WHITE, NOTHING = 0, 1, CELLS.nothing
HERE: Box = (RED, 10, 10, 100, 100)
THERE: Box = (RED, 300, 300, 50, 50)


def drawn(*people: list[Box], reference: list[Box] | None = None) -> Compared:
    """One image, and the boxes of each person."""
    given = [Given(0, person, Marks.of(found)) for person, found in enumerate(people)]
    number = len(people) if reference is not None else None
    if reference is not None:
        given.append(Given(0, len(people), Marks.of(reference)))
    return compare(Task.DETECTION, CELLS, 1, given, number, 0.5)


def said(batch: Compared) -> list[tuple[int, int, int, int]]:
    """Who, with whom, and what each of them said."""
    columns = (batch.pairs.first, batch.pairs.second, batch.pairs.one, batch.pairs.other)
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


def test_overlap_is_shared_area_by_joined_area() -> None:
    one = np.array([[0, 0, 10, 10], [0, 0, 10, 10], [0, 0, 10, 10], [5, 5, 0, 0]], float)
    other = np.array([[0, 0, 10, 10], [5, 0, 10, 10], [20, 20, 5, 5], [5, 5, 0, 0]], float)
    assert intersection_over_union(one, other) == pytest.approx([1, 50 / 150, 0, 0])


def test_a_box_that_another_person_has_not_is_nothing_to_that_person() -> None:
    assert said(drawn([HERE, THERE], [HERE])) == [(0, 1, RED, RED), (0, 1, RED, NOTHING)]


def test_a_wrong_class_is_a_disagreement_about_one_object() -> None:
    assert said(drawn([HERE], [(WHITE, 12, 12, 100, 100)])) == [(0, 1, RED, WHITE)]


def test_a_box_elsewhere_is_another_object() -> None:
    assert said(drawn([HERE], [THERE])) == [(0, 1, RED, NOTHING), (0, 1, NOTHING, RED)]


def test_a_box_has_one_partner_and_the_nearest_one() -> None:
    near, nearer = (RED, 14, 10, 100, 100), (RED, 11, 10, 100, 100)
    batch = drawn([HERE], [near, nearer])
    assert said(batch) == [(0, 1, RED, RED), (0, 1, NOTHING, RED)]
    assert np.nanmax(batch.pairs.iou) == pytest.approx(99 / 101)


def test_of_two_boxes_in_one_place_that_of_the_same_class_is_the_partner() -> None:
    white = (WHITE, *HERE[1:])
    assert said(drawn([HERE, white], [white, HERE])) == [(0, 1, RED, RED), (0, 1, WHITE, WHITE)]


def test_who_marked_nothing_is_counted_and_who_did_not_look_is_not() -> None:
    looked = drawn([HERE], [], [HERE])
    assert looked.values[0].tolist() == [2, 0, 0, 1]
    away = compare(Task.DETECTION, CELLS, 1, [Given(0, 0, Marks.of([HERE])), Given(0, 2, Marks.of([HERE]))], None, 0.5)
    assert away.values[0].tolist() == [2, 0, 0, 0]


def test_an_image_that_everybody_left_empty_says_nothing() -> None:
    batch = drawn([], [])
    assert batch.total[0] == 0
    assert said(batch) == []
    assert batch.met[0].tolist() == [0]


def test_alpha_of_boxes_is_that_of_the_table_of_objects() -> None:
    # Three people, two objects: all red; and red, red, missed. The same as a table with a category for "nothing".
    tally = Tally.begin(Task.DETECTION, CELLS, 3, 1)
    tally.take_in(drawn([HERE, THERE], [HERE, THERE], [HERE]), np.zeros(1, np.int64))
    values = [["r", "r", "r"], ["r", "r", "n"]]
    flat = [value for unit in values for value in unit]
    observed = sum(sum(a != b for a, b in permutations(unit, 2)) / 2 for unit in values) / 6
    expected = sum(a != b for a, b in permutations(flat, 2)) / 30
    assert figures.alpha(tally, tally.everybody).value == pytest.approx(1 - observed / expected)


def test_the_reference_takes_no_part_in_agreement() -> None:
    bridge: Box = (RED, 40, 10, 100, 100)
    far: Box = (RED, 70, 10, 100, 100)
    without, beside = drawn([HERE], [far]), drawn([HERE], [far], reference=[bridge])
    assert beside.values.tolist() == without.values.tolist()
    assert beside.same.tolist() == without.same.tolist()
    assert [row for row in said(beside) if row[1] != 2] == said(without)
    assert (0, 2, RED, RED) in said(beside)


def test_nobody_is_measured_against_a_reference_that_they_confirmed() -> None:
    given = [
        Given(0, 0, Marks.of([HERE]), confirmed=True),
        Given(0, 1, Marks.of([HERE])),
        Given(0, 2, Marks.of([HERE])),
    ]
    batch = compare(Task.DETECTION, CELLS, 1, given, 2, 0.5)
    assert said(batch) == [(0, 1, RED, RED), (1, 2, RED, RED)]
    assert (0, 2) not in zip(batch.met[1].tolist(), batch.met[2].tolist(), strict=True)


def test_what_is_found_and_missed_is_told_apart() -> None:
    tally = Tally.begin(Task.DETECTION, CELLS, 2, 1)
    truth: list[Box] = [HERE, THERE, (WHITE, 600, 0, 40, 40)]
    tally.take_in(drawn([HERE, (WHITE, 600, 0, 40, 40), (WHITE, 900, 0, 9, 9)], reference=truth), np.zeros(1, np.int64))
    right = figures.against_reference(tally, 0, 1)
    assert right is not None
    assert (right.precision.value, right.recall.value) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert [figures.against_reference(tally, 0, 1, category).score.value for category in (RED, WHITE)] == [
        pytest.approx(2 / 3)
    ] * 2


PLACES = st.lists(
    st.tuples(st.integers(0, 1), *[st.integers(0, 60).map(float)] * 2, *[st.integers(1, 40).map(float)] * 2), max_size=6
)


@settings(max_examples=150, deadline=None)
@given(st.lists(PLACES, min_size=2, max_size=4))
def test_every_box_is_counted_once_for_every_pair(people: list[list[Box]]) -> None:
    batch = drawn(*people)
    for first in range(len(people)):
        for second in range(first + 1, len(people)):
            rows = [row for row in said(batch) if row[:2] == (first, second)]
            assert sum(row[2] != NOTHING for row in rows) == len(people[first])
            assert sum(row[3] != NOTHING for row in rows) == len(people[second])
    # Nobody has two boxes of one object: a person's values and "nothing" fill every object exactly.
    assert batch.total[0] == len(people) * round(batch.total[0] / len(people))
    assert batch.values[0, :NOTHING].sum() == (sum(map(len, people)) if batch.total[0] else 0)


@settings(max_examples=60, deadline=None)
@given(PLACES)
def test_people_who_draw_the_same_agree_fully(found: list[Box]) -> None:
    apart: list[Box] = [(c, x + 200 * n, y, w, h) for n, (c, x, y, w, h) in enumerate(found)]
    batch = drawn(apart, list(reversed(apart)), apart)
    assert all(one == other for _, _, one, other in said(batch))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10_000))
def test_an_object_is_what_the_proposals_take_for_one(seed: int) -> None:
    random = np.random.default_rng(seed)
    count, people = int(random.integers(1, 14)), int(random.integers(2, 5))
    person = np.sort(random.integers(0, people, count))
    corners = np.column_stack([random.uniform(0, 40, (count, 2)), random.uniform(20, 50, (count, 2))])
    rows = Boxes(np.zeros(count, np.int64), person, np.zeros(count, np.int64), corners)
    numbers = objects_of_all(rows, overlaps(rows, 0.5))
    mine = {frozenset(np.flatnonzero(numbers == number).tolist()) for number in numbers}
    drawn = [
        Drawn(int(p), {"id": str(n), "class": "red", "box": box})
        for n, (p, box) in enumerate(zip(person, corners.tolist(), strict=True))
    ]
    theirs = {frozenset(int(one.annotation["id"]) for one in group) for group in groups(drawn, 0.5)}
    assert mine == theirs


def test_thousands_of_boxes_are_compared_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(3)
    corners = np.column_stack([random.uniform(0, 200, (120, 2)), random.uniform(20, 60, (120, 2))])
    order = np.sort(random.integers(0, 3, 120))
    rows = Boxes(np.zeros(120, np.int64), order, np.zeros(120, np.int64), corners)
    whole = overlaps(rows, 0.5)
    monkeypatch.setattr(boxes_module, "MOST_PAIRS", 100)
    parts = overlaps(rows, 0.5)
    assert len(whole.left) > 10
    assert (parts.left.tolist(), parts.right.tolist()) == (whole.left.tolist(), whole.right.tolist())
