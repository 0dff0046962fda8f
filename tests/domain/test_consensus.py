"""Consensus of several opinions: what is proposed, what is told as different, and what never happens."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.box_matching import Drawn, groups, middle, overlap
from app.domain.consensus import Opinion, Proposal, Rule, majority, propose

CLASSES = ["RBC", "WBC", "Platelets"]


def says(annotator: int, name: str) -> Opinion:
    return Opinion(annotator, {"class": name}, [])


def shows(annotator: int, *names: str) -> Opinion:
    return Opinion(annotator, {"classes": list(names)}, [])


def draws(annotator: int, *boxes: tuple[str, float, float, float, float], **attributes: Any) -> Opinion:
    annotations = [
        {"id": f"b{number}", "class": name, "box": list(box), "attributes": attributes}
        for number, (name, *box) in enumerate(boxes)
    ]
    return Opinion(annotator, {}, annotations)


def decide(task: str, *opinions: Opinion, quorum: int | None = None) -> Proposal:
    return propose(opinions, Rule(task, quorum or majority(len(opinions))))


def test_a_majority_proposes_and_the_minority_is_told() -> None:
    found = decide("classification", says(1, "RBC"), says(2, "WBC"), says(3, "RBC"))
    assert (found.labels, found.is_complete, found.is_unanimous) == ({"class": "RBC"}, True, False)
    assert found.differences[0].votes == {"RBC": [1, 3], "WBC": [2]}
    assert found.agreement == pytest.approx(2 / 3)


@pytest.mark.parametrize("names", [("RBC", "WBC"), ("RBC", "WBC", "Platelets"), ("RBC", "RBC", "WBC", "WBC")])
def test_a_tie_is_no_answer(names: tuple[str, ...]) -> None:
    found = decide("classification", *(says(place, name) for place, name in enumerate(names)))
    assert (found.labels, found.is_complete) == ({}, False)


def test_each_class_of_several_is_a_question_of_its_own() -> None:
    found = decide("multilabel", shows(1, "RBC", "WBC"), shows(2, "RBC"), shows(3, "RBC", "WBC", "Platelets"))
    assert found.labels == {"classes": ["RBC", "WBC"]}
    assert {one.name: one.votes for one in found.differences} == {
        "WBC": {"yes": [1, 3], "no": [2]},
        "Platelets": {"yes": [3], "no": [1, 2]},
    }


def test_one_against_one_about_a_class_is_open() -> None:
    assert not decide("multilabel", shows(1, "RBC"), shows(2)).is_complete
    assert decide("multilabel", shows(1, "RBC"), shows(2, "RBC")).is_unanimous


def test_a_box_is_proposed_at_the_median_of_its_edges() -> None:
    found = decide(
        "detection",
        draws(1, ("RBC", 10, 10, 40, 40)),
        draws(2, ("RBC", 12, 9, 40, 40)),
        draws(3, ("RBC", 11, 10, 48, 40)),
    )
    assert found.is_unanimous
    assert found.annotations == [{"id": "b0", "class": "RBC", "box": [11, 10, 41, 40], "attributes": {}}]


def test_a_box_of_one_is_not_proposed_and_told_with_its_place() -> None:
    found = decide(
        "detection",
        draws(1, ("RBC", 10, 10, 40, 40), ("WBC", 200, 0, 30, 30)),
        draws(2, ("RBC", 10, 10, 40, 40)),
        draws(3),
    )
    assert [one["class"] for one in found.annotations] == ["RBC"]
    told = {one.name: (one.kind, one.box, one.votes) for one in found.differences}
    assert told["WBC"] == ("missing", (200, 0, 30, 30), {"yes": [1], "no": [2, 3]})
    assert told["RBC"] == ("missing", (10, 10, 40, 40), {"yes": [1, 2], "no": [3]})


def test_the_class_of_a_box_goes_by_vote() -> None:
    box = (10.0, 10.0, 40.0, 40.0)
    found = decide("detection", draws(1, ("RBC", *box)), draws(2, ("WBC", *box)), draws(3, ("RBC", *box)))
    assert (found.annotations[0]["class"], found.is_complete, found.is_unanimous) == ("RBC", True, False)
    tied = decide("detection", draws(1, ("RBC", *box)), draws(2, ("WBC", *box)))
    assert (tied.annotations, tied.is_complete) == ([], False)


def test_nothing_here_is_an_opinion_that_can_be_unanimous() -> None:
    assert decide("detection", draws(1), draws(2)).is_unanimous


def test_attributes_go_by_vote_and_a_flag_is_not_a_number() -> None:
    box = ("RBC", 10, 10, 40, 40)
    found = decide("detection", draws(1, box, cut=True), draws(2, box, cut=True), draws(3, box, cut=1))
    assert found.annotations[0]["attributes"] == {"cut": True}
    assert [(one.kind, one.name) for one in found.differences] == [("attribute", "RBC: cut")]


def test_boxes_that_touch_only_through_a_third_one_are_two_objects() -> None:
    chain = [("RBC", 0, 0, 30, 10), ("RBC", 10, 0, 30, 10), ("RBC", 20, 0, 30, 10)]
    drawn = [Drawn(place, one.annotations[0]) for place, one in enumerate(draws(0, box) for box in chain)]
    assert overlap(drawn[0].box, drawn[1].box) == 0.5
    assert overlap(drawn[0].box, drawn[2].box) == 0.2
    assert sorted(len(group) for group in groups(drawn, 0.5)) == [1, 2]


def test_two_boxes_of_one_person_are_never_one_object() -> None:
    twice = draws(1, ("RBC", 0, 0, 10, 10), ("RBC", 0, 0, 10, 10))
    found = decide("detection", twice, draws(2, ("RBC", 0, 0, 10, 10)), draws(3, ("RBC", 0, 0, 10, 10)))
    assert len(found.annotations) == 1
    assert [one.votes for one in found.differences] == [{"yes": [1], "no": [2, 3]}]


tenths = st.integers(0, 1000).map(lambda number: number / 10)
sides = st.integers(1, 400).map(lambda number: number / 10)
boxes = st.tuples(st.sampled_from(CLASSES), tenths, tenths, sides, sides)
# Few places, so that people often draw nearly the same.
near = st.builds(
    lambda name, place, dx, dy: (name, place * 50 + dx, dy, 40.0, 40.0),
    st.sampled_from(CLASSES),
    st.integers(0, 2),
    st.sampled_from([0.0, 2.0, 5.5, 15.0]),
    st.sampled_from([0.0, 3.0, 12.0]),
)
pictures = st.lists(boxes | near, max_size=5)
people = st.lists(pictures, min_size=1, max_size=4)


def opinions_of(drawn: list[list[Any]]) -> list[Opinion]:
    return [draws(person, *found) for person, found in enumerate(drawn)]


def told(proposal: Proposal) -> Any:
    """All that a proposal says, without who said it."""
    votes = [(d.kind, d.name, d.box, sorted((v, len(p)) for v, p in d.votes.items())) for d in proposal.differences]
    return proposal.annotations, sorted(votes, key=repr), proposal.is_complete, proposal.agreement


@given(people, st.randoms())
def test_the_order_of_people_and_boxes_does_not_matter(drawn: list[list[Any]], random: Any) -> None:
    first = opinions_of(drawn)
    names = list(range(len(drawn)))
    random.shuffle(names)
    second = []
    for name, one in zip(names, first, strict=True):
        shuffled = random.sample(one.annotations, len(one.annotations))
        second.append(Opinion(name, one.labels, shuffled))
    rule = Rule("detection", majority(len(first)))
    assert told(propose(first, rule)) == told(propose(second, rule))


@given(st.lists(boxes, max_size=6), st.integers(1, 5))
def test_equal_opinions_give_exactly_that_opinion_back(picture: list[Any], count: int) -> None:
    found = decide("detection", *(draws(person, *picture) for person in range(count)))
    by_id = lambda annotations: sorted(annotations, key=lambda one: one["id"])  # noqa: E731
    assert found.is_unanimous
    assert by_id(found.annotations) == by_id(draws(0, *picture).annotations)
    assert found.agreement == 1


@given(people, st.integers(1, 4))
def test_every_proposed_box_lies_where_a_quorum_drew(drawn: list[list[Any]], quorum: int) -> None:
    opinions = opinions_of(drawn)
    found = propose(opinions, Rule("detection", quorum))
    for one in found.annotations:
        near = {
            person.annotator
            for person in opinions
            if any(overlap(tuple(one["box"]), tuple(other["box"])) > 0.3 for other in person.annotations)
        }
        assert len(near) >= quorum
    ids = [one["id"] for one in found.annotations]
    assert len(ids) == len(set(ids))


@given(people)
def test_every_box_is_in_exactly_one_group_of_boxes_that_all_overlap(drawn: list[list[Any]]) -> None:
    all_boxes = [Drawn(one.annotator, box) for one in opinions_of(drawn) for box in one.annotations]
    found = groups(all_boxes, 0.5)
    assert sorted(one.place for group in found for one in group) == sorted(one.place for one in all_boxes)
    for group in found:
        assert len({one.annotator for one in group}) == len(group)
        assert all(overlap(a.box, b.box) >= 0.5 for a in group for b in group)
        assert min(overlap(middle([one.box for one in group]), one.box) for one in group) > 0.3


@given(st.lists(st.sampled_from(CLASSES), min_size=1, max_size=5))
def test_classes_do_not_depend_on_who_said_them(names: list[str]) -> None:
    rule = Rule("classification", majority(len(names)))
    answers = {
        str(propose([says(person, name) for person, name in enumerate(order)], rule).labels)
        for order in list(permutations(names))[:24]
    }
    assert len(answers) == 1
