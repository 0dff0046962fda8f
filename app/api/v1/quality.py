"""How good the labels of a dataset are, and the samples behind each figure."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.api.deps import PageQuery, Run, Store
from app.api.guard import guarded_router
from app.api.marks import allow
from app.domain.permissions import Permission
from app.schemas.base import Page
from app.schemas.quality import BehindFilter, QualityFilter, QualityReport, SampleBehind
from app.services import quality, quality_samples

router = guarded_router(prefix="/training/datasets/{dataset_id}/quality", tags=["datasets"])


class BehindQuery(BehindFilter, PageQuery):
    """Which samples, and which page of them."""


@router.get("", summary="Measure how good the labels are")
@allow(Permission.DATASETS_READ)
def get_quality(run: Run, dataset_id: UUID, query: Annotated[QualityFilter, Query()]) -> QualityReport:
    return run(quality.report, dataset_id, query)


@router.get("/samples", summary="List the samples behind a figure")
@allow(Permission.DATASETS_READ)
def list_behind(run: Run, store: Store, dataset_id: UUID, query: Annotated[BehindQuery, Query()]) -> Page[SampleBehind]:
    return run(quality_samples.list_behind, dataset_id, query.part(BehindFilter), store, query.cursor, query.limit)
