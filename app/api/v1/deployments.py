"""Deployments over all versions."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.api.deps import PageQuery, Run
from app.schemas.base import Page
from app.schemas.deployments import DeploymentFilter, DeploymentRow, DeploymentView
from app.services import deployments

router = APIRouter(prefix="/training/deployments", tags=["deployments"])


class DeploymentQuery(DeploymentFilter, PageQuery):
    """Which ones, and which page of them."""


@router.get("", summary="List deployments")
def list_deployments(run: Run, query: Annotated[DeploymentQuery, Query()]) -> Page[DeploymentRow]:
    return run(deployments.list_deployments, query.part(DeploymentFilter), query.cursor, query.limit)


@router.post("/{deployment_id}/retry", summary="Try a failed deployment again")
def retry(run: Run, deployment_id: UUID) -> DeploymentView:
    return run(deployments.retry, deployment_id)
