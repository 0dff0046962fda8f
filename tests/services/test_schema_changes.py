"""Changing the classes of a dataset in use: what becomes of every label, shown first and done exactly so."""

from collections import Counter
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import col, select

from app.errors import Conflict, Invalid, PreconditionFailed
from app.infra.db import transaction
from app.schemas.datasets import DatasetUpdate
from app.schemas.samples import SampleUpdate, SampleVerify
from app.schemas.schema_changes import SchemaChanges, SchemaChangesApply, SchemaImpact
from app.services import datasets, reviews, samples, schema_changes
from app.tables import AuditEvent, SampleAnnotation, TrainingDataset, TrainingSample
from tests.support.people import Person
from tests.support.records import make_dataset, make_unlabelled

STAGES = [{"name": "stage", "type": "choice", "choices": ["young", "old"]}, {"name": "cut", "type": "flag"}]
CLASSES: list[dict[str, Any]] = [
    {"name": name, "color": "#112233", "key": None, "attributes": []} for name in ("red", "white", "plate")
]
Values = list[dict[str, Any]]


def box(number: int, name: str, **attributes: Any) -> dict[str, Any]:
    return {"id": f"b{number}", "class": name, "box": [number, 2, 10, 10], "attributes": attributes}


def make(
    owner: Person, task: str, values: Values, verifier: Person | None = None
) -> tuple[TrainingDataset, list[UUID]]:
    """A dataset whose samples are labelled with `values`, verified if there is a verifier."""
    classes = [{**known, "attributes": STAGES if task == "detection" else []} for known in CLASSES]
    dataset = make_dataset(owner, label_schema={"task": task, "classes": classes})
    ids = make_unlabelled(dataset, len(values))
    with transaction() as session:
        for sample, value in zip(ids, values, strict=True):
            samples.update(session, owner.actor, dataset.id, sample, SampleUpdate.model_validate(value))
            if verifier is not None:
                reviews.verify(session, verifier.actor, dataset.id, sample, SampleVerify(quality_score=0.9))
    return dataset, ids


def preview(person: Person, dataset: TrainingDataset, *changes: dict[str, Any]) -> SchemaImpact:
    with transaction() as session:
        request = SchemaChanges.model_validate({"changes": list(changes)})
        return schema_changes.preview(session, person.actor, dataset.id, request)


def change(person: Person, dataset: TrainingDataset, *changes: dict[str, Any], digest: str = "") -> SchemaImpact:
    """Preview, then apply with the preview's digest; what was shown is what was done."""
    shown = preview(person, dataset, *changes)
    with transaction() as session:
        request = SchemaChangesApply.model_validate({"changes": list(changes), "digest": digest or shown.digest})
        done = schema_changes.apply(session, person.actor, dataset.id, request)
    assert done == shown
    return done


def rows(ids: list[UUID]) -> list[TrainingSample]:
    with transaction() as session:
        found = {row.id: row for row in session.exec(select(TrainingSample).where(col(TrainingSample.id).in_(ids)))}
    return [found[sample] for sample in ids]


def opinions(ids: list[UUID]) -> dict[UUID, SampleAnnotation]:
    with transaction() as session:
        query = select(SampleAnnotation).where(col(SampleAnnotation.sample_id).in_(ids))
        return {row.sample_id: row for row in session.exec(query)}


def drawn(row: TrainingSample | SampleAnnotation) -> list[tuple[str, str]]:
    return [(entry["id"], entry["class"]) for entry in row.annotations]


def names(dataset: TrainingDataset) -> list[str]:
    with transaction() as session:
        return [known["name"] for known in session.get_one(TrainingDataset, dataset.id).label_schema["classes"]]


def counts_are_right(dataset: TrainingDataset) -> bool:
    with transaction() as session:
        row = session.get_one(TrainingDataset, dataset.id)
        found = session.exec(
            select(TrainingSample.is_labeled, TrainingSample.is_verified).where(TrainingSample.dataset_id == dataset.id)
        ).all()
    kept = (row.sample_count, row.labeled_count, row.verified_count)
    return kept == (len(found), sum(labeled for labeled, _ in found), sum(verified for _, verified in found))


def singles(*classes: str) -> Values:
    return [{"labels": {"class": name}} for name in classes]


def boxes(*each: list[dict[str, Any]]) -> Values:
    return [{"annotations": drawn_boxes} for drawn_boxes in each]


def test_renamed_class_takes_its_labels_opinions_and_verifications_along(
    super_admin: Person, second_admin: Person
) -> None:
    dataset, ids = make(super_admin, "classification", singles("red", "white", "red"), second_admin)
    impact = change(super_admin, dataset, {"change": "rename", "class": "red", "to": "erythrocyte"})
    assert [row.labels["class"] for row in rows(ids)] == ["erythrocyte", "white", "erythrocyte"]
    assert all(row.is_verified and row.labeled_by == super_admin.id for row in rows(ids))
    assert opinions(ids)[ids[0]].labels == {"class": "erythrocyte"}
    assert names(dataset) == ["erythrocyte", "white", "plate"]
    (fate,) = impact.fates
    assert (fate.class_name, fate.becomes, fate.outcome) == ("red", "erythrocyte", "recoded")
    assert (fate.labels, fate.samples, fate.verified_samples) == (2, 2, 2)
    assert (impact.samples_changed, impact.verified_lost, impact.opinions_changed) == (2, 0, 2)
    assert counts_are_right(dataset)


def test_removed_class_sends_its_samples_back_to_unlabelled(super_admin: Person, second_admin: Person) -> None:
    dataset, ids = make(super_admin, "classification", singles("red", "white", "red"), second_admin)
    impact = change(super_admin, dataset, {"change": "remove", "class": "red"})
    first, second, _ = rows(ids)
    assert (first.labels, first.is_labeled, first.is_verified, first.labeled_by, first.quality_score) == (
        {}, False, False, None, None,
    )  # fmt: skip
    assert (second.labels, second.is_verified) == ({"class": "white"}, True)
    assert set(opinions(ids)) == {ids[1]}
    assert (impact.samples_unlabelled, impact.verified_lost, impact.opinions_removed) == (2, 2, 2)
    assert [(fate.becomes, fate.outcome) for fate in impact.fates] == [(None, "unlabelled")]
    assert counts_are_right(dataset)


def test_removed_class_takes_its_boxes_and_leaves_the_others(super_admin: Person, second_admin: Person) -> None:
    values = boxes([box(1, "red"), box(2, "white"), box(3, "red")], [box(1, "red")], [box(1, "white")])
    dataset, ids = make(super_admin, "detection", values, second_admin)
    impact = change(super_admin, dataset, {"change": "remove", "class": "red"})
    assert [drawn(row) for row in rows(ids)] == [[("b2", "white")], [], [("b1", "white")]]
    assert all(row.is_verified for row in rows(ids))
    assert drawn(opinions(ids)[ids[1]]) == []
    assert (impact.samples_changed, impact.labels_removed, impact.samples_unlabelled) == (2, 3, 0)
    assert impact.fates[0].labels == 3
    assert counts_are_right(dataset)


def test_merged_classes_are_one(super_admin: Person) -> None:
    values = boxes([box(1, "red", cut=True), box(2, "white", stage="old"), box(3, "plate")])
    dataset, ids = make(super_admin, "detection", values)
    change(super_admin, dataset, {"change": "merge", "classes": ["red", "white"], "into": "white"})
    assert drawn(rows(ids)[0]) == [("b1", "white"), ("b2", "white"), ("b3", "plate")]
    assert rows(ids)[0].annotations[0]["attributes"] == {"cut": True}
    assert names(dataset) == ["white", "plate"]


def test_sample_with_both_merged_classes_has_the_one_class_once(super_admin: Person) -> None:
    values: Values = [{"labels": {"classes": named}} for named in (["red", "white"], ["plate", "white"], [])]
    dataset, ids = make(super_admin, "multilabel", values)
    change(super_admin, dataset, {"change": "merge", "classes": ["white"], "into": "red"})
    assert [row.labels["classes"] for row in rows(ids)] == [["red"], ["red", "plate"], []]
    change(super_admin, dataset, {"change": "add", "new": {"name": "x"}}, {"change": "remove", "class": "red"})
    assert [row.labels["classes"] for row in rows(ids)] == [[], ["plate"], []]
    assert all(row.is_labeled for row in rows(ids))


def test_split_by_an_attribute_keeps_who_said_and_who_verified_it(super_admin: Person, second_admin: Person) -> None:
    values = boxes(
        [box(1, "white", stage="young"), box(2, "white", stage="old", cut=True), box(3, "red")],
        [box(1, "white", stage="old"), box(2, "white"), box(3, "red")],
    )
    dataset, ids = make(super_admin, "detection", values, second_admin)
    into = [{"name": "band", "attributes": STAGES[1:]}, {"name": "segmented", "attributes": STAGES[1:]}]
    impact = change(
        super_admin,
        dataset,
        {"change": "split", "class": "white", "into": into, "attribute": "stage",
         "values": {"young": "band", "old": "segmented"}},
    )  # fmt: skip
    first, second = rows(ids)
    assert drawn(first) == [("b1", "band"), ("b2", "segmented"), ("b3", "red")]
    assert [entry["attributes"] for entry in first.annotations] == [{}, {"cut": True}, {}]
    assert (first.is_verified, first.labeled_by) == (True, super_admin.id)
    # One box of it has no stage, so somebody has to look at the sample again.
    assert (second.is_labeled, second.annotations, second.is_verified) == (False, [], False)
    assert set(opinions(ids)) == {ids[0]}
    assert (impact.samples_unlabelled, impact.verified_lost, impact.labels_removed) == (1, 1, 3)
    assert impact.attribute_values_removed == 2
    assert names(dataset) == ["red", "band", "segmented", "plate"]
    assert counts_are_right(dataset)


def test_split_by_chosen_samples_is_a_new_label_by_whoever_chose(super_admin: Person, second_admin: Person) -> None:
    dataset, ids = make(super_admin, "classification", singles("red", "red", "red", "white"), second_admin)
    into = [{"name": "pale"}, {"name": "dark"}]
    impact = change(
        second_admin,
        dataset,
        {"change": "split", "class": "red", "into": into, "samples": {"pale": [str(ids[0])], "dark": [str(ids[1])]}},
    )
    first, second, third, fourth = rows(ids)
    assert [row.labels.get("class") for row in (first, second, third, fourth)] == ["pale", "dark", None, "white"]
    assert (first.labeled_by, first.is_verified, first.verified_by) == (second_admin.id, False, None)
    assert (third.is_labeled, fourth.is_verified) == (False, True)
    assert (impact.verified_lost, impact.samples_unlabelled) == (3, 1)
    assert counts_are_right(dataset)


def test_split_can_say_what_the_rest_becomes(super_admin: Person) -> None:
    dataset, ids = make(super_admin, "classification", singles("red", "red"))
    into = [{"name": "pale"}, {"name": "dark"}]
    choice = {"pale": [str(ids[0])]}
    change(
        super_admin,
        dataset,
        {"change": "split", "class": "red", "into": into, "samples": choice, "otherwise": "dark"},
    )
    assert [row.labels["class"] for row in rows(ids)] == ["pale", "dark"]


def test_changes_are_made_one_after_another(super_admin: Person) -> None:
    dataset, ids = make(super_admin, "classification", singles("red", "white", "plate"))
    change(
        super_admin,
        dataset,
        {"change": "rename", "class": "red", "to": "x"},
        {"change": "rename", "class": "white", "to": "red"},
        {"change": "merge", "classes": ["plate"], "into": "x"},
    )
    assert [row.labels["class"] for row in rows(ids)] == ["x", "red", "x"]


def test_attribute_that_goes_takes_its_values_and_nothing_else(super_admin: Person, second_admin: Person) -> None:
    dataset, ids = make(
        super_admin, "detection", boxes([box(1, "red", stage="old", cut=True)], [box(1, "red")]), second_admin
    )
    impact = change(super_admin, dataset, {"change": "edit", "class": "red", "attributes": STAGES[1:], "key": "r"})
    assert [row.annotations[0]["attributes"] for row in rows(ids)] == [{"cut": True}, {}]
    assert all(row.is_verified for row in rows(ids))
    assert (impact.attribute_values_removed, impact.samples_changed) == (1, 1)
    assert [(fate.outcome, fate.becomes, fate.labels) for fate in impact.fates] == [("kept", "red", 1)]


def test_colour_and_key_change_no_label(super_admin: Person) -> None:
    dataset, ids = make(super_admin, "classification", singles("red"))
    before = rows(ids)[0].updated_at
    impact = change(super_admin, dataset, {"change": "edit", "class": "red", "color": "#e5484d", "key": "r"})
    assert (impact.fates, impact.samples_changed, rows(ids)[0].updated_at) == ([], 0, before)
    assert impact.label_schema["classes"][0] == {"name": "red", "color": "#e5484d", "key": "r", "attributes": []}


def test_preview_changes_nothing(super_admin: Person) -> None:
    dataset, ids = make(super_admin, "classification", singles("red", "white"))
    preview(super_admin, dataset, {"change": "remove", "class": "red"})
    assert [row.labels for row in rows(ids)] == [{"class": "red"}, {"class": "white"}]
    assert names(dataset) == ["red", "white", "plate"]


def test_label_given_after_the_preview_makes_it_void(super_admin: Person) -> None:
    dataset, ids = make(super_admin, "classification", singles("red", "white"))
    removal = {"change": "remove", "class": "red"}
    shown = preview(super_admin, dataset, removal)
    with transaction() as session:
        samples.update(session, super_admin.actor, dataset.id, ids[1], SampleUpdate.model_validate(singles("red")[0]))
    with pytest.raises(PreconditionFailed) as caught:
        change(super_admin, dataset, removal, digest=shown.digest)
    assert caught.value.fields["digest"] == preview(super_admin, dataset, removal).digest
    assert [row.labels["class"] for row in rows(ids)] == ["red", "red"]


def test_label_that_is_not_touched_leaves_the_preview_valid(super_admin: Person) -> None:
    dataset, ids = make(super_admin, "classification", singles("red", "white"))
    shown = preview(super_admin, dataset, {"change": "remove", "class": "red"})
    with transaction() as session:
        samples.update(session, super_admin.actor, dataset.id, ids[1], SampleUpdate.model_validate(singles("plate")[0]))
    change(super_admin, dataset, {"change": "remove", "class": "red"}, digest=shown.digest)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ([{"change": "rename", "class": "blue", "to": "x"}], "no class 'blue'"),
        ([{"change": "rename", "class": "red", "to": "white"}], "To join two classes, merge them"),
        ([{"change": "add", "new": {"name": "red"}}], "There is a class 'red' already"),
        ([{"change": "merge", "classes": ["red"], "into": "red"}], "at least one other class"),
        ([{"change": "remove", "class": "red"}, {"change": "rename", "class": "red", "to": "x"}], "Change 2: .*'red'"),
        ([{"change": "remove", "class": name} for name in ("red", "white")], "at least two classes"),
        ([{"change": "edit", "class": name, "key": "k"} for name in ("red", "white")], "every key stands once"),
        (
            [{"change": "split", "class": "red", "into": [{"name": "a"}, {"name": "b"}], "attribute": "stage",
              "values": {"young": "a"}}],
            "no attribute 'stage'",
        ),
        (
            [{"change": "split", "class": "red", "into": [{"name": "a"}, {"name": "b"}], "otherwise": "c"}],
            "'c' is none of the classes",
        ),
    ],
)  # fmt: skip
def test_change_that_makes_no_sense_is_refused(super_admin: Person, changes: list[dict[str, Any]], words: str) -> None:
    dataset, _ = make(super_admin, "classification", singles("red"))
    with pytest.raises(Invalid, match=words):
        preview(super_admin, dataset, *changes)


def test_whole_schema_is_not_replaced_while_anybody_has_an_opinion(super_admin: Person) -> None:
    dataset, ids = make(super_admin, "classification", singles("red"))
    with transaction() as session:
        samples.update(session, super_admin.actor, dataset.id, ids[0], SampleUpdate(labels=None))
    other = DatasetUpdate.model_validate({"label_schema": {"classes": [{"name": "a"}, {"name": "b"}]}})
    with pytest.raises(Conflict, match="opinion"), transaction() as session:
        datasets.update(session, super_admin.actor, dataset.id, other)


def test_change_is_in_the_audit_log_with_before_and_after(super_admin: Person) -> None:
    dataset, _ = make(super_admin, "classification", singles("red"))
    change(super_admin, dataset, {"change": "rename", "class": "red", "to": "x"})
    with transaction() as session:
        event = session.exec(select(AuditEvent).where(AuditEvent.action == "dataset.change_schema")).one()
    assert Counter(known["name"] for known in event.before["label_schema"]["classes"])["red"] == 1
    assert event.after["label_schema"]["classes"][0]["name"] == "x"
    assert event.after["changes"] == [{"change": "rename", "class": "red", "to": "x"}]
    assert event.after["samples_changed"] == 1


def test_archived_dataset_is_not_changed(super_admin: Person) -> None:
    dataset, _ = make(super_admin, "classification", singles("red"))
    with transaction() as session:
        datasets.update(session, super_admin.actor, dataset.id, DatasetUpdate(status="archived"))
    with pytest.raises(Conflict, match="archived"):
        preview(super_admin, dataset, {"change": "remove", "class": "red"})
