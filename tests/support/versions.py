"""Versions of datasets for tests: commit, read back, and change samples directly."""

from typing import Any
from uuid import UUID, uuid4

from sqlmodel import select

from app.infra.db import transaction
from app.schemas.dataset_versions import VersionCommit, VersionPreview, VersionView
from app.services import version_commits, versions
from app.tables import TrainingDataset, TrainingSample
from tests.support.people import Person


def commit(person: Person, dataset: TrainingDataset, **request: Any) -> VersionView:
    with transaction() as session:
        return version_commits.create(session, person.actor, dataset.id, VersionCommit.model_validate(request))


def preview(person: Person, dataset: TrainingDataset, **request: Any) -> VersionPreview:
    with transaction() as session:
        return version_commits.preview(session, person.actor, dataset.id, VersionCommit.model_validate(request))


def frozen(person: Person, dataset: TrainingDataset, version: str) -> dict[str, dict[str, Any]]:
    with transaction() as session:
        return {record["id"]: record for record in versions.records(session, person.actor, dataset.id, version)}


def change(which: UUID, **columns: Any) -> None:
    with transaction() as session:
        row = session.get_one(TrainingSample, which)
        row.sqlmodel_update(columns)
        session.add(row)


def splits(dataset: TrainingDataset) -> dict[UUID, str | None]:
    with transaction() as session:
        rows = session.exec(select(TrainingSample).where(TrainingSample.dataset_id == dataset.id)).all()
        return {row.id: row.split for row in rows}


def make_samples_of(dataset: TrainingDataset, count: int, labeler: Person) -> list[UUID]:
    """Labelled samples whose content is not that of `make_samples`."""
    rows = [
        TrainingSample(
            dataset_id=dataset.id, file_url=f"s3://nowhere/{uuid4()}.png", file_size=100, sha256=uuid4().hex,
            labels={"class": "one"}, is_labeled=True, labeled_by=labeler.id,
        )
        for _ in range(count)
    ]  # fmt: skip
    with transaction() as session:
        session.add_all(rows)
        row = session.get_one(TrainingDataset, dataset.id)
        row.sample_count += count
        row.labeled_count += count
    return [row.id for row in rows]
