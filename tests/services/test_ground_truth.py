"""Planted truth: it measures, and nobody can tell a planted sample from another."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import select

from app.errors import Conflict, Invalid, NotFound
from app.infra.db import transaction
from app.infra.object_store import get_object_store
from app.schemas.audit import AuditFilter
from app.schemas.ground_truth import GroundTruthPlant
from app.schemas.samples import SampleFilter
from app.services import audit, datasets, ground_truth, samples
from app.tables import GroundTruth, TrainingDataset
from tests.support.people import Person
from tests.support.records import make_dataset, make_samples, make_unlabelled


@pytest.fixture
def dataset(super_admin: Person) -> TrainingDataset:
    return make_dataset(super_admin)


def plant(person: Person, dataset: TrainingDataset, **given: Any) -> int:
    with transaction() as session:
        request = GroundTruthPlant.model_validate(given)
        return ground_truth.plant(session, person.actor, dataset.id, request).planted


def truths() -> dict[UUID, dict[str, Any]]:
    with transaction() as session:
        return {row.sample_id: row.labels for row in session.exec(select(GroundTruth))}


def told(person: Person, dataset: TrainingDataset) -> str:
    """Everything that a super admin is told of a dataset, its samples and what was done; not the signed times."""
    with transaction() as session:
        page = samples.list_samples(session, person.actor, dataset.id, SampleFilter(), get_object_store())
        listed = [item.model_dump(mode="json", exclude={"url", "thumbnail"}) for item in page.items]
        log = audit.list_events(session, person.actor, AuditFilter()).model_dump(mode="json")["items"]
        shown = datasets.get(session, person.actor, dataset.id).model_dump(mode="json")
    return json.dumps([listed, shown, [event for event in log if not event["action"].startswith("ground_truth")]])


def test_planting_changes_nothing_that_anybody_is_told(dataset: TrainingDataset, super_admin: Person) -> None:
    first, *_ = make_unlabelled(dataset, 3)
    before = told(super_admin, dataset)
    assert plant(super_admin, dataset, samples=[{"sample_id": first, "labels": {"class": "one"}}]) == 1
    assert told(super_admin, dataset) == before
    with transaction() as session:
        log = audit.list_events(session, super_admin.actor, AuditFilter()).model_dump_json()
    assert "ground_truth.plant" in log
    assert str(first) not in log
    assert truths() == {first: {"class": "one"}}


def test_later_truth_replaces_the_earlier_one(dataset: TrainingDataset, super_admin: Person) -> None:
    [sample] = make_unlabelled(dataset, 1)
    for name in ("one", "zero"):
        assert plant(super_admin, dataset, samples=[{"sample_id": sample, "labels": {"class": name}}]) == 1
    assert truths() == {sample: {"class": "zero"}}


def test_verified_labels_are_drawn_and_no_sample_twice(
    dataset: TrainingDataset, super_admin: Person, second_admin: Person
) -> None:
    make_unlabelled(dataset, 2)
    verified = make_samples(dataset, 3, super_admin, second_admin)
    assert plant(super_admin, dataset, from_verified=2) == 2
    assert plant(super_admin, dataset, from_verified=2) == 3
    assert set(truths()) == set(verified)
    with pytest.raises(Conflict, match="No verified sample"):
        plant(super_admin, dataset, from_verified=1)


@pytest.mark.parametrize(
    ("truth", "error"),
    [
        ({"labels": {"class": "seven"}}, Invalid),
        ({}, Invalid),
        ({"labels": {"class": "one"}, "sample_id": uuid4()}, NotFound),
    ],
)
def test_truth_has_to_fit_a_sample_of_the_dataset(
    dataset: TrainingDataset, super_admin: Person, truth: dict[str, Any], error: type[Exception]
) -> None:
    [sample] = make_unlabelled(dataset, 1)
    with pytest.raises(error):
        plant(super_admin, dataset, samples=[{"sample_id": sample, **truth}])
    assert truths() == {}


@pytest.mark.parametrize("given", [{}, {"samples": []}, {"samples": [{"sample_id": uuid4()}], "from_verified": 1}])
def test_one_way_of_planting_is_given(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="either"):
        GroundTruthPlant.model_validate(given)


def test_all_truths_are_forgotten_at_once(dataset: TrainingDataset, super_admin: Person, second_admin: Person) -> None:
    other = make_dataset(super_admin)
    make_samples(dataset, 2, super_admin, second_admin)
    [kept] = make_samples(other, 1, super_admin, second_admin)
    plant(super_admin, dataset, from_verified=2)
    plant(super_admin, other, from_verified=1)
    with transaction() as session:
        assert ground_truth.remove(session, super_admin.actor, dataset.id).planted == 0
    assert set(truths()) == {kept}
