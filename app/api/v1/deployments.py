"""Deployments over all versions."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from app.api.deps import PageQuery, Run
from app.api.etags import SHOWS_TAG, tagged
from app.api.guard import guarded_router
from app.api.marks import allow
from app.domain.permissions import Permission
from app.schemas.base import Page
from app.schemas.deployments import DeploymentFilter, DeploymentRow, DeploymentView
from app.services import deployments

router = guarded_router(prefix="/training/deployments", tags=["deployments"])


class DeploymentQuery(DeploymentFilter, PageQuery):
    """Which ones, and which page of them."""


@router.get("", summary="List deployments")
@allow(Permission.DEPLOYMENTS_READ)
def list_deployments(run: Run, query: Annotated[DeploymentQuery, Query()]) -> Page[DeploymentRow]:
    return run(deployments.list_deployments, query.part(DeploymentFilter), query.cursor, query.limit)


@router.post("/{deployment_id}/retry", summary="Try a failed deployment again", responses=SHOWS_TAG)
@allow(Permission.DEPLOYMENTS_WRITE)
def retry(run: Run, response: Response, deployment_id: UUID) -> DeploymentView:
    return tagged(response, run(deployments.retry, deployment_id))
