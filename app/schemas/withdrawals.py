"""Withdrawing samples, and what a sample has touched, as callers see it."""

from typing import Annotated

from pydantic import Field, StringConstraints

from app.schemas.base import UUID, Note, Request, View, datetime


class SampleWithdraw(Request):
    """Why a sample may no longer be used, such as a consent that was taken back."""

    reason: Annotated[Note, StringConstraints(strip_whitespace=True, min_length=1)]


class UsedVersion(View):
    """The version that something was trained on, and the samples of it that were withdrawn since, or the first."""

    dataset_id: UUID
    dataset_name: str
    version: str
    withdrawn: list[UUID]
    withdrawn_count: int


class ImpactedVersion(View):
    """A version that holds the sample."""

    id: UUID
    version: str
    message: str
    created_at: datetime


class ImpactedJob(View):
    """A job that trained, or would train, on such a version."""

    id: UUID
    name: str
    status: str
    dataset_version_id: UUID | None


class ImpactedModel(View):
    """A model that such a job made, or that was trained further from one."""

    id: UUID
    ai_module: str
    version: str
    status: str
    base_version_id: UUID | None


class ImpactedDeployment(View):
    """A deployment of such a model."""

    id: UUID
    model_version_id: UUID
    edge_server_id: int
    status: str


class ImpactedEdge(View):
    """An edge server that was sent such a model; `runs_now` if its last heartbeat says that it has it loaded."""

    id: int
    name: str
    runs_now: bool


class Impact(View):
    """Everything that a sample has touched."""

    sample_id: UUID
    is_deleted: bool
    withdrawn_at: datetime | None
    withdrawal_reason: str | None
    versions: list[ImpactedVersion]
    jobs: list[ImpactedJob]
    models: list[ImpactedModel]
    deployments: list[ImpactedDeployment]
    edge_servers: list[ImpactedEdge]
    unsearchable_versions: list[str] = Field(description="Older lists that cannot be searched; they may hold it too")
