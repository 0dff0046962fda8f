"""Training jobs as callers send and see them."""

from typing import Any, Literal

from pydantic import Field, field_validator

from app.domain.machines import JobStatus
from app.schemas.base import (
    UUID,
    DatabaseId,
    Identifier,
    Moment,
    Name,
    Note,
    Request,
    Sorted,
    View,
    datetime,
    sort_field,
    storable,
)

JobSort = Literal["name", "-name", "created_at", "-created_at", "updated_at", "-updated_at"]


class TrainingJobCreate(Request):
    """A new job on a version of a dataset, or on its verified samples, which are frozen as a version when it begins.

    With `base_model_version` it fine-tunes.
    """

    name: Name
    description: Note = ""
    dataset_id: UUID
    dataset_version: UUID | None = Field(None, description="The id of a version; its split is used as it is")
    base_model_version: UUID | None = None
    hyperparameters: dict[str, Any] = Field(default_factory=dict, max_length=50)
    seed: int = Field(0, ge=0, le=2**31 - 1)


class TrainingJobFilter(Sorted):
    """Which jobs to list, and in which order."""

    status: JobStatus | None = None
    ai_module: Identifier | None = None
    dataset_id: UUID | None = None
    dataset_version_id: UUID | None = None
    organization_id: DatabaseId | None = None
    created_by: DatabaseId | None = None
    since: Moment | None = Field(None, description="Created at this moment or later")
    until: Moment | None = Field(None, description="Created before this moment")
    sort: JobSort = sort_field()


class TrainingJobView(View):
    """A job without its log."""

    id: UUID
    organization_id: int | None
    name: str
    description: str
    ai_module: str
    dataset_id: UUID
    dataset_version_id: UUID | None
    base_model_version: UUID | None
    training_config: dict[str, Any]
    hyperparameters: dict[str, Any]
    status: JobStatus
    progress_percent: int
    current_epoch: int
    total_epochs: int
    metrics: dict[str, Any]
    output_model_version: UUID | None
    started_at: datetime | None
    completed_at: datetime | None
    estimated_completion: datetime | None
    error_message: str | None
    cancel_requested_at: datetime | None
    created_by: int
    created_at: datetime
    updated_at: datetime


class TrainingLogs(View):
    """A part of a job's log. Ask again with `offset=next_offset` for what came since."""

    job_id: UUID
    offset: int
    next_offset: int
    text: str


class Series(View):
    """One curve: `step[i]` has `value[i]`."""

    step: list[int]
    value: list[float]


class MetricSeries(View):
    """A snapshot of a job's curves; the live channel continues after `last_step`."""

    job_id: UUID
    series: dict[str, Series]
    last_step: int


class MetricPointIn(Request):
    """A point on its way from a worker to the database and the browsers."""

    name: str
    step: int
    epoch: int
    value: float


class JobProgress(Request):
    """What a worker reports, in one batch."""

    points: list[MetricPointIn] = Field(default_factory=list)
    log: str = ""
    current_epoch: int | None = None
    progress_percent: int | None = Field(None, ge=0, le=100)
    eta_seconds: float | None = None

    @field_validator("*", mode="before")
    @classmethod
    def _storable(cls, value: Any) -> Any:
        """A worker's words are kept, whatever a library put into them."""
        return storable(value) if isinstance(value, str) else value
