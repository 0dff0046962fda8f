"""Deployments and rollouts as callers send and see them."""

from typing import Literal

from app.domain.machines import DeploymentStatus
from app.schemas.base import UUID, DatabaseId, Request, View, datetime


class DeploymentCreate(Request):
    """Deploy to one edge server. Deploying an earlier version is how one rolls back."""

    edge_server_id: DatabaseId


class DeploymentFilter(Request):
    """Which deployments to list."""

    status: DeploymentStatus | None = None
    edge_server_id: DatabaseId | None = None
    model_version_id: UUID | None = None


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
