"""Datasets and their samples."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response, status
from pydantic import Field

from app.api.deps import PageQuery, Run, Store
from app.api.etags import CHECKS_TAG, SHOWS_TAG, IfMatchIn, tagged
from app.api.guard import guarded_router
from app.api.marks import allow
from app.api.v1.labelling import LeaseTokenIn
from app.domain.permissions import Permission
from app.schemas.base import Page
from app.schemas.datasets import DatasetCreate, DatasetFilter, DatasetUpdate, DatasetView
from app.schemas.samples import (
    SampleDetail,
    SampleFilter,
    SamplesCreate,
    SamplesCreated,
    SamplesVerified,
    SamplesVerify,
    SampleUpdate,
    SampleVerify,
    SampleView,
)
from app.schemas.uploads import UploadCompleted, UploadCompletion, UploadRequest, UploadSlots
from app.services import datasets, reviews, sample_uploads, samples, upload_folders

router = guarded_router(prefix="/training/datasets", tags=["datasets"])


class DatasetQuery(DatasetFilter, PageQuery):
    """Which ones, and which page of them."""


class SampleQuery(SampleFilter, PageQuery):
    """Which samples, and which page of them."""

    position: int | None = Field(
        None, ge=0, le=10_000_000, description="Begin with the sample that has so many before it, instead of a cursor"
    )


@router.get("", summary="List datasets")
@allow(Permission.DATASETS_READ)
def list_datasets(run: Run, query: Annotated[DatasetQuery, Query()]) -> Page[DatasetView]:
    return run(datasets.list_datasets, query.part(DatasetFilter), query.cursor, query.limit)


@router.post("", summary="Create a dataset", status_code=status.HTTP_201_CREATED)
@allow(Permission.DATASETS_WRITE)
def create_dataset(run: Run, request: DatasetCreate) -> DatasetView:
    return run.create(datasets.create, request)


@router.get("/{dataset_id}", summary="Show a dataset", responses=SHOWS_TAG)
@allow(Permission.DATASETS_READ)
def get_dataset(run: Run, response: Response, dataset_id: UUID) -> DatasetView:
    return tagged(response, run(datasets.get, dataset_id))


@router.put("/{dataset_id}", summary="Change a dataset", responses=CHECKS_TAG)
@allow(Permission.DATASETS_WRITE)
def update_dataset(
    run: Run, response: Response, dataset_id: UUID, request: DatasetUpdate, if_match: IfMatchIn
) -> DatasetView:
    return tagged(response, run(datasets.update, dataset_id, request, if_match))


@router.delete("/{dataset_id}", summary="Delete a dataset that no job used", status_code=status.HTTP_204_NO_CONTENT)
@allow(Permission.DATASETS_WRITE)
def delete_dataset(run: Run, store: Store, dataset_id: UUID) -> None:
    # The rows are gone before the files are: a crash between leaves files without rows, never rows without files.
    store.delete(*(store.key(url) for url in run(datasets.delete, dataset_id)))


@router.post("/{dataset_id}/uploads", summary="Open places to put files")
@allow(Permission.DATASETS_WRITE)
def open_uploads(run: Run, store: Store, dataset_id: UUID, request: UploadRequest) -> UploadSlots:
    return run(upload_folders.open_uploads, dataset_id, request, store)


@router.post("/{dataset_id}/uploads/complete", summary="Make the parts of a large file one")
@allow(Permission.DATASETS_WRITE)
def complete_upload(run: Run, store: Store, dataset_id: UUID, request: UploadCompletion) -> UploadCompleted:
    run(upload_folders.may_complete, dataset_id, request)
    return upload_folders.complete(request, store)


@router.get("/{dataset_id}/samples", summary="List samples")
@allow(Permission.DATASETS_READ)
def list_samples(
    run: Run,
    store: Store,
    dataset_id: UUID,
    query: Annotated[SampleQuery, Query()],
) -> Page[SampleDetail]:
    wanted = query.part(SampleFilter)
    return run(samples.list_samples, dataset_id, wanted, store, query.cursor, query.limit, query.position)


@router.post("/{dataset_id}/samples", summary="Register uploaded files", status_code=status.HTTP_201_CREATED)
@allow(Permission.DATASETS_WRITE)
def create_samples(run: Run, store: Store, dataset_id: UUID, request: SamplesCreate) -> SamplesCreated:
    terms = run(sample_uploads.may_create, dataset_id)
    files = sample_uploads.receive(dataset_id, request, store, terms)
    created = run.create(sample_uploads.create, dataset_id, request, files)
    sample_uploads.forget_uploads(request, store)
    return created


@router.post("/{dataset_id}/samples/verify", summary="Accept or reject several labels")
@allow(Permission.SAMPLES_VERIFY)
def verify_samples(run: Run, dataset_id: UUID, request: SamplesVerify) -> SamplesVerified:
    return run(reviews.verify_many, dataset_id, request)


@router.put("/{dataset_id}/samples/{sample_id}", summary="Label a sample", responses=CHECKS_TAG)
@allow(Permission.DATASETS_WRITE)
def update_sample(
    run: Run,
    response: Response,
    dataset_id: UUID,
    sample_id: UUID,
    request: SampleUpdate,
    if_match: IfMatchIn,
    lease_token: LeaseTokenIn = None,
) -> SampleView:
    return tagged(response, run(samples.update, dataset_id, sample_id, request, if_match, lease_token))


@router.delete("/{dataset_id}/samples/{sample_id}", summary="Delete a sample", status_code=status.HTTP_204_NO_CONTENT)
@allow(Permission.DATASETS_WRITE)
def delete_sample(run: Run, store: Store, dataset_id: UUID, sample_id: UUID) -> None:
    store.delete(*(store.key(url) for url in run(samples.delete, dataset_id, sample_id)))


@router.post("/{dataset_id}/samples/{sample_id}/verify", summary="Accept or reject one label", responses=CHECKS_TAG)
@allow(Permission.SAMPLES_VERIFY)
def verify_sample(
    run: Run, response: Response, dataset_id: UUID, sample_id: UUID, request: SampleVerify, if_match: IfMatchIn
) -> SampleView:
    return tagged(response, run(reviews.verify, dataset_id, sample_id, request, if_match))
