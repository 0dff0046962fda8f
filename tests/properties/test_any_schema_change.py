"""Whatever changes of a label schema are put together: no label is lost or invented that was not announced.

The database recodes all labels at once; here each is recoded one by one by the rule in plain Python, and both agree.
"""

from collections import Counter
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import select

from app.domain.labels import LabelSchema, LabelValue, checked_value
from app.domain.schema_changes import SchemaPlan, recoded
from app.errors import Invalid
from app.infra.db import transaction
from app.schemas.samples import SampleUpdate
from app.schemas.schema_changes import SchemaChanges, SchemaChangesApply, SchemaImpact
from app.services import samples, schema_changes
from app.tables import SampleAnnotation, TrainingDataset, TrainingSample
from tests.support.people import Person
from tests.support.records import make_dataset, make_unlabelled

START = ("a", "b", "c")
NAMES = st.sampled_from(["a", "b", "c", "d", "e"])
STAGE = {"name": "stage", "type": "choice", "choices": ["young", "old"]}
CUT = {"name": "cut", "type": "flag", "choices": []}
ATTRIBUTES = st.fixed_dictionaries({}, optional={"stage": st.sampled_from(["young", "old"]), "cut": st.booleans()})
DECLARED = st.lists(st.sampled_from([STAGE, CUT]), unique_by=lambda entry: entry["name"])


def labels(task: str) -> st.SearchStrategy[dict[str, Any]]:
    """Something that one person may say of a sample."""
    name = st.sampled_from(START)
    if task == "classification":
        return name.map(lambda one: {"labels": {"class": one}})
    if task == "multilabel":
        return st.lists(name, unique=True).map(lambda several: {"labels": {"classes": several}})
    drawn = st.lists(st.tuples(name, ATTRIBUTES), max_size=4)
    return drawn.map(
        lambda boxes: {
            "annotations": [
                {"id": f"b{place}", "class": named, "box": [place, 1, 9, 9], "attributes": attributes}
                for place, (named, attributes) in enumerate(boxes)
            ]
        }
    )


def changes(task: str, ids: list[UUID]) -> st.SearchStrategy[dict[str, Any]]:
    """One change, which may make no sense."""
    declared = DECLARED if task == "detection" else st.just([])
    new = st.fixed_dictionaries({"name": NAMES, "attributes": declared})
    chosen = st.dictionaries(NAMES, st.sampled_from(ids).map(lambda one: [str(one)]), max_size=2)
    into = st.lists(new, min_size=2, max_size=3, unique_by=lambda known: known["name"])
    split = {"change": st.just("split"), "class": NAMES, "into": into, "otherwise": st.none() | NAMES}
    kinds = [
        st.fixed_dictionaries({"change": st.just("add"), "new": new}),
        st.fixed_dictionaries({"change": st.just("edit"), "class": NAMES, "attributes": declared}),
        st.fixed_dictionaries({"change": st.just("rename"), "class": NAMES, "to": NAMES}),
        st.fixed_dictionaries({"change": st.just("remove"), "class": NAMES}),
        st.fixed_dictionaries(
            {"change": st.just("merge"), "classes": st.lists(NAMES, min_size=1, max_size=2, unique=True), "into": NAMES}
        ),
        st.fixed_dictionaries({**split, "samples": chosen}),
    ]
    if task == "detection":
        values = st.dictionaries(st.sampled_from(["young", "old"]), NAMES, min_size=1)
        kinds.append(st.fixed_dictionaries({**split, "attribute": st.just("stage"), "values": values}))
    return st.one_of(kinds)


def sensible(
    data: st.DataObject, schema: dict[str, Any], task: str, ids: list[UUID]
) -> tuple[SchemaChanges, SchemaPlan]:
    """A few changes that can be made one after another, and the plan that they are."""
    kept: list[dict[str, Any]] = []
    for drawn in data.draw(st.lists(changes(task, ids), min_size=1, max_size=5), label="changes"):
        try:
            request = SchemaChanges.model_validate({"changes": [*kept, drawn]})
            schema_changes.plan_of(TrainingDataset(label_schema=schema), request)
        except (Invalid, ValueError):
            continue
        kept.append(drawn)
    request = SchemaChanges.model_validate({"changes": kept or [{"change": "add", "new": {"name": "z"}}]})
    return request, schema_changes.plan_of(TrainingDataset(label_schema=schema), request)


def stored(table: type[TrainingSample | SampleAnnotation], ids: list[UUID]) -> dict[UUID, LabelValue | None]:
    key = "sample_id" if table is SampleAnnotation else "id"
    with transaction() as session:
        rows = [row for row in session.exec(select(table)) if getattr(row, key) in ids]
    return {
        getattr(row, key): LabelValue(row.labels, row.annotations) if getattr(row, "is_labeled", True) else None
        for row in rows
    }


def announced(impact: SchemaImpact, before: list[LabelValue], after: list[LabelValue | None]) -> None:
    """The numbers of a preview against what happened, label by label."""
    lost = sum(len(value.classes) for value, now in zip(before, after, strict=True) if now is None)
    assert impact.samples_unlabelled == sum(now is None for now in after)
    assert impact.samples_changed == sum(value != now for value, now in zip(before, after, strict=True))
    fates = Counter({fate.class_name: 0 for fate in impact.fates})
    for fate in impact.fates:
        fates[fate.class_name] += fate.labels if fate.becomes is None else 0
    # Whatever goes is counted, and goes by a class that the fates name or with a sample that goes back.
    assert impact.labels_removed >= max(lost, sum(fates.values()))
    if impact.label_schema["task"] == "detection":
        boxes = sum(len(value.annotations) for value in before)
        left = sum(len(now.annotations) for now in after if now is not None)
        assert boxes - left == impact.labels_removed


@given(data=st.data())
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_labels_become_what_the_preview_said_and_nothing_else(data: st.DataObject, super_admin: Person) -> None:
    task = data.draw(st.sampled_from(["classification", "multilabel", "detection"]), label="task")
    attributes = [STAGE, CUT] if task == "detection" else []
    schema = {"task": task, "classes": [{"name": name, "attributes": attributes} for name in START]}
    said = data.draw(st.lists(labels(task), min_size=1, max_size=6), label="labels")
    dataset = make_dataset(super_admin, label_schema=schema)
    ids = make_unlabelled(dataset, len(said))
    with transaction() as session:
        for sample, value in zip(ids, said, strict=True):
            samples.update(session, super_admin.actor, dataset.id, sample, SampleUpdate.model_validate(value))
    request, plan = sensible(data, schema, task, ids)
    before = stored(TrainingSample, ids)
    expected = {sample: recoded(plan, str(sample), value) for sample, value in before.items() if value is not None}

    with transaction() as session:
        shown = schema_changes.preview(session, super_admin.actor, dataset.id, request)
        wanted = SchemaChangesApply(changes=request.changes, digest=shown.digest)
        assert schema_changes.apply(session, super_admin.actor, dataset.id, wanted) == shown

    after = stored(TrainingSample, ids)
    assert after == expected
    assert stored(SampleAnnotation, ids) == {sample: value for sample, value in expected.items() if value is not None}
    announced(shown, [value for value in before.values() if value is not None], [after[sample] for sample in before])
    new = LabelSchema.of(shown.label_schema)
    assert all(checked_value(new, now.labels, now.annotations) == now for now in after.values() if now is not None)
    with transaction() as session:
        row = session.get_one(TrainingDataset, dataset.id)
        assert (row.sample_count, row.labeled_count) == (len(ids), sum(now is not None for now in after.values()))
