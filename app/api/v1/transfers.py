"""Datasets in and out as archives (docs/formats.md)."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, status

from app.api.deps import PageQuery, Run, Store
from app.api.guard import guarded_router
from app.api.marks import allow
from app.domain.permissions import Permission
from app.schemas.base import Page
from app.schemas.transfers import ExportCreate, ImportCreate, TransferDetail, TransferFilter, TransferView
from app.services import transfers

router = guarded_router(prefix="/training/datasets/{dataset_id}", tags=["datasets"])


class TransferQuery(TransferFilter, PageQuery):
    """Which ones, and which page of them."""


@router.post("/imports", summary="Import an archive that was uploaded", status_code=status.HTTP_201_CREATED)
@allow(Permission.DATASETS_WRITE)
def create_import(run: Run, dataset_id: UUID, request: ImportCreate) -> TransferView:
    return run.create(transfers.request_import, dataset_id, request)


@router.post("/exports", summary="Export to an archive", status_code=status.HTTP_201_CREATED)
@allow(Permission.DATASETS_WRITE)
def create_export(run: Run, dataset_id: UUID, request: ExportCreate) -> TransferView:
    return run.create(transfers.request_export, dataset_id, request)


@router.get("/transfers", summary="List imports and exports")
@allow(Permission.DATASETS_READ)
def list_transfers(run: Run, dataset_id: UUID, query: Annotated[TransferQuery, Query()]) -> Page[TransferView]:
    return run(transfers.list_transfers, dataset_id, query.part(TransferFilter), query.cursor, query.limit)


@router.get("/transfers/{transfer_id}", summary="Show an import or export, with what it made")
@allow(Permission.DATASETS_READ)
def get_transfer(run: Run, store: Store, dataset_id: UUID, transfer_id: UUID) -> TransferDetail:
    return run(transfers.get, dataset_id, transfer_id, store)


@router.post("/transfers/{transfer_id}/cancel", summary="End an import or export")
@allow(Permission.DATASETS_WRITE)
def cancel_transfer(run: Run, dataset_id: UUID, transfer_id: UUID) -> TransferView:
    return run(transfers.cancel, dataset_id, transfer_id)
