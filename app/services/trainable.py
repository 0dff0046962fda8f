"""Whether a dataset, or a version of it, can be trained on; asked when a job is created and again when it begins."""

from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select

from app.domain.dataset_versions import SPLITS, Scope
from app.domain.labels import LabelSchema, Task
from app.domain.machines import DatasetStatus
from app.errors import Conflict, Invalid
from app.services.sample_records import in_scope
from app.services.withdrawals import withdrawn_in
from app.tables import DatasetVersion, TrainingDataset, TrainingSample

MINIMUM = 10
"""Samples without which nothing can be trained."""


def check_dataset(session: Session, dataset: TrainingDataset, *, verified: bool = True) -> None:
    """Raise `Conflict` where nothing can be trained on the dataset; `verified`: on its verified samples as they are."""
    if dataset.status == DatasetStatus.ARCHIVED:
        raise Conflict(f"Dataset {dataset.name!r} is archived. Make it active to train on it.")
    task = LabelSchema.of(dataset.label_schema).task
    if task is not Task.CLASSIFICATION:
        raise Conflict(
            f"Dataset {dataset.name!r} is for {task}; training is for classification, one class per sample. "
            "Label it, version it and export it here, or train on a dataset for classification."
        )
    if not verified:
        return
    usable = (TrainingSample.dataset_id == dataset.id, in_scope(Scope.VERIFIED))
    count = session.exec(select(func.count()).select_from(TrainingSample).where(*usable)).one()
    if count < MINIMUM:
        raise Conflict(
            f"Dataset {dataset.name!r} has {count} verified samples; training needs at least {MINIMUM}. Label and "
            "verify more first."
        )
    shown = col(TrainingSample.labels)["class"].as_string()  # type: ignore[index]
    found = list(session.exec(select(shown).where(*usable).distinct()))
    if len(found) < 2:
        raise Conflict(
            f"All verified samples of {dataset.name!r} are of class {found[0]!r}; training needs two classes."
        )


def check_version(session: Session, dataset: TrainingDataset, version_id: UUID) -> DatasetVersion:
    """The version that a new job asks for. Refuses one of another dataset, and one that cannot be trained on."""
    version = session.get(DatasetVersion, version_id)
    if version is None or version.dataset_id != dataset.id:
        raise Invalid(f"There is no version {version_id} of dataset {dataset.name!r}.", field="dataset_version")
    if version.tree_sha256 is None:
        raise Conflict(f"Version {version.version} is from before versions kept their samples. Commit a new one.")
    refuse_withdrawn(session, version)
    counts = {name: found.get("samples", 0) for name, found in version.statistics.get("classes", {}).items()}
    if version.sample_count < MINIMUM:
        raise Conflict(
            f"Version {version.version} of {dataset.name!r} has {version.sample_count} samples; training needs at "
            f"least {MINIMUM}."
        )
    if len(counts) < 2:
        raise Conflict(f"Version {version.version} of {dataset.name!r} shows one class only; training needs two.")
    empty = [name for name in SPLITS if not version.statistics.get("splits", {}).get(name)]
    if empty:
        raise Conflict(
            f"Version {version.version} has nothing to {' and '.join(empty)} with. Commit a version that is split "
            "again, with a share for each."
        )
    return version


def refuse_withdrawn(session: Session, version: DatasetVersion) -> None:
    """Raise `Conflict` if the version holds a sample that was withdrawn."""
    held = withdrawn_in(session, version)
    if held:
        some = ", ".join(str(each) for each in held[:3]) + (" and more" if len(held) > 3 else "")
        raise Conflict(
            f"Version {version.version} holds {len(held)} withdrawn samples ({some}); nothing may be trained on it "
            "any more. Commit a new version, which leaves them out.",
            code="version-withdrawn",
        )
