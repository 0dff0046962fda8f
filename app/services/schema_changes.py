"""Changing the label schema of a dataset in use: shown first, then made, all of it or nothing.

A preview asks what would become of every label and gives a digest of that answer. The change is made only with the
digest of the present answer, under the dataset's lock: if anybody labelled one of those samples meanwhile, nothing is
changed and the person looks again. Frozen versions keep the schema and the labels that they have.
"""

import hashlib
import json
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import text
from sqlmodel import Session

from app.domain.machines import DatasetStatus
from app.domain.permissions import Actor, Permission, PersonActor, require
from app.domain.schema_changes import SchemaPlan
from app.errors import Conflict, Invalid, PreconditionFailed
from app.schemas.datasets import LabelSchema
from app.schemas.schema_changes import (
    AddClass,
    Change,
    ClassFate,
    EditClass,
    MergeClasses,
    RemoveClass,
    RenameClass,
    SchemaChanges,
    SchemaChangesApply,
    SchemaImpact,
)
from app.services import audit, dataset_changes
from app.services.access import fetch
from app.services.recoding import OPINIONS, SAMPLES, Recoding
from app.tables import TrainingDataset
from app.tables.base import utcnow

# A dataset of a million samples takes longer than a statement's usual minute, and compiling it pays for none of them.
_PATIENCE = text("SELECT set_config('statement_timeout', '15min', true), set_config('jit', 'off', true)")


def preview(session: Session, actor: Actor, dataset_id: UUID, request: SchemaChanges) -> SchemaImpact:
    """What the changes would do now, with the digest to make them by. Changes nothing."""
    require(actor, Permission.DATASETS_WRITE)
    dataset = _open(session, actor, dataset_id)
    plan = plan_of(dataset, request)
    return _impact(dataset, plan, Recoding(session, dataset.id, plan), request)


def apply(session: Session, actor: Actor, dataset_id: UUID, request: SchemaChangesApply) -> SchemaImpact:
    """Make the changes that a preview showed: the schema, the agreed labels, every opinion and the counts.

    Raises `PreconditionFailed` with the present `digest` if they would do something else by now.
    """
    require(actor, Permission.DATASETS_WRITE)
    assert isinstance(actor, PersonActor)
    dataset = _open(session, actor, dataset_id, lock=True)
    plan = plan_of(dataset, request)
    recoding = Recoding(session, dataset.id, plan)
    impact = _impact(dataset, plan, recoding, request)
    if impact.digest != request.digest:
        raise PreconditionFailed(
            "The labels that these changes touch are not the ones that the preview showed. Look at the preview again.",
            digest=impact.digest,
        )
    before = {"label_schema": dataset.label_schema, "labeled_count": dataset.labeled_count}
    before["verified_count"] = dataset.verified_count
    if plan.touched:
        found = {"forgets": impact.opinions_removed > 0, "changes": impact.opinions_changed > 0}
        recoding.carry_out(actor.user_id, **found)
    dataset.labeled_count -= impact.samples_unlabelled
    dataset.verified_count -= impact.verified_lost
    dataset.label_schema = plan.schema
    dataset.updated_at = utcnow()
    session.add(dataset)
    session.flush()
    after = impact.model_dump(mode="json", by_alias=True, exclude={"digest"})
    after["changes"] = [_recorded(change) for change in request.changes]
    audit.record(session, actor, "dataset.change_schema", dataset, before=before, after=after)
    dataset_changes.changed(session, dataset)
    return impact


def _open(session: Session, actor: Actor, dataset_id: UUID, *, lock: bool = False) -> TrainingDataset:
    dataset = fetch(session, TrainingDataset, dataset_id, actor, "dataset", lock=lock)
    if dataset.status == DatasetStatus.ARCHIVED:
        raise Conflict(f"Dataset {dataset.name!r} is archived. Make it active to change it.")
    session.execute(_PATIENCE)  # type: ignore[deprecated]
    return dataset


def plan_of(dataset: TrainingDataset, request: SchemaChanges) -> SchemaPlan:
    """The changes, one after another, from the schema that `dataset` has; `Invalid` says which makes no sense."""
    plan = SchemaPlan(dataset.label_schema)
    for place, change in enumerate(request.changes):
        try:
            _take(plan, change)
        except Invalid as error:
            field = f"changes.{place}.{error.fields.get('field', 'change')}"
            raise Invalid(f"Change {place + 1}: {error.message}", field=field) from error
    try:
        LabelSchema.model_validate(plan.schema)
    except ValidationError as error:
        said = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        raise Invalid(f"The schema would not be a valid one: {said}.", field="changes") from error
    return plan


def _take(plan: SchemaPlan, change: Change) -> None:
    match change:
        case AddClass():
            plan.add(change.new.model_dump())
        case EditClass():
            plan.edit(change.class_name, change.model_dump(exclude={"change", "class_name"}, exclude_unset=True))
        case RenameClass():
            plan.rename(change.class_name, change.to)
        case MergeClasses():
            plan.merge(change.classes, change.into)
        case RemoveClass():
            plan.remove(change.class_name)
        case _:
            into = [new.model_dump() for new in change.into]
            rule = {"attribute": change.attribute, "cases": change.cases(), "otherwise": change.otherwise}
            plan.split(change.class_name, into, **rule)  # type: ignore[arg-type]


def _impact(dataset: TrainingDataset, plan: SchemaPlan, recoding: Recoding, request: SchemaChanges) -> SchemaImpact:
    samples, opinions = recoding.totals(SAMPLES), recoding.totals(OPINIONS)
    changes = request.model_dump(mode="json", include={"changes"})
    seen = [str(dataset.id), dataset.label_schema, changes, samples.fingerprint, opinions.fingerprint]
    return SchemaImpact(
        digest=hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest(),
        label_schema=plan.schema,
        fates=[ClassFate(**fate) for fate in recoding.fates()],
        samples_changed=samples.changed,
        samples_unlabelled=samples.unlabelled,
        verified_lost=samples.verified_lost,
        labels_removed=samples.labels_removed,
        attribute_values_removed=samples.stripped,
        opinions_changed=opinions.changed - opinions.unlabelled,
        opinions_removed=opinions.unlabelled,
    )


def _recorded(change: Change) -> dict[str, Any]:
    """The change for the audit log; of chosen samples only how many each class got."""
    said = change.model_dump(mode="json", by_alias=True, exclude_unset=True)
    if said.get("samples"):
        said["samples"] = {name: len(ids) for name, ids in said["samples"].items()}
    return said
