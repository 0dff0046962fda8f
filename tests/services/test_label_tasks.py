"""Labels of every task: what is kept, what is counted, what a filter finds, and what is refused."""

from typing import Any
from uuid import UUID

import pytest
from sqlmodel import select

from app.domain.machines import JobStatus
from app.errors import Conflict, Invalid, PreconditionFailed
from app.infra.db import transaction
from app.infra.object_store import get_object_store
from app.schemas.samples import SampleFilter, SampleUpdate, SampleVerify, SampleView
from app.schemas.training_jobs import TrainingJobCreate
from app.services import etags, job_runs, reviews, samples, training_jobs
from app.tables import DatasetVersion, SampleAnnotation, TrainingDataset, TrainingJob, TrainingSample
from tests.support.people import Person
from tests.support.records import make_dataset, make_job, make_unlabelled
from workers.reporting import WORKER

NAMES = [{"name": name, "color": "#112233"} for name in ("valve", "gauge", "crack")]
BOXES: list[dict[str, Any]] = [
    {"id": "b1", "class": "valve", "box": [1, 2, 30, 40.25], "attributes": {}},
    {"id": "b2", "class": "valve", "box": [50, 50, 9.99, 10], "attributes": {}},
    {"id": "b3", "class": "crack", "box": [0, 0, 100, 80], "attributes": {}},
]


def dataset_for(task: str, owner: Person) -> TrainingDataset:
    return make_dataset(owner, label_schema={"task": task, "classes": NAMES})


def label(person: Person, dataset: TrainingDataset, sample: UUID, **value: Any) -> SampleView:
    with transaction() as session:
        request = SampleUpdate.model_validate(value)
        return samples.update(session, person.actor, dataset.id, sample, request)


def class_counts(person: Person, dataset: TrainingDataset) -> dict[str, int]:
    with transaction() as session:
        return samples.class_counts(session, person.actor, dataset.id)


def found_by(person: Person, dataset: TrainingDataset, name: str) -> set[UUID]:
    with transaction() as session:
        page = samples.list_samples(
            session, person.actor, dataset.id, SampleFilter(label=name), get_object_store(), None, 50
        )
        return {item.id for item in page.items}


def counts(dataset: TrainingDataset) -> tuple[int, int, int]:
    with transaction() as session:
        row = session.get_one(TrainingDataset, dataset.id)
        return row.sample_count, row.labeled_count, row.verified_count


def test_boxes_are_kept_as_the_agreed_label_and_as_the_persons_opinion(super_admin: Person) -> None:
    dataset = dataset_for("detection", super_admin)
    (sample,) = make_unlabelled(dataset, 1)
    view = label(super_admin, dataset, sample, labels={}, annotations=BOXES)
    assert [box["box"] for box in view.annotations] == [[1, 2, 30, 40.2], [50, 50, 10, 10], [0, 0, 100, 80]]
    assert (view.labels, view.is_labeled, view.labeled_by) == ({}, True, super_admin.id)
    with transaction() as session:
        (opinion,) = session.exec(select(SampleAnnotation)).all()
    assert (opinion.labels, opinion.annotations) == ({}, view.annotations)


def test_later_boxes_replace_the_earlier_ones_in_label_and_opinion(super_admin: Person) -> None:
    dataset = dataset_for("detection", super_admin)
    (sample,) = make_unlabelled(dataset, 1)
    label(super_admin, dataset, sample, annotations=BOXES)
    view = label(super_admin, dataset, sample, annotations=BOXES[:1])
    with transaction() as session:
        (opinion,) = session.exec(select(SampleAnnotation)).all()
    assert [box["id"] for box in view.annotations] == [box["id"] for box in opinion.annotations] == ["b1"]


def test_no_boxes_are_a_label_and_null_takes_it_away(super_admin: Person) -> None:
    dataset = dataset_for("detection", super_admin)
    (sample,) = make_unlabelled(dataset, 1)
    assert label(super_admin, dataset, sample, annotations=BOXES).annotations
    assert label(super_admin, dataset, sample, annotations=[]).is_labeled
    assert counts(dataset) == (1, 1, 0)
    view = label(super_admin, dataset, sample, labels=None)
    assert (view.is_labeled, view.annotations) == (False, [])
    assert counts(dataset) == (1, 0, 0)


def test_boxes_are_counted_and_found_by_class(super_admin: Person) -> None:
    dataset = dataset_for("detection", super_admin)
    first, second, _ = make_unlabelled(dataset, 3)
    label(super_admin, dataset, first, annotations=BOXES)
    label(super_admin, dataset, second, annotations=BOXES[:1])
    assert class_counts(super_admin, dataset) == {"valve": 3, "gauge": 0, "crack": 1}
    assert found_by(super_admin, dataset, "valve") == {first, second}
    assert found_by(super_admin, dataset, "crack") == {first}
    assert found_by(super_admin, dataset, "gauge") == set()


def test_several_classes_are_counted_and_found_each(super_admin: Person) -> None:
    dataset = dataset_for("multilabel", super_admin)
    first, second, third = make_unlabelled(dataset, 3)
    label(super_admin, dataset, first, labels={"classes": ["crack", "valve"]})
    label(super_admin, dataset, second, labels={"classes": ["crack"]})
    label(super_admin, dataset, third, labels={"classes": []})
    assert class_counts(super_admin, dataset) == {"valve": 1, "gauge": 0, "crack": 2}
    assert found_by(super_admin, dataset, "crack") == {first, second}
    assert counts(dataset) == (3, 3, 0)


def test_label_that_does_not_fit_changes_nothing(super_admin: Person) -> None:
    dataset = dataset_for("detection", super_admin)
    (sample,) = make_unlabelled(dataset, 1)
    outside = [BOXES[0], {**BOXES[1], "box": [60, 60, 60, 60]}]
    with pytest.raises(Invalid, match="outside its image, of 100 × 80 pixels") as caught:
        label(super_admin, dataset, sample, annotations=outside)
    assert caught.value.fields["field"] == "annotations.1.box"
    with pytest.raises(Invalid, match="labels of this dataset are boxes"):
        label(super_admin, dataset, sample, labels={"class": "valve"})
    assert counts(dataset) == (1, 0, 0)


def test_tag_notices_a_box_that_somebody_moved(super_admin: Person, second_admin: Person) -> None:
    dataset = dataset_for("detection", super_admin)
    (sample,) = make_unlabelled(dataset, 1)
    seen = label(super_admin, dataset, sample, annotations=BOXES)
    moved = [{**BOXES[0], "box": [2, 2, 30, 40]}, *BOXES[1:]]
    label(super_admin, dataset, sample, annotations=moved)
    request, tags = SampleUpdate.model_validate({"annotations": BOXES}), frozenset({etags.etag(seen)})
    with pytest.raises(PreconditionFailed), transaction() as session:
        samples.update(session, second_admin.actor, dataset.id, sample, request, tags)


def test_only_classification_is_trained(super_admin: Person, second_admin: Person) -> None:
    dataset = dataset_for("detection", super_admin)
    (sample,) = make_unlabelled(dataset, 1)
    label(super_admin, dataset, sample, annotations=BOXES)
    with transaction() as session:
        reviews.verify(session, second_admin.actor, dataset.id, sample, SampleVerify())
    request = TrainingJobCreate(name="t", dataset_id=dataset.id, hyperparameters={})
    with pytest.raises(Conflict, match="is for detection; training is for classification"), transaction() as session:
        training_jobs.create(session, super_admin.actor, request)


def test_resumed_job_keeps_the_classes_of_its_version(super_admin: Person) -> None:
    dataset = make_dataset(super_admin)
    job = make_job(super_admin, dataset, JobStatus.QUEUED)
    old = dataset.label_schema
    with transaction() as session:
        version = DatasetVersion(
            dataset_id=dataset.id, number=1, sample_count=1, label_schema=old, created_by=super_admin.id,
            version="1.0.0", manifest_url="s3://nowhere/m", sha256="0" * 64,
        )  # fmt: skip
        session.add(version)
        session.flush()
        session.get_one(TrainingJob, job.id).dataset_version_id = version.id
        session.get_one(TrainingDataset, dataset.id).label_schema = {"classes": NAMES}
    with transaction() as session:
        assert job_runs.begin(session, WORKER, job.id, 1).label_schema == old


def test_a_label_that_was_taken_away_leaves_no_box(super_admin: Person) -> None:
    dataset = dataset_for("detection", super_admin)
    (sample,) = make_unlabelled(dataset, 1)
    label(super_admin, dataset, sample, annotations=BOXES)
    label(super_admin, dataset, sample, labels=None, annotations=None)
    with transaction() as session:
        row = session.get_one(TrainingSample, sample)
    assert (row.annotations, row.is_labeled) == ([], False)
    assert class_counts(super_admin, dataset) == {"valve": 0, "gauge": 0, "crack": 0}
