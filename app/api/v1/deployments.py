"""Deployments over all versions."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.api.deps import Cursor, Limit, Run
from app.schemas.base import Page
from app.schemas.deployments import DeploymentFilter, DeploymentRow, DeploymentView
from app.services import deployments

router = APIRouter(prefix="/training/deployments", tags=["deployments"])


@router.get("", summary="List deployments")
def list_deployments(
    run: Run, wanted: Annotated[DeploymentFilter, Query()], cursor: Cursor = None, limit: Limit = 50
) -> Page[DeploymentRow]:
    return run(deployments.list_deployments, wanted, cursor, limit)


@router.post("/{deployment_id}/retry", summary="Try a failed deployment again")
def retry(run: Run, deployment_id: UUID) -> DeploymentView:
    return run(deployments.retry, deployment_id)
