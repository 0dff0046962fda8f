"""Leases of samples, and being given the next one to label, as callers send and see them."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from app.schemas.base import UUID, Request, View, datetime
from app.schemas.samples import SampleDetail

LeaseToken = Annotated[str, StringConstraints(min_length=20, max_length=100, pattern=r"^[A-Za-z0-9_-]+$")]
QueueStatus = Literal["unlabeled", "rejected"]


class LeaseRequest(Request):
    """Take a sample's lease, or renew the one that `token` stands for."""

    token: LeaseToken | None = Field(None, description="The present lease's token, to renew it")
    take_over: bool = Field(False, description="Take it from another tab or device of your own")


class LeaseView(View):
    """Nobody else can label the sample until `expires_at`; renew it before. `token` is sent as `Lease-Token`."""

    sample_id: UUID
    token: str
    expires_at: datetime
    seconds: int


class NextSample(Request):
    """Ask for a sample that waits for you and that nobody has open."""

    after: UUID | None = Field(None, description="Go on behind this sample; at the end it begins anew")
    status: QueueStatus | None = Field(
        None, description="`rejected` are your own labels that were rejected; without it those come first"
    )


class NextSampleView(View):
    """A sample with its lease; both are null when nothing waits."""

    sample: SampleDetail | None
    lease: LeaseView | None


class SampleNeighbours(View):
    """The samples around one, in the order in which they came; the nearest first on both sides."""

    before: list[SampleDetail]
    after: list[SampleDetail]
