"""Who works on a dataset, as callers see it."""

from pydantic import Field

from app.schemas.base import View, datetime


class PersonActivity(View):
    """What one person did in a dataset since `DatasetActivity.since`; counts end at 10,000."""

    user_id: int
    name: str
    labeled: int = Field(description="Samples that the person labelled, or labelled again")
    reviewed: int = Field(description="Decisions about labels")


class DatasetActivity(View):
    """Everybody whose labels or decisions a dataset holds now, the busiest first."""

    since: datetime
    people: list[PersonActivity]
