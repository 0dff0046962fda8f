"""Videos: registering one, and cutting it into frames."""

from uuid import UUID

from fastapi import status

from app.api.deps import Run, Store
from app.api.guard import guarded_router
from app.api.marks import allow
from app.domain.permissions import Permission
from app.schemas.samples import SampleView
from app.schemas.videos import FrameCutCreate, FrameCutView, VideoCreate
from app.services import frame_cuts, sample_uploads, video_uploads

router = guarded_router(prefix="/training/datasets", tags=["datasets"])


@router.post("/{dataset_id}/videos", summary="Register an uploaded video", status_code=status.HTTP_201_CREATED)
@allow(Permission.DATASETS_WRITE)
def create_video(run: Run, store: Store, dataset_id: UUID, request: VideoCreate) -> SampleView:
    terms = run(sample_uploads.may_create, dataset_id)
    url, found = video_uploads.receive(dataset_id, request, store, terms)
    created = run.create(video_uploads.create, dataset_id, request, url, found)
    video_uploads.forget_upload(request, store)
    return created


@router.get("/{dataset_id}/samples/{sample_id}/frames", summary="Show the last cuts of a video")
@allow(Permission.DATASETS_READ)
def list_cuts(run: Run, dataset_id: UUID, sample_id: UUID) -> list[FrameCutView]:
    return run(frame_cuts.latest, dataset_id, sample_id)


@router.post(
    "/{dataset_id}/samples/{sample_id}/frames",
    summary="Cut a video into frames",
    status_code=status.HTTP_201_CREATED,
)
@allow(Permission.DATASETS_WRITE)
def create_cut(run: Run, dataset_id: UUID, sample_id: UUID, request: FrameCutCreate) -> FrameCutView:
    return run.create(frame_cuts.create, dataset_id, sample_id, request)


@router.post("/{dataset_id}/samples/{sample_id}/frames/{cut_id}/cancel", summary="Stop a cut")
@allow(Permission.DATASETS_WRITE)
def cancel_cut(run: Run, dataset_id: UUID, sample_id: UUID, cut_id: UUID) -> FrameCutView:
    return run(frame_cuts.cancel, dataset_id, sample_id, cut_id)
