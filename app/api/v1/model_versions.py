"""Model versions and their deployments."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response, status

from app.api.deps import PageQuery, Run, Store
from app.api.etags import CHECKS_TAG, SHOWS_TAG, IfMatchIn, tagged
from app.api.guard import guarded_router
from app.api.marks import allow
from app.domain.permissions import Permission
from app.schemas.base import Page
from app.schemas.deployments import DeploymentCreate, DeploymentRow, RolloutView, VersionDeploymentFilter
from app.schemas.edge_servers import Download
from app.schemas.model_versions import (
    ApprovalProposal,
    ModelVersionApprove,
    ModelVersionFilter,
    ModelVersionUpdate,
    ModelVersionView,
)
from app.services import deployments, model_versions
from app.settings import get_settings

router = guarded_router(prefix="/training/models", tags=["model versions"])


class ModelVersionQuery(ModelVersionFilter, PageQuery):
    """Which ones, and which page of them."""


class VersionDeploymentQuery(VersionDeploymentFilter, PageQuery):
    """Which deployments of a version, and which page of them."""


@router.get("", summary="List model versions")
@allow(Permission.MODELS_READ)
def list_versions(run: Run, query: Annotated[ModelVersionQuery, Query()]) -> Page[ModelVersionView]:
    return run(model_versions.list_versions, query.part(ModelVersionFilter), query.cursor, query.limit)


@router.get("/{version_id}", summary="Show a model version", responses=SHOWS_TAG)
@allow(Permission.MODELS_READ)
def get_version(run: Run, response: Response, version_id: UUID) -> ModelVersionView:
    return tagged(response, run(model_versions.get, version_id))


@router.put("/{version_id}", summary="Change texts, or move between draft and testing", responses=CHECKS_TAG)
@allow(Permission.MODELS_WRITE)
def update_version(
    run: Run, response: Response, version_id: UUID, request: ModelVersionUpdate, if_match: IfMatchIn
) -> ModelVersionView:
    return tagged(response, run(model_versions.update, version_id, request, if_match))


@router.get("/{version_id}/approval", summary="What an approver signs")
@allow(Permission.MODELS_APPROVE)
def get_proposal(run: Run, version_id: UUID) -> ApprovalProposal:
    return run(model_versions.proposal, version_id)


@router.post("/{version_id}/approve", summary="Approve with a person's signature", responses=SHOWS_TAG)
@allow(Permission.MODELS_APPROVE)
def approve_version(run: Run, response: Response, version_id: UUID, request: ModelVersionApprove) -> ModelVersionView:
    return tagged(response, run(model_versions.approve, version_id, request))


@router.post("/{version_id}/release", summary="Release an approved version", responses=SHOWS_TAG)
@allow(Permission.MODELS_RELEASE)
def release_version(run: Run, response: Response, version_id: UUID) -> ModelVersionView:
    return tagged(response, run(model_versions.release, version_id))


@router.post("/{version_id}/deprecate", summary="Deprecate a version", responses=SHOWS_TAG)
@allow(Permission.MODELS_WRITE)
def deprecate_version(run: Run, response: Response, version_id: UUID) -> ModelVersionView:
    return tagged(response, run(model_versions.deprecate, version_id))


@router.post("/{version_id}/download", summary="A signed URL of the bundle that expires")
@allow(Permission.MODELS_READ)
def download_version(run: Run, store: Store, version_id: UUID) -> Download:
    seconds = get_settings().download_url_seconds
    url = run(model_versions.bundle_url, version_id, store, seconds)
    return Download(url=url, expires_in_seconds=seconds)


@router.get("/{version_id}/deployments", summary="List the deployments of a version")
@allow(Permission.DEPLOYMENTS_READ)
def list_deployments(
    run: Run, version_id: UUID, query: Annotated[VersionDeploymentQuery, Query()]
) -> Page[DeploymentRow]:
    wanted = query.part(VersionDeploymentFilter)
    return run(deployments.of_version, version_id, wanted, query.cursor, query.limit)


@router.post("/{version_id}/deploy", summary="Deploy to one edge server", status_code=status.HTTP_201_CREATED)
@allow(Permission.DEPLOYMENTS_WRITE)
def deploy(run: Run, version_id: UUID, request: DeploymentCreate) -> RolloutView:
    return run.create(deployments.deploy, version_id, request)


@router.post("/{version_id}/deploy-all", summary="Deploy to every edge server", status_code=status.HTTP_201_CREATED)
@allow(Permission.DEPLOYMENTS_WRITE)
def deploy_all(run: Run, version_id: UUID) -> RolloutView:
    return run.create(deployments.deploy_all, version_id)
