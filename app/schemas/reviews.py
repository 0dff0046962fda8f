"""Decisions about labels as callers send and see them."""

from typing import Annotated

from pydantic import Field, StringConstraints

from app.schemas.base import Note, Request

Side = Annotated[float, Field(strict=True, gt=0, le=100_000)]
Place = Annotated[float, Field(strict=True, ge=0, le=100_000)]
# x, y, width, height in pixels of the upright picture, from its upper left corner.
Region = tuple[Place, Place, Side, Side]


class Verdict(Request):
    """Accept a label, or reject it with a reason."""

    verified: bool = True
    rejection_reason: Annotated[Note, StringConstraints(min_length=1)] | None = None
    quality_score: float | None = Field(None, ge=0, le=1)
