"""Imports and exports as somebody asks for them, watches them and ends them. Workers: `transfer_attempts`."""

from typing import Any
from uuid import UUID

from sqlmodel import Session, select

from app.domain.labels import LabelSchema, Task
from app.domain.machines import TransferStatus, advance
from app.domain.permissions import Actor, Permission, PersonActor, require
from app.errors import Invalid, NotFound
from app.infra.db import after_commit
from app.infra.object_store import ObjectStore
from app.infra.queue import enqueue_transfer
from app.schemas.base import Page
from app.schemas.transfers import ExportCreate, ImportCreate, TransferDetail, TransferFilter, TransferView
from app.services import audit, dataset_changes, transfer_files, versions
from app.services.access import fetch, open_dataset
from app.services.filtering import equal
from app.services.paging import paged
from app.tables import DatasetTransfer, TrainingDataset
from app.tables.base import utcnow

URL_SECONDS = 900
_S = TransferStatus


def request_import(session: Session, actor: Actor, dataset_id: UUID, request: ImportCreate) -> TransferView:
    """Let a worker look at an uploaded archive, or import it."""
    require(actor, Permission.DATASETS_WRITE)
    dataset = open_dataset(session, actor, dataset_id)
    if not request.upload_key.startswith(f"uploads/{dataset_id}/"):
        raise Invalid(f"{request.upload_key} was not opened for dataset {dataset_id}.", field="upload_key")
    return _request(session, actor, dataset, "import", request.format, request.model_dump(exclude={"format"}))


def request_export(session: Session, actor: Actor, dataset_id: UUID, request: ExportCreate) -> TransferView:
    """Let a worker write the dataset into an archive."""
    require(actor, Permission.DATASETS_WRITE)
    dataset = fetch(session, TrainingDataset, dataset_id, actor, "dataset")
    if request.format == "folders" and LabelSchema.of(dataset.label_schema).task is Task.DETECTION:
        raise Invalid("Folders by class cannot hold boxes. Choose another format.", field="format")
    options = request.model_dump(exclude={"format"})
    if request.version is not None:  # what is latest now is exported, also if another is committed meanwhile
        options["version"] = versions.find(session, actor, dataset_id, request.version).version
    return _request(session, actor, dataset, "export", request.format, options)


def _request(
    session: Session, actor: Actor, dataset: TrainingDataset, kind: str, format_name: str, options: dict[str, Any]
) -> TransferView:
    assert isinstance(actor, PersonActor)
    row = DatasetTransfer(
        dataset_id=dataset.id, kind=kind, format=format_name, options=options, created_by=actor.user_id
    )
    session.add(row)
    session.flush()
    audit.record(session, actor, f"dataset.{kind}", dataset, after={"format": format_name, **options})
    after_commit(session, lambda: enqueue_transfer(row.id, row.attempt))
    dataset_changes.changed(session, dataset)
    return transfer_files.view(row)


def list_transfers(
    session: Session,
    actor: Actor,
    dataset_id: UUID,
    wanted: TransferFilter,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[TransferView]:
    """One page of the imports and exports of a dataset."""
    require(actor, Permission.DATASETS_READ)
    fetch(session, TrainingDataset, dataset_id, actor, "dataset")
    query = select(DatasetTransfer).where(DatasetTransfer.dataset_id == dataset_id, *equal(DatasetTransfer, wanted))
    return paged(session, query, DatasetTransfer, transfer_files.view, wanted, cursor, limit, scope=dataset_id)


def get(session: Session, actor: Actor, dataset_id: UUID, transfer_id: UUID, store: ObjectStore) -> TransferDetail:
    """One of them, with URLs of what it made."""
    require(actor, Permission.DATASETS_READ)
    dataset = fetch(session, TrainingDataset, dataset_id, actor, "dataset")
    row = _transfer(session, dataset_id, transfer_id)
    shown = transfer_files.view(row)
    archive, faults = (None, None) if shown.files_removed else (row.archive_url, row.faults_url)
    name = "".join(c if c.isalnum() else "-" for c in dataset.name.lower()).strip("-")[:60] or "dataset"
    return TransferDetail(
        **dict(shown),
        archive=_url(store, archive, f"{name}-{row.format}.zip", "application/zip"),
        faults=_url(store, faults, f"{name}-faults.jsonl", "application/jsonl"),
    )


def cancel(session: Session, actor: Actor, dataset_id: UUID, transfer_id: UUID) -> TransferView:
    """End one that is not over. What an import has registered until then stays."""
    require(actor, Permission.DATASETS_WRITE)
    dataset = fetch(session, TrainingDataset, dataset_id, actor, "dataset")
    row = _transfer(session, dataset_id, transfer_id, lock=True)
    before = row.status
    row.status = advance(TransferStatus(row.status), _S.CANCELLED, f"The {row.kind} {row.id}")
    row.completed_at, row.lease_until = utcnow(), None
    session.add(row)
    audit.record(
        session, actor, f"dataset.{row.kind}_cancel", dataset, before={"status": before}, after={"id": str(row.id)}
    )
    dataset_changes.changed(session, dataset)
    return transfer_files.view(row)


def _transfer(session: Session, dataset_id: UUID, transfer_id: UUID, *, lock: bool = False) -> DatasetTransfer:
    query = select(DatasetTransfer).where(DatasetTransfer.id == transfer_id, DatasetTransfer.dataset_id == dataset_id)
    row = session.exec(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NotFound(f"There is no import or export {transfer_id} of this dataset.")
    return row


def _url(store: ObjectStore, url: str | None, filename: str, content_type: str) -> str | None:
    if url is None:
        return None
    return store.presigned_get(store.key(url), URL_SECONDS, filename=filename, content_type=content_type)
