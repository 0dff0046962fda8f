"""Decisions about labels as callers send and see them."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from app.schemas.base import UUID, DatabaseId, Note, Request, Sorted, View, datetime, sort_field

Side = Annotated[float, Field(strict=True, gt=0, le=100_000)]
Place = Annotated[float, Field(strict=True, ge=0, le=100_000)]
# x, y, width, height in pixels of the upright picture, from its upper left corner.
Region = tuple[Place, Place, Side, Side]


class Verdict(Request):
    """Accept a label, or reject it with a reason."""

    verified: bool = True
    rejection_reason: Annotated[Note, StringConstraints(min_length=1)] | None = None
    quality_score: float | None = Field(None, ge=0, le=1)


class Risk(StrEnum):
    """Why a label deserves a look before others."""

    DISAGREEMENT = "disagreement"
    LOW_QUALITY = "low_quality"
    NEW_ANNOTATOR = "new_annotator"
    RANDOM = "random"


class QueueFilter(Request):
    """Which of the labels that wait."""

    FROM_ADDRESS = True

    reason: Risk | None = Field(None, description="Only labels that wait for this reason")
    limit: int = Field(50, ge=1, le=200, description="How many at most; what is decided makes room for more")


class Waiting(View):
    """A label that waits for a decision; `risk` is from 0 to 1."""

    sample_id: UUID
    risk: float
    reasons: list[Risk]
    labeled_by: int | None
    author: str


class ReviewQueue(View):
    """The riskiest labels first; `own` are those that wait for somebody else, because the caller made them."""

    items: list[Waiting]
    waiting: int
    own: int
    returned: int = Field(description="Rejected labels of the caller, which wait to be made again")


class ReviewFilter(Sorted):
    """Which decisions to list."""

    sample_id: UUID | None = None
    reviewer_id: DatabaseId | None = None
    author_id: DatabaseId | None = None
    decision: Literal["accepted", "rejected", "fixed"] | None = None
    sort: Literal["created_at", "-created_at"] = sort_field()


class ReviewView(View):
    """A decision about a label: what was decided about, and what a reviewer put in its place."""

    id: UUID
    sample_id: UUID
    reviewer_id: int
    author_id: int | None
    decision: str
    reason: str | None
    region: list[float] | None
    labels: dict[str, Any]
    annotations: list[Any]
    fixed_labels: dict[str, Any] | None
    fixed_annotations: list[Any] | None
    created_at: datetime
