"""Versions of datasets as callers ask for and see them."""

from typing import Any, Literal

from pydantic import Field

from app.domain.dataset_versions import Bump, Kind, Scope
from app.schemas.base import UUID, Note, Request, Sorted, View, datetime, sort_field

VersionSort = Literal["created_at", "-created_at"]


class SplitWanted(Request):
    """How samples without a split are given one. Those that have one keep it, unless all are split `again`."""

    validation: float = Field(0.15, ge=0, le=0.5, description="Share of the samples that choose the best epoch")
    test: float = Field(0.15, ge=0, le=0.5, description="Share of the samples kept for the final score")
    seed: int = Field(0, ge=0, le=2**31 - 1)
    imported: bool = Field(True, description="Honour the split that import left in a sample's `metadata.split`")
    again: bool = Field(False, description="Forget all splits and make them anew")


class VersionCommit(Request):
    """Freeze the samples as they are. Without `split` the newest version's shares and seed apply."""

    message: Note = ""
    bump: Bump | None = Field(None, description="A higher number than the changes need; by default what they need")
    scope: Scope = Field(Scope.VERIFIED, description="Which samples; withdrawn ones are in no version")
    split: SplitWanted | None = None


class VersionRestore(Request):
    """Make the samples what they were in a version. What is there now is committed first."""

    message: Note = ""


class VersionFilter(Sorted):
    """In which order to list versions."""

    scope: Scope | None = None
    sort: VersionSort = sort_field()


class VersionSummary(View):
    """A version without its label schema. `has_samples` is false for lists from before versions kept their samples."""

    id: UUID
    dataset_id: UUID
    version: str
    number: int
    message: str
    parent_id: UUID | None
    scope: Scope
    sample_count: int
    split: dict[str, Any]
    statistics: dict[str, Any]
    changes: dict[str, int]
    single_person_review: bool
    sha256: str
    has_samples: bool
    created_by: int
    created_by_name: str | None = Field(description="Null for callers who may not see accounts")
    created_at: datetime


class VersionView(VersionSummary):
    """A version of a dataset."""

    label_schema: dict[str, Any]


class VersionPreview(View):
    """What a commit would make, and what it would change since the newest version. Nothing is kept."""

    version: str | None = Field(description="The number it would get; null if there is nothing to commit")
    since: str | None = Field(description="The newest version; null if there is none")
    needs: Bump
    sample_count: int
    changes: dict[str, int]
    statistics: dict[str, Any]


class VersionSample(View):
    """A sample as a version keeps it."""

    id: UUID
    split: str | None
    labels: dict[str, Any]
    annotations: list[Any]
    file_url: str
    file_type: str
    file_size: int
    sha256: str
    width: int | None
    height: int | None
    metadata: dict[str, Any]
    captured_at: datetime | None
    video_id: UUID | None
    frame_ms: int | None
    is_verified: bool
    labeled_by: int | None
    verified_by: int | None
    url: str = Field(description="Signed and expiring")


class SampleChange(View):
    """One sample that two versions differ in. `boxes` holds the ids of the boxes that came, went, moved or changed."""

    sample_id: UUID
    kinds: list[Kind]
    boxes: dict[str, list[str]]
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    url: str


class VersionDiff(View):
    """How `after` differs from `before`: how often what happened, and one page of the samples it happened to."""

    before: str
    after: str
    counts: dict[str, int]
    schema_changed: bool
    items: list[SampleChange]
    next_cursor: str | None


class VersionSamples(View):
    """One page of a version's samples, in the order of their ids."""

    items: list[VersionSample]
    next_cursor: str | None
    total: int


class Restored(View):
    """What a restore did."""

    version: str
    kept_as: str | None = Field(description="The version that holds what was there before; null for an empty dataset")
    brought_back: int
    changed: int
    removed: int
    left_out: int = Field(description="Samples that were withdrawn since and stay so")
