"""Videos and the frames that are cut from them, as callers ask and see."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from app.schemas.base import UUID, Moment, Request, Sha256, View, datetime
from app.schemas.uploads import UploadKey

MOST_FRAMES = 10_000


class VideoCreate(Request):
    """A video that was uploaded, and what is known about it."""

    upload_key: UploadKey
    sha256: Sha256 | None = Field(None, description="If given, what arrived must have this digest")
    source_camera_id: UUID | None = None
    captured_at: Moment | None = Field(None, description="When it begins; else as the file says")
    metadata: dict[str, Annotated[str, StringConstraints(max_length=1000)] | int | float | bool | None] = Field(
        default_factory=dict, max_length=50
    )


class FrameCutCreate(Request):
    """Which pictures of a video become samples: one per interval, or one per scene."""

    every_ms: int | None = Field(None, ge=10, le=3_600_000, description="One picture per so many milliseconds")
    scene_change: float | None = Field(
        None, ge=0.01, le=1, description="One picture where the mean grey level of its pixels changed by this share"
    )
    limit: int = Field(1_000, ge=1, le=MOST_FRAMES, description="How many pictures at most")

    @model_validator(mode="after")
    def _one_wish(self) -> "FrameCutCreate":
        if (self.every_ms is None) == (self.scene_change is None):
            raise ValueError("give either every_ms or scene_change")
        return self


class FrameCutView(View):
    """How far a cut is. `known` are pictures that the dataset had already: the same request again adds nothing."""

    id: UUID
    dataset_id: UUID
    video_id: UUID
    every_ms: int | None
    scene_change: float | None
    limit: int = Field(validation_alias="most")
    status: Literal["queued", "running", "completed", "failed", "cancelled"]
    made: int
    known: int
    at_ms: int = Field(description="How far into the video it is")
    error: str | None
    created_at: datetime
    finished_at: datetime | None
