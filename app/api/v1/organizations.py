"""Organizations, as super admins manage them."""

from typing import Annotated

from fastapi import Query, status

from app.api.deps import Run
from app.api.guard import guarded_router
from app.api.lists import SortedQuery
from app.api.marks import allow
from app.domain.permissions import Permission
from app.schemas.base import Page
from app.schemas.people import OrganizationCreate, OrganizationFilter, OrganizationView
from app.services import organizations

router = guarded_router(prefix="/organizations", tags=["people"])


class OrganizationQuery(OrganizationFilter, SortedQuery):
    """Which organizations, and which page of them."""


@router.get("", summary="List organizations")
@allow(Permission.ORGANIZATIONS_READ)
def list_organizations(run: Run, query: Annotated[OrganizationQuery, Query()]) -> Page[OrganizationView]:
    return run(organizations.list_organizations, query.part(OrganizationFilter), query.cursor, query.limit)


@router.post("", summary="Create an organization", status_code=status.HTTP_201_CREATED)
@allow(Permission.ORGANIZATIONS_WRITE)
def create_organization(run: Run, request: OrganizationCreate) -> OrganizationView:
    return run.create(organizations.create, request)
