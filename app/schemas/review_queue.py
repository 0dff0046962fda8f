"""What waits for review, as callers ask for it and see it."""

from enum import StrEnum

from pydantic import Field

from app.schemas.base import Request, View
from app.schemas.samples import SampleDetail


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

    sample: SampleDetail
    risk: float
    reasons: list[Risk]
    author: str


class ReviewQueue(View):
    """The riskiest labels first; `own` are those that wait for somebody else, because the caller made them."""

    items: list[Waiting]
    waiting: int
    own: int
    returned: int = Field(description="Rejected labels of the caller, which wait to be made again")
