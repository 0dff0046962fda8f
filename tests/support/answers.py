"""Answers of several people to samples, made directly, and datasets with three classes to give them in."""

from typing import Any
from uuid import UUID

from app.infra.db import transaction
from app.infra.object_store import get_object_store
from app.schemas.base import Page
from app.schemas.quality import BehindFilter, QualityFilter, QualityReport, SampleBehind
from app.services import quality, quality_samples
from app.tables import SampleAnnotation, TrainingDataset, TrainingSample
from tests.support.people import Person
from tests.support.records import make_dataset, make_unlabelled

CLASSES = [{"name": name, "color": "#112233"} for name in ("cat", "dog", "hen")]
ADA = ["cat", "cat", "dog", "dog", "hen", "hen", None, "cat"]
BOB = ["cat", "dog", "dog", "dog", "hen", "cat", "hen", None]
CY = ["cat", "cat", "dog", "hen", "hen", "hen", "hen", "cat"]


def dataset_of(owner: Person, task: str = "classification", **columns: Any) -> TrainingDataset:
    return make_dataset(owner, label_schema={"task": task, "classes": CLASSES}, **columns)


def value(task: str, said: Any) -> dict[str, Any]:
    if task == "classification":
        return {"labels": {"class": said}, "annotations": []}
    if task == "multilabel":
        return {"labels": {"classes": said}, "annotations": []}
    boxes = [{"id": f"b{n}", "class": name, "box": box, "attributes": {}} for n, (name, box) in enumerate(said)]
    return {"labels": {}, "annotations": boxes}


def answer(dataset: TrainingDataset, ids: list[UUID], person: Person, said: list[Any], **columns: Any) -> None:
    """What a person says about each sample; None is no answer."""
    task = dataset.label_schema["task"]
    with transaction() as session:
        for sample_id, one in zip(ids, said, strict=True):
            if one is not None:
                session.add(
                    SampleAnnotation(sample_id=sample_id, annotator_id=person.id, **value(task, one), **columns)
                )


def verified(dataset: TrainingDataset, ids: list[UUID], author: Person, by: Person, said: list[Any]) -> None:
    """The agreed labels, verified by another person."""
    task = dataset.label_schema["task"]
    with transaction() as session:
        for sample_id, one in zip(ids, said, strict=True):
            row = session.get_one(TrainingSample, sample_id)
            row.sqlmodel_update(
                {
                    **value(task, one),
                    "is_labeled": True,
                    "labeled_by": author.id,
                    "is_verified": True,
                    "verified_by": by.id,
                }
            )


def make_animals(ada: Person, bob: Person, cy: Person) -> tuple[TrainingDataset, list[UUID]]:
    """Eight samples and what three people said: `ADA`, `BOB` and `CY`."""
    dataset = dataset_of(ada)
    ids = sorted(make_unlabelled(dataset, 8))
    for person, said in ((ada, ADA), (bob, BOB), (cy, CY)):
        answer(dataset, ids, person, said)
    return dataset, ids


def report(person: Person, dataset: TrainingDataset, **wanted: Any) -> QualityReport:
    """The quality report as `person` gets it."""
    with transaction() as session:
        return quality.report(session, person.actor, dataset.id, QualityFilter(**wanted))


def behind(person: Person, dataset: TrainingDataset, limit: int = 50, **wanted: Any) -> Page[SampleBehind]:
    """The samples behind a figure of that report."""
    with transaction() as session:
        return quality_samples.list_behind(
            session, person.actor, dataset.id, BehindFilter(**wanted), get_object_store(), None, limit
        )
