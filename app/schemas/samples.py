"""Samples as callers send and see them."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, Strict, StringConstraints

from app.domain.labels import MAX_BOXES, MAX_TEXT
from app.domain.machines import SampleStatus
from app.schemas.base import (
    UUID,
    DatabaseId,
    Moment,
    Request,
    Score,
    Sha256,
    Sorted,
    View,
    datetime,
    sort_field,
)
from app.schemas.reviews import Region, Verdict
from app.schemas.uploads import BATCH, PackedFile, SkippedUpload, UploadKey

MAX_FILE_BYTES = 50 * 1024 * 1024
# What importers and the browser's upload write into `metadata`, and lists can be filtered by.
FILE_NAME, SPLIT = "file_name", "split"
SampleSort = Literal[
    "created_at", "-created_at", "updated_at", "-updated_at", "file_size", "-file_size", "captured_at", "-captured_at",
    "quality_score", "-quality_score", "frame_ms", "-frame_ms",
]  # fmt: skip
ClassName = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class SampleLabels(Request):
    """What the whole sample shows: one class, several, or nothing where the label is boxes."""

    class_name: str | None = Field(None, alias="class", min_length=1, max_length=200, description="classification")
    classes: list[ClassName] | None = Field(None, max_length=1000, description="multilabel")

    def value(self) -> dict[str, Any]:
        """As the database keeps it."""
        return self.model_dump(by_alias=True, exclude_none=True)


class BoxAnnotation(Request):
    """A box in pixels of the upright image: `[x, y, width, height]`, kept to a tenth of a pixel."""

    id: str = Field(min_length=1, max_length=64)
    class_name: ClassName = Field(alias="class")
    box: list[Annotated[float, Strict()]] = Field(min_length=4, max_length=4)
    attributes: dict[str, Annotated[str, StringConstraints(max_length=MAX_TEXT)] | bool | int | float] = Field(
        default_factory=dict, max_length=30
    )


class SampleLabel(Request):
    """A label as it is sent: `labels` for what the whole sample shows, `annotations` for boxes.

    A sample of a detection dataset with `annotations: []` is labelled, and says that nothing is there.
    """

    labels: SampleLabels | None = None
    annotations: list[BoxAnnotation] | None = Field(None, max_length=MAX_BOXES)

    @property
    def says_something(self) -> bool:
        """False where it takes a label away, or gives none."""
        return self.labels is not None or self.annotations is not None

    def boxes(self) -> list[dict[str, Any]]:
        """The annotations as plain values."""
        return [box.model_dump(by_alias=True) for box in self.annotations or ()]


class SampleFacts(Request):
    """What is known about a new sample beside its file and its label."""

    source_camera_id: UUID | None = None
    captured_at: Moment | None = None
    metadata: dict[str, Annotated[str, StringConstraints(max_length=1000)] | int | float | bool | None] = Field(
        default_factory=dict, max_length=50
    )


class SampleCreate(SampleLabel, SampleFacts):
    """A file that was uploaded, and what is known about it."""

    upload_key: UploadKey
    part: PackedFile | None = Field(None, description="Where the file lies, if the upload holds several")
    sha256: Sha256 | None = Field(None, description="If given, what arrived must have this digest")

    @property
    def place(self) -> str:
        """Where the file was put, in words."""
        return self.upload_key if self.part is None else f"{self.upload_key} from byte {self.part.first}"


class SamplesCreate(Request):
    """Up to 500 uploaded files. With `on_fault: refuse` all become samples, or none does and the answer names the first
    that is wrong; with `skip` the good ones do, and the answer says of each other one why not."""

    samples: list[SampleCreate] = Field(min_length=1, max_length=BATCH)
    on_fault: Literal["refuse", "skip"] = "refuse"


class SampleUpdate(SampleLabel):
    """Label a sample, or take its label away: `labels: null` and no annotations."""


class SampleVerify(Verdict):
    """The decision about one sample; `region` is the part of the picture that a rejection is about."""

    region: Region | None = Field(None, description="x, y, width, height in pixels of the upright picture")
    fix: SampleLabel | None = Field(None, description="Accept with this label in place of the author's")


class SamplesVerify(Verdict):
    """The same decision for several samples of one dataset."""

    sample_ids: list[UUID] = Field(min_length=1, max_length=BATCH)


class SampleFilter(Sorted):
    """Which samples to list, and in which order. All conditions must hold.

    A list in the order of `captured_at`, `quality_score` or `frame_ms` is of the samples that have one.
    """

    status: SampleStatus | None = None
    label: str | None = Field(None, max_length=200, description="The class that the label names, as such or in a box")
    labeled_by: DatabaseId | None = None
    verified_by: DatabaseId | None = None
    reviewed: bool | None = Field(None, description="True: somebody accepted or rejected the label")
    file_type: Literal["image", "video"] | None = None
    size_min: int | None = Field(None, ge=0, le=2**62, description="Smallest size of the file, in bytes")
    size_max: int | None = Field(None, ge=0, le=2**62, description="Largest size of the file, in bytes")
    captured_since: Moment | None = None
    captured_until: Moment | None = Field(None, description="Captured before this moment")
    created_since: Moment | None = Field(None, description="Added to the dataset at this moment or later")
    created_until: Moment | None = Field(None, description="Added before this moment")
    source_camera_id: UUID | None = None
    quality_min: float | None = Field(None, ge=0, le=1)
    quality_max: float | None = Field(None, ge=0, le=1)
    near_duplicates: bool | None = Field(None, description="True: another sample looks nearly the same")
    near_group: UUID | None = Field(None, description="The samples that look nearly like each other")
    video_id: UUID | None = Field(None, description="The frames of a video; sort by frame_ms for their order")
    withdrawn: bool | None = None
    split: str | None = Field(None, max_length=100, description="The split that the sample was imported with")
    metadata: str | None = Field(None, max_length=1200, description="`key=value` of the sample's metadata")
    q: str | None = Field(None, min_length=1, max_length=200, description="How words of the file's name begin")
    sort: SampleSort = sort_field()


class OpinionState(View):
    """Where a sample stands about which several people are asked: collecting, disputed or agreed."""

    state: str
    wanted: int
    given: int
    is_mine_given: bool


class SampleView(View):
    """A sample."""

    # A label that is replaced takes the decision about it away, so a decision made meanwhile must not go unnoticed.
    EDITED: ClassVar = (
        "labels", "annotations", "labeled_by", "is_verified", "verified_by", "rejection_reason", "quality_score",
    )  # fmt: skip

    id: UUID
    dataset_id: UUID
    file_url: str
    file_type: str
    file_size: int
    sha256: str
    width: int | None
    height: int | None
    labels: dict[str, Any]
    annotations: list[Any]
    source_camera_id: UUID | None
    captured_at: datetime | None
    metadata: dict[str, Any] = Field(validation_alias="extra")
    is_labeled: bool
    is_verified: bool
    labeled_by: int | None
    verified_by: int | None
    quality_score: Score | None
    rejection_reason: str | None
    near_group: UUID | None = None
    video_id: UUID | None = None
    frame_ms: int | None = None
    duration_ms: int | None = None
    withdrawn_at: datetime | None = None
    withdrawal_reason: str | None = None
    opinions: OpinionState | None = Field(
        None, description="Where several people are asked; `labels` is your own opinion until all are in"
    )
    created_at: datetime
    updated_at: datetime


class SampleDetail(SampleView):
    """A sample with signed, expiring URLs of its file and its thumbnail, and the ETag to label it with (`If-Match`)."""

    url: str
    thumbnail: str | None = Field(None, description="A small picture; null while none is made, or if none can be")
    etag: str


class SamplesCreated(View):
    """What became of a batch: the samples, in its order, and what was skipped."""

    items: list[SampleView]
    skipped: list[SkippedUpload] = Field(default_factory=list)


class SamplesVerified(View):
    """How many samples the decision was recorded for."""

    count: int
