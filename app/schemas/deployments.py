"""Deployments and rollouts as callers send and see them."""

from typing import Literal

from pydantic import Field

from app.domain.machines import DeploymentStatus
from app.schemas.base import UUID, DatabaseId, Identifier, Moment, Request, Sorted, View, datetime, sort_field

DeploymentSort = Literal["created_at", "-created_at", "updated_at", "-updated_at"]


class DeploymentCreate(Request):
    """Deploy to one edge server. Deploying an earlier version is how one rolls back."""

    edge_server_id: DatabaseId


class VersionDeploymentFilter(Sorted):
    """Which deployments of one version to list, and in which order."""

    status: DeploymentStatus | None = None
    edge_server_id: DatabaseId | None = None
    since: Moment | None = Field(None, description="Created at this moment or later")
    until: Moment | None = Field(None, description="Created before this moment")
    sort: DeploymentSort = sort_field()


class DeploymentFilter(VersionDeploymentFilter):
    """Which deployments to list, and in which order."""

    model_version_id: UUID | None = None
    ai_module: Identifier | None = None


class DeploymentView(View):
    """One version on its way to one edge server."""

    id: UUID
    rollout_id: UUID
    model_version_id: UUID
    ai_module: str
    edge_server_id: int
    status: DeploymentStatus
    progress_percent: int
    scheduled_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    error_message: str | None
    retry_count: int
    created_at: datetime
    updated_at: datetime


class DeploymentRow(DeploymentView):
    """A deployment with the names a list shows."""

    edge_server_name: str
    model_version: str


class RolloutView(View):
    """What a person ordered and the deployments it became."""

    id: UUID
    model_version_id: UUID
    kind: Literal["single", "all", "rollback"]
    target_count: int
    created_by: int
    created_at: datetime
    deployments: list[DeploymentView]
