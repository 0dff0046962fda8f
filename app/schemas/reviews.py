"""Decisions about labels as callers send and see them."""

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
