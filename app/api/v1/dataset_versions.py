"""Versions of datasets, and samples that may no longer be used."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Response, status
from pydantic import Field

from app.api.deps import PageQuery, Run, Store
from app.api.etags import SHOWS_TAG, tagged
from app.api.guard import guarded_router
from app.api.marks import allow
from app.domain.dataset_versions import Kind
from app.domain.permissions import Permission
from app.schemas.base import Page
from app.schemas.dataset_versions import (
    Restored,
    VersionCommit,
    VersionDiff,
    VersionFilter,
    VersionPreview,
    VersionRestore,
    VersionSamples,
    VersionSummary,
    VersionView,
)
from app.schemas.samples import SampleView
from app.schemas.withdrawals import Impact, SampleWithdraw
from app.services import version_commits, version_restores, versions, withdrawals

router = guarded_router(prefix="/training/datasets/{dataset_id}", tags=["datasets"])
Number = Annotated[str, Path(max_length=40, description="Such as 1.2.0, or `latest`")]


class VersionQuery(VersionFilter, PageQuery):
    """Which versions, and which page of them."""


class DiffQuery(PageQuery):
    """Which changes, and which page of them."""

    kind: Kind | None = Field(None, description="Only samples that this happened to; the counts are of all")


@router.get("/versions", summary="List versions of a dataset")
@allow(Permission.DATASETS_READ)
def list_versions(run: Run, dataset_id: UUID, query: Annotated[VersionQuery, Query()]) -> Page[VersionSummary]:
    return run(versions.list_versions, dataset_id, query.part(VersionFilter), query.cursor, query.limit)


@router.post("/versions", summary="Commit a version", status_code=status.HTTP_201_CREATED)
@allow(Permission.DATASETS_WRITE)
def commit_version(run: Run, dataset_id: UUID, request: VersionCommit) -> VersionView:
    return run.create(version_commits.create, dataset_id, request)


@router.post("/versions/preview", summary="Show what a commit would make")
@allow(Permission.DATASETS_WRITE)
def preview_version(run: Run, dataset_id: UUID, request: VersionCommit) -> VersionPreview:
    return run(version_commits.preview, dataset_id, request)


@router.get("/versions/{version}", summary="Show a version", responses=SHOWS_TAG)
@allow(Permission.DATASETS_READ)
def get_version(run: Run, response: Response, dataset_id: UUID, version: Number) -> VersionView:
    return tagged(response, run(versions.get, dataset_id, version))


@router.get("/versions/{version}/samples", summary="List the samples of a version")
@allow(Permission.DATASETS_READ)
def list_version_samples(
    run: Run, store: Store, dataset_id: UUID, version: Number, query: Annotated[PageQuery, Query()]
) -> VersionSamples:
    return run(versions.list_samples, dataset_id, version, store, query.cursor, query.limit)


@router.get("/versions/{before}/diff/{after}", summary="Compare two versions")
@allow(Permission.DATASETS_READ)
def diff_versions(
    run: Run, store: Store, dataset_id: UUID, before: Number, after: Number, query: Annotated[DiffQuery, Query()]
) -> VersionDiff:
    return run(versions.diff, dataset_id, before, after, store, query.kind, query.cursor, query.limit)


@router.post("/versions/{version}/restore", summary="Make the samples what they were in a version")
@allow(Permission.DATASETS_WRITE)
def restore_version(run: Run, dataset_id: UUID, version: Number, request: VersionRestore) -> Restored:
    return run(version_restores.restore, dataset_id, version, request)


@router.post("/samples/{sample_id}/withdraw", summary="Withdraw a sample from use")
@allow(Permission.DATASETS_WRITE)
def withdraw_sample(run: Run, dataset_id: UUID, sample_id: UUID, request: SampleWithdraw) -> SampleView:
    return run(withdrawals.withdraw, dataset_id, sample_id, request)


@router.post("/samples/{sample_id}/reinstate", summary="Let a withdrawn sample be used again")
@allow(Permission.DATASETS_WRITE)
def reinstate_sample(run: Run, dataset_id: UUID, sample_id: UUID) -> SampleView:
    return run(withdrawals.reinstate, dataset_id, sample_id)


@router.get("/samples/{sample_id}/impact", summary="List everything that a sample has touched")
@allow(Permission.DATASETS_READ)
def sample_impact(run: Run, dataset_id: UUID, sample_id: UUID) -> Impact:
    return run(withdrawals.impact, dataset_id, sample_id)
