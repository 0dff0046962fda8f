"""Organizations, as super admins manage them."""

from typing import Annotated

from fastapi import Query, Response, status

from app.api.deps import PageQuery, Run
from app.api.etags import CHECKS_TAG, SHOWS_TAG, IfMatchIn, tagged
from app.api.guard import guarded_router
from app.api.marks import allow
from app.domain.permissions import Permission
from app.schemas.base import DatabaseId, Page
from app.schemas.people import OrganizationCreate, OrganizationFilter, OrganizationUpdate, OrganizationView
from app.services import organizations

router = guarded_router(prefix="/organizations", tags=["people"])


class OrganizationQuery(OrganizationFilter, PageQuery):
    """Which organizations, and which page of them."""


@router.get("", summary="List organizations")
@allow(Permission.ORGANIZATIONS_READ)
def list_organizations(run: Run, query: Annotated[OrganizationQuery, Query()]) -> Page[OrganizationView]:
    return run(organizations.list_organizations, query.part(OrganizationFilter), query.cursor, query.limit)


@router.post("", summary="Create an organization", status_code=status.HTTP_201_CREATED)
@allow(Permission.ORGANIZATIONS_WRITE)
def create_organization(run: Run, request: OrganizationCreate) -> OrganizationView:
    return run.create(organizations.create, request)


@router.get("/{organization_id}", summary="Show an organization", responses=SHOWS_TAG)
@allow(Permission.ORGANIZATIONS_READ)
def get_organization(run: Run, response: Response, organization_id: DatabaseId) -> OrganizationView:
    return tagged(response, run(organizations.get, organization_id))


@router.put("/{organization_id}", summary="Rename an organization or change its plan", responses=CHECKS_TAG)
@allow(Permission.ORGANIZATIONS_WRITE)
def update_organization(
    run: Run, response: Response, organization_id: DatabaseId, request: OrganizationUpdate, if_match: IfMatchIn
) -> OrganizationView:
    return tagged(response, run(organizations.update, organization_id, request, if_match))
