"""Datasets: create, change, archive, delete."""

from typing import Any
from uuid import UUID

from sqlalchemy import delete as delete_rows
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from app.domain.machines import DatasetStatus, advance
from app.domain.permissions import Actor, Permission, PersonActor, require
from app.errors import Conflict, Invalid
from app.schemas.base import Page
from app.schemas.datasets import DatasetCreate, DatasetFilter, DatasetUpdate, DatasetView
from app.services import audit, dataset_chunks, etags
from app.services.access import fetch, visible_to
from app.services.etags import IfMatch
from app.services.filtering import begins_with, equal
from app.services.paging import paged
from app.tables import Organization, SampleAnnotation, TrainingDataset, TrainingJob, TrainingSample
from app.tables.base import utcnow


def list_datasets(
    session: Session, actor: Actor, wanted: DatasetFilter, cursor: str | None = None, limit: int = 50
) -> Page[DatasetView]:
    """One page of the datasets that fit."""
    require(actor, Permission.DATASETS_READ)
    query = select(TrainingDataset).where(
        visible_to(actor, TrainingDataset.organization_id),
        *equal(TrainingDataset, wanted),
        *begins_with(wanted.q, TrainingDataset.name),
    )
    return paged(session, query, TrainingDataset, DatasetView.model_validate, wanted, cursor, limit)


def get(session: Session, actor: Actor, dataset_id: UUID) -> DatasetView:
    """One dataset."""
    require(actor, Permission.DATASETS_READ)
    return DatasetView.model_validate(fetch(session, TrainingDataset, dataset_id, actor, "dataset"))


def create(session: Session, actor: Actor, request: DatasetCreate) -> DatasetView:
    """A new, empty dataset in draft."""
    require(actor, Permission.DATASETS_WRITE)
    assert isinstance(actor, PersonActor)
    organization_must_exist(session, request.organization_id)
    row = TrainingDataset(
        **request.model_dump(exclude={"label_schema"}),
        label_schema=request.label_schema.model_dump(),
        created_by=actor.user_id,
    )
    session.add(row)
    _flush(session, request.name, request.version)
    audit.record(session, actor, "dataset.create", row, after=request.model_dump(mode="json", exclude_none=True))
    return DatasetView.model_validate(row)


def update(
    session: Session, actor: Actor, dataset_id: UUID, request: DatasetUpdate, if_match: IfMatch = None
) -> DatasetView:
    """Change what the request names."""
    require(actor, Permission.DATASETS_WRITE)
    row = fetch(session, TrainingDataset, dataset_id, actor, "dataset", lock=True)
    etags.check(DatasetView.model_validate(row), if_match)
    changes: dict[str, Any] = request.model_dump(exclude_none=True, exclude={"status"})
    if "label_schema" in changes and changes["label_schema"] != row.label_schema:
        _refuse_under_labels(session, row)
    if request.status is not None and request.status != row.status:
        changes["status"] = advance(DatasetStatus(row.status), request.status, f"Dataset {row.name!r}")
    before = {name: getattr(row, name) for name in changes}
    row.sqlmodel_update({**changes, "updated_at": utcnow()})
    session.add(row)
    _flush(session, row.name, row.version)
    audit.record(session, actor, "dataset.update", row, before=before, after=changes)
    return DatasetView.model_validate(row)


def delete(session: Session, actor: Actor, dataset_id: UUID) -> list[str]:
    """Delete a dataset that no job used, and return the file URLs to remove from the store."""
    require(actor, Permission.DATASETS_WRITE)
    row = fetch(session, TrainingDataset, dataset_id, actor, "dataset", lock=True)
    job = session.exec(select(TrainingJob.name).where(TrainingJob.dataset_id == dataset_id).limit(1)).first()
    if job is not None:
        raise Conflict(f"Training job {job!r} used {row.name!r}, so it must stay. Archive it instead.")
    gone = delete_rows(TrainingSample).where(col(TrainingSample.dataset_id) == dataset_id)
    files = session.execute(gone.returning(col(TrainingSample.file_url), col(TrainingSample.thumbnail_url)))  # type: ignore[deprecated]
    urls = {url for urls in files for url in urls if url} | dataset_chunks.forget(session, dataset_id)
    session.delete(row)
    before = {"name": row.name, "version": row.version, "sample_count": row.sample_count}
    audit.record(session, actor, "dataset.delete", row, before=before)
    return list(urls)


def _refuse_under_labels(session: Session, row: TrainingDataset) -> None:
    """A schema is replaced only while nobody said anything; afterwards every label has to be taken along."""
    advice = "Change the classes by a schema change: its preview shows what becomes of every label."
    if row.labeled_count:
        raise Conflict(f"{row.labeled_count:,} samples of {row.name!r} are labelled with the present classes. {advice}")
    of_dataset = col(TrainingSample.dataset_id) == row.id
    said = select(SampleAnnotation.id).join(TrainingSample).where(of_dataset).limit(1)
    if session.exec(said).first() is not None:
        raise Conflict(f"People gave opinions about samples of {row.name!r} in the present classes. {advice}")


def organization_must_exist(session: Session, organization_id: int | None) -> None:
    """Raise `Invalid` if the id is given and unknown."""
    if organization_id is not None and session.get(Organization, organization_id) is None:
        raise Invalid(f"There is no organization {organization_id}.", field="organization_id")


def modules(session: Session, actor: Actor) -> list[str]:
    """The AI modules that have a dataset, in alphabetical order."""
    require(actor, Permission.DATASETS_READ)
    query = select(TrainingDataset.ai_module).where(visible_to(actor, TrainingDataset.organization_id)).distinct()
    return list(session.exec(query.order_by(col(TrainingDataset.ai_module))))


def _flush(session: Session, name: str, version: str) -> None:
    try:
        session.flush()
    except IntegrityError as error:
        raise Conflict(
            f"A dataset {name!r} with version {version} exists already. Choose another name or version."
        ) from error
