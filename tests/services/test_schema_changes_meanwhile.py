"""Classes that change while people label: no label of an old class stays behind, and every count is right."""

import threading
from collections import Counter
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import SQLModel, select

from app.errors import Invalid, PreconditionFailed
from app.infra.db import transaction
from app.schemas.samples import SampleUpdate, SampleVerify
from app.schemas.schema_changes import SchemaChanges, SchemaChangesApply
from app.services import recoding, reviews, samples, schema_changes
from app.tables import GroundTruth, SampleAnnotation, SampleAssignment, TrainingDataset, TrainingSample
from app.tables.base import utcnow
from tests.support.people import Person
from tests.support.records import make_dataset, make_unlabelled
from tests.support.waiting import together

PEOPLE = 6
CLASSES = [{"name": name, "attributes": []} for name in ("red", "white", "plate")]
RENAMES = [{"change": "rename", "class": "red", "to": "erythrocyte"}, {"change": "remove", "class": "plate"}]


def boxes(*names: str) -> SampleUpdate:
    drawn = [{"id": f"b{n}", "class": name, "box": [n, 1, 9, 9]} for n, name in enumerate(names)]
    return SampleUpdate.model_validate({"annotations": drawn})


def applied(person: Person, dataset: UUID, changes: list[dict[str, Any]]) -> int:
    """Preview and apply until nobody labels between the two; how often it took."""
    for turn in range(1, 200):
        with transaction() as session:
            request = SchemaChanges.model_validate({"changes": changes})
            shown = schema_changes.preview(session, person.actor, dataset, request)
        try:
            with transaction() as session:
                wanted = SchemaChangesApply(changes=request.changes, digest=shown.digest)
                schema_changes.apply(session, person.actor, dataset, wanted)
        except PreconditionFailed:
            continue
        return turn
    raise AssertionError("people labelled between every preview and its change")


def test_people_label_while_the_classes_change(super_admin: Person, second_admin: Person) -> None:
    dataset = make_dataset(super_admin, label_schema={"task": "detection", "classes": CLASSES})
    ids = make_unlabelled(dataset, PEOPLE * 4)
    refused: list[str] = []

    def label(number: int) -> None:
        person, other = (super_admin, second_admin) if number % 2 else (second_admin, super_admin)
        for turn in range(4):
            sample = ids[number + turn * PEOPLE]
            for value in (boxes("red", "white"), boxes("plate", "red", "red")):
                try:
                    with transaction() as session:
                        samples.update(session, person.actor, dataset.id, sample, value)
                except Invalid as error:  # the class is gone by now
                    refused.append(error.message)
                    continue
                with transaction() as session:
                    reviews.verify(session, other.actor, dataset.id, sample, SampleVerify())

    work = [lambda number=number: label(number) for number in range(PEOPLE)]
    outcomes = together(*work, lambda: applied(super_admin, dataset.id, RENAMES))
    assert [error for error in outcomes if isinstance(error, Exception)] == []
    assert all("is not a class of this dataset" in message for message in refused)
    with transaction() as session:
        row = session.get_one(TrainingDataset, dataset.id)
        found = session.exec(select(TrainingSample).where(TrainingSample.dataset_id == dataset.id)).all()
        said = session.exec(select(SampleAnnotation)).all()
        balance = samples.class_counts(session, super_admin.actor, dataset.id)
    drawn = Counter(box["class"] for sample in found for box in sample.annotations)
    assert set(drawn) | {box["class"] for opinion in said for box in opinion.annotations} <= {"erythrocyte", "white"}
    assert balance == {"erythrocyte": drawn["erythrocyte"], "white": drawn["white"]}
    assert (row.labeled_count, row.verified_count) == (
        sum(sample.is_labeled for sample in found),
        sum(sample.is_verified for sample in found),
    )


def test_of_two_who_change_the_classes_at_once_one_has_to_look_again(super_admin: Person) -> None:
    dataset = make_dataset(super_admin, label_schema={"task": "detection", "classes": CLASSES})
    (sample,) = make_unlabelled(dataset, 1)
    with transaction() as session:
        samples.update(session, super_admin.actor, dataset.id, sample, boxes("red"))

    def rename(to: str) -> str:
        changes = [{"change": "rename", "class": "white", "to": to}]
        with transaction() as session:
            shown = schema_changes.preview(
                session, super_admin.actor, dataset.id, SchemaChanges.model_validate({"changes": changes})
            )
        ready.wait(30)
        wanted = SchemaChangesApply.model_validate({"changes": changes, "digest": shown.digest})
        with transaction() as session:
            schema_changes.apply(session, super_admin.actor, dataset.id, wanted)
        return to

    ready = threading.Barrier(2)
    outcomes = together(lambda: rename("x"), lambda: rename("y"))
    done = [outcome for outcome in outcomes if isinstance(outcome, str)]
    assert len(done) == 1
    assert sum(isinstance(outcome, PreconditionFailed | Invalid) for outcome in outcomes) == 1
    with transaction() as session:
        names = [known["name"] for known in session.get_one(TrainingDataset, dataset.id).label_schema["classes"]]
    assert names == ["red", done[0], "plate"]


def test_every_table_that_holds_labels_is_recoded() -> None:
    """A new table with labels would keep classes that are gone: give it a line in `recoding`, or say here why not."""
    # Copies of what was said or decided, whatever follows; what does not fit any more is not put back from them.
    frozen = {"review_decisions", "replaced_opinions", "consensus_decisions"}
    holding = {
        table.name
        for table in SQLModel.metadata.tables.values()
        if {"labels", "annotations"} & {column.name for column in table.columns if isinstance(column.type, JSONB)}
    }
    assert holding - frozen == {recoding.SAMPLES, recoding.OPINIONS, recoding.TRUTHS}


def test_truth_that_is_known_beforehand_follows_the_classes(super_admin: Person) -> None:
    dataset = make_dataset(super_admin, label_schema={"task": "detection", "classes": CLASSES})
    (sample,) = make_unlabelled(dataset, 1)
    truth = [
        {"id": f"b{n}", "class": name, "box": [n, 1, 9, 9], "attributes": {}} for n, name in enumerate(["red", "plate"])
    ]
    with transaction() as session:
        session.add(GroundTruth(sample_id=sample, dataset_id=dataset.id, annotations=truth, planted_by=super_admin.id))
    applied(super_admin, dataset.id, RENAMES)
    with transaction() as session:
        kept = session.get_one(GroundTruth, sample)
    assert [box["class"] for box in kept.annotations] == ["erythrocyte"]


def test_person_whose_opinion_went_with_its_class_is_asked_again(super_admin: Person) -> None:
    dataset = make_dataset(super_admin)
    asked, other = make_unlabelled(dataset, 2)
    with transaction() as session:
        for sample, name in ((asked, "one"), (other, "zero")):
            said = {"sample_id": sample, "annotator_id": super_admin.id}
            session.add(SampleAnnotation(**said, labels={"class": name}))
            session.add(SampleAssignment(**said, assigned_at=utcnow(), done_at=utcnow()))
    changes = [{"change": "add", "new": {"name": "two"}}, {"change": "remove", "class": "one"}]
    applied(super_admin, dataset.id, changes)
    with transaction() as session:
        done = {row.sample_id: row.done_at is not None for row in session.exec(select(SampleAssignment))}
        left = [row.sample_id for row in session.exec(select(SampleAnnotation))]
    assert (done, left) == ({asked: False, other: True}, [other])


def test_recoding_reads_and_writes_only_its_dataset(super_admin: Person) -> None:
    mine, other = (make_dataset(super_admin, label_schema={"task": "detection", "classes": CLASSES}) for _ in range(2))
    for dataset in (mine, other):
        (sample,) = make_unlabelled(dataset, 1)
        with transaction() as session:
            samples.update(session, super_admin.actor, dataset.id, sample, boxes("red"))
    applied(super_admin, mine.id, RENAMES)
    with transaction() as session:
        left = session.execute(
            text("SELECT annotations->0->>'class' FROM training_samples WHERE dataset_id = :id"), {"id": other.id}
        ).scalar_one()
    assert left == "red"
