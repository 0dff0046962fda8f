"""Labelling: one sample and its neighbours, leases, and the next one to label."""

from typing import Annotated
from uuid import UUID

from fastapi import Header, Query, Response, status
from pydantic import Field

from app.api.deps import Run, Store
from app.api.etags import SHOWS_TAG
from app.api.guard import guarded_router
from app.api.marks import allow
from app.domain.permissions import Permission
from app.schemas.labelling import LeaseRequest, LeaseToken, LeaseView, NextSample, NextSampleView, SampleNeighbours
from app.schemas.samples import SampleDetail, SampleFilter
from app.services import labelling_queue, sample_leases

router = guarded_router(prefix="/training/datasets", tags=["labelling"])
LeaseTokenIn = Annotated[LeaseToken | None, Header(alias="Lease-Token", description="The lease you hold, if you do")]


class NeighbourQuery(SampleFilter):
    """Which samples count as neighbours, and how many of them. `sort` changes nothing: they come as they came."""

    limit: int = Field(3, ge=1, le=10, description="How many on each side at most")


@router.post("/{dataset_id}/next-sample", summary="Lease the next sample to label")
@allow(Permission.DATASETS_WRITE)
def next_sample(run: Run, store: Store, dataset_id: UUID, request: NextSample) -> NextSampleView:
    return run(labelling_queue.next_sample, dataset_id, request, store)


@router.get("/{dataset_id}/samples/{sample_id}", summary="Show a sample", responses=SHOWS_TAG)
@allow(Permission.DATASETS_READ)
def get_sample(run: Run, store: Store, response: Response, dataset_id: UUID, sample_id: UUID) -> SampleDetail:
    shown = run(labelling_queue.get, dataset_id, sample_id, store)
    response.headers["ETag"] = shown.etag
    return shown


@router.get("/{dataset_id}/samples/{sample_id}/neighbours", summary="Show the samples around one")
@allow(Permission.DATASETS_READ)
def get_neighbours(
    run: Run, store: Store, dataset_id: UUID, sample_id: UUID, query: Annotated[NeighbourQuery, Query()]
) -> SampleNeighbours:
    wanted = SampleFilter(**query.model_dump(exclude={"limit"}))
    return run(labelling_queue.neighbours, dataset_id, sample_id, wanted, query.limit, store)


@router.post("/{dataset_id}/samples/{sample_id}/lease", summary="Take or renew the lease of a sample")
@allow(Permission.DATASETS_WRITE)
def take_lease(run: Run, dataset_id: UUID, sample_id: UUID, request: LeaseRequest) -> LeaseView:
    return run(sample_leases.take, dataset_id, sample_id, request)


@router.delete(
    "/{dataset_id}/samples/{sample_id}/lease",
    summary="Give the lease of a sample back",
    status_code=status.HTTP_204_NO_CONTENT,
)
@allow(Permission.DATASETS_WRITE)
def release_lease(run: Run, dataset_id: UUID, sample_id: UUID, lease_token: LeaseTokenIn = None) -> None:
    run(sample_leases.release, dataset_id, sample_id, lease_token)
