"""Behind every figure stand samples, and the list of them holds just those."""

from typing import Any
from uuid import UUID

import pytest

from app.domain.permissions import Role
from app.infra.db import transaction
from app.infra.object_store import get_object_store
from app.schemas.base import Page
from app.schemas.quality import BehindFilter, QualityFilter, QualityReport, SampleBehind
from app.services import paging, quality, quality_samples
from app.tables import TrainingDataset
from tests.support import people
from tests.support.answers import dataset_of, make_animals
from tests.support.opinions import say
from tests.support.people import Person
from tests.support.records import make_unlabelled


@pytest.fixture
def third_admin(database: str) -> Person:
    return people.make_person("Cy Admin", Role.SUPER_ADMIN)


@pytest.fixture
def animals(super_admin: Person, second_admin: Person, third_admin: Person) -> tuple[TrainingDataset, list[UUID]]:
    return make_animals(super_admin, second_admin, third_admin)


def report(person: Person, dataset: TrainingDataset, **wanted: Any) -> QualityReport:
    with transaction() as session:
        return quality.report(session, person.actor, dataset.id, QualityFilter(**wanted))


def behind(person: Person, dataset: TrainingDataset, limit: int = 50, **wanted: Any) -> Page[SampleBehind]:
    with transaction() as session:
        return quality_samples.list_behind(
            session, person.actor, dataset.id, BehindFilter(**wanted), get_object_store(), None, limit
        )


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
