"""What an import asks of a dataset: which files are there already, labels for those without, classes that it lacks."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlmodel import Session, col, select

from app.domain.labels import LabelValue
from app.domain.machines import SampleStatus
from app.domain.permissions import Actor, Permission, PersonActor, require
from app.domain.schema_additions import additions
from app.errors import Conflict, Invalid
from app.schemas.datasets import DatasetView, LabelSchema
from app.schemas.schema_changes import SchemaChanges, SchemaChangesApply, SchemaImpact
from app.services import audit, sample_labels, sample_uploads, schema_changes
from app.services.access import fetch, open_dataset
from app.tables import TrainingDataset, TrainingSample


def known(session: Session, actor: Actor, dataset_id: UUID, digests: Sequence[str]) -> dict[str, UUID]:
    """Which of the sha256 digests are a sample of the dataset already, or were its file as it arrived; its id."""
    require(actor, Permission.DATASETS_READ)
    fetch(session, TrainingDataset, dataset_id, actor, "dataset")
    return sample_uploads.known_digests(session, dataset_id, digests)


def label_known(session: Session, actor: Actor, dataset_id: UUID, labels: Mapping[UUID, LabelValue]) -> set[UUID]:
    """Label those of the samples that have no label yet; the ids of those that were labelled now.

    What somebody labelled already is left as it is: an import never overwrites a person.
    """
    require(actor, Permission.DATASETS_WRITE)
    assert isinstance(actor, PersonActor)
    dataset = open_dataset(session, actor, dataset_id, lock=True)
    query = select(TrainingSample).where(
        TrainingSample.dataset_id == dataset_id,
        col(TrainingSample.id).in_(labels),
        sample_labels.has_status(SampleStatus.UNLABELED),
    )
    rows = list(session.exec(query))
    sample_labels.apply(session, actor, dataset, [(row, labels[row.id]) for row in rows])
    if rows:
        sample_labels.touch(session, dataset)
        after = {"count": len(rows), "sample_ids": [str(row.id) for row in rows]}
        audit.record(session, actor, "sample.label_imported", dataset, after=after)
    return {row.id for row in rows}


def extend_schema(session: Session, actor: Actor, dataset_id: UUID, schema: dict[str, Any]) -> DatasetView:
    """Give a dataset more classes and attributes, by a change of its schema like any other: previewed, then applied.

    Nothing that is labelled changes its meaning by that. Raises `Conflict` if `schema` lacks or changes anything that
    the dataset has now. Between the preview and the change nobody labels: the dataset is locked.
    """
    require(actor, Permission.DATASETS_WRITE)
    dataset = open_dataset(session, actor, dataset_id, lock=True)
    wanted = _additions(dataset, schema)
    if wanted is not None:
        seen = schema_changes.preview(session, actor, dataset_id, wanted)
        made = SchemaChangesApply(changes=wanted.changes, digest=seen.digest)
        schema_changes.apply(session, actor, dataset_id, made)
    return DatasetView.model_validate(dataset)


def preview_schema(session: Session, actor: Actor, dataset_id: UUID, schema: dict[str, Any]) -> SchemaImpact | None:
    """What `extend_schema` would do now; None if the dataset lacks nothing. Changes nothing."""
    require(actor, Permission.DATASETS_WRITE)
    dataset = open_dataset(session, actor, dataset_id)
    wanted = _additions(dataset, schema)
    return schema_changes.preview(session, actor, dataset_id, wanted) if wanted is not None else None


def _additions(dataset: TrainingDataset, schema: dict[str, Any]) -> SchemaChanges | None:
    try:
        checked = LabelSchema.model_validate(schema).model_dump(mode="json")
    except ValidationError as error:
        said = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        raise Invalid(f"The classes of this source do not fit a schema: {said}. Import without adding them.") from error
    if not _contains(checked, dataset.label_schema):
        raise Conflict(f"The classes of {dataset.name!r} were changed meanwhile. Import again.")
    changes = additions(dataset.label_schema, checked)
    return SchemaChanges.model_validate({"changes": changes}) if changes else None


def _contains(wide: dict[str, Any], narrow: dict[str, Any]) -> bool:
    """True if `wide` says all that `narrow` says, and only adds classes and attributes."""
    by_name = {entry["name"]: entry for entry in wide["classes"]}
    same_task = wide["task"] == narrow.get("task", wide["task"])
    return same_task and all(
        entry["name"] in by_name
        and all(attribute in by_name[entry["name"]]["attributes"] for attribute in entry.get("attributes") or ())
        for entry in narrow["classes"]
    )


def record_export(session: Session, actor: Actor, dataset_id: UUID, format_name: str, images: int) -> None:
    """Write into the audit log that somebody took the dataset away."""
    require(actor, Permission.DATASETS_READ)
    dataset = fetch(session, TrainingDataset, dataset_id, actor, "dataset")
    audit.record(session, actor, "dataset.export", dataset, after={"format": format_name, "images": images})
