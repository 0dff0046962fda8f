"""Behind every figure stand samples, and the list of them holds just those."""

from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from app.errors import Invalid
from app.infra.db import transaction
from app.infra.object_store import get_object_store
from app.schemas.ground_truth import GroundTruthPlant, KnownTruth
from app.schemas.quality import BehindFilter
from app.services import ground_truth, paging, quality_samples
from app.tables import GroundTruth
from app.tables.base import utcnow
from tests.support.answers import answer, behind, dataset_of, report
from tests.support.opinions import say
from tests.support.people import Person
from tests.support.records import make_unlabelled


def test_a_cell_opens_the_samples_that_it_counts(animals: Any, super_admin: Person, second_admin: Person) -> None:
    dataset, ids = animals
    two = {"annotator": super_admin.id, "other": second_admin.id}
    found = behind(super_admin, dataset, **two, label="cat", seen_as="dog")
    assert [item.id for item in found.items] == [ids[1]]
    assert [one.model_dump() for one in found.items[0].said] == [
        {"first": super_admin.id, "second": second_admin.id, "said": "cat", "seen_as": "dog"}
    ]
    assert behind(super_admin, dataset, **two, label="dog", seen_as="cat").items == []
    assert {item.id for item in behind(super_admin, dataset, **two).items} == {ids[1], ids[5]}
    assert {item.id for item in behind(super_admin, dataset, **two, label="dog", seen_as="dog").items} == {*ids[2:4]}
    assert {item.id for item in behind(super_admin, dataset, label="hen").items} == {ids[3], ids[5]}


def test_every_cell_opens_as_many_samples_as_it_says(animals: Any, super_admin: Person) -> None:
    dataset, _ = animals
    found = report(super_admin, dataset).confusion
    assert found is not None
    for row, one in enumerate(found.labels):
        for column, other in enumerate(found.labels):
            items = behind(super_admin, dataset, label=one, seen_as=other).items
            pairs = sum(len({frozenset((s.first, s.second or 0)) for s in item.said}) for item in items)
            assert pairs == found.matrix[row][column], (one, other)


def test_answers_stay_out_of_lists_and_figures_until_all_are_in(
    super_admin: Person, second_admin: Person, third_admin: Person
) -> None:
    dataset = dataset_of(super_admin, opinions_per_sample=3)
    ids = sorted(make_unlabelled(dataset, 2))
    for person, name in ((super_admin, "cat"), (second_admin, "dog")):
        for sample in ids:
            say(dataset, sample, person, name)
    say(dataset, ids[0], third_admin, "hen")
    for person in (super_admin, third_admin):
        assert {item.id for item in behind(person, dataset).items} == {ids[0]}
        assert report(person, dataset).compared == 1


def test_a_long_list_is_read_in_pages(animals: Any, super_admin: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset, ids = animals
    monkeypatch.setattr(paging, "PAGE_LIMIT", 2)
    monkeypatch.setattr(paging, "SIFTED", 2)
    seen: list[UUID] = []
    cursor: str | None = None
    for _ in range(20):
        with transaction() as session:
            page = quality_samples.list_behind(
                session, super_admin.actor, dataset.id, BehindFilter(), get_object_store(), cursor, 1
            )
        seen += [item.id for item in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert sorted(seen) == sorted([ids[1], ids[3], ids[5]])


def test_planted_truth_measures_without_telling_which_samples_it_is_about(
    super_admin: Person, second_admin: Person, third_admin: Person
) -> None:
    dataset = dataset_of(super_admin)
    ids = sorted(make_unlabelled(dataset, 13))
    answer(dataset, ids, super_admin, ["cat"] * 12 + [None])
    answer(dataset, ids, second_admin, ["dog"] * 4 + ["cat"] * 9)
    with transaction() as session:
        session.add_all(
            GroundTruth(sample_id=one, dataset_id=dataset.id, labels={"class": "cat"}, planted_by=third_admin.id)
            for one in ids[:12]
        )
    found = report(third_admin, dataset, against="planted")
    scores = {one.annotator_id: one.accuracy.score for one in found.annotators if one.accuracy}
    assert {person: score.items for person, score in scores.items()} == {super_admin.id: 10, second_admin.id: 10}
    assert (scores[super_admin.id].value, scores[second_admin.id].value) == (1.0, pytest.approx(0.6))
    assert (found.referenced, found.against_reference) == (0, None)
    assert all(one.right is None for week in found.weeks for one in week.annotators)
    own = report(second_admin, dataset, against="planted")
    assert {one.annotator_id for one in own.annotators if one.accuracy} == {super_admin.id}
    for wanted in ({"annotator": super_admin.id}, {"since": utcnow()}):
        with pytest.raises(Invalid):
            report(third_admin, dataset, against="planted", **wanted)
    with pytest.raises(ValidationError):
        BehindFilter.model_validate({"against": "planted"})


def test_nobody_is_measured_by_planted_truth_that_they_gave(super_admin: Person, second_admin: Person) -> None:
    dataset = dataset_of(super_admin)
    ids = sorted(make_unlabelled(dataset, 5))
    for person in (super_admin, second_admin):
        answer(dataset, ids, person, ["cat"] * 5)
    with transaction() as session:
        session.add_all(
            GroundTruth(sample_id=one, dataset_id=dataset.id, labels={"class": "cat"}, planted_by=super_admin.id)
            for one in ids
        )
    found = report(super_admin, dataset, against="planted")
    assert {one.annotator_id for one in found.annotators if one.accuracy} == {second_admin.id}


def test_own_label_is_measured_by_truth_that_was_planted_before_it_only(
    super_admin: Person, second_admin: Person
) -> None:
    dataset = dataset_of(super_admin)
    ids = make_unlabelled(dataset, 10)
    before, after = ids[:5], ids[5:]
    plant(dataset, before, super_admin)
    for sample in (*before, *after):
        say(dataset, sample, second_admin, "cat")
    plant(dataset, after, super_admin)
    found = report(super_admin, dataset, against="planted")
    assert [one.accuracy.score.items for one in found.annotators if one.accuracy] == [5]


def plant(dataset: Any, samples: list[UUID], person: Person) -> None:
    """Say of each sample that it truly is a cat."""
    with transaction() as session:
        truths = [KnownTruth(sample_id=one, labels={"class": "cat"}) for one in samples]
        ground_truth.plant(session, person.actor, dataset.id, GroundTruthPlant(samples=truths))
