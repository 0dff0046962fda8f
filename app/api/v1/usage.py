"""What organizations have used of their plans."""

from typing import Annotated

from fastapi import Query

from app.api.deps import Run
from app.api.guard import guarded_router
from app.api.marks import allow
from app.domain.permissions import Permission
from app.schemas.base import DatabaseId
from app.schemas.plans import UsageView
from app.services import usage

router = guarded_router(tags=["plans"])

Whose = Annotated[DatabaseId | None, Query(description="Which organization; left out, it is the caller's own")]


@router.get("/training/usage", summary="What an organization has used of its plan")
@allow(Permission.USAGE_READ)
def show_usage(run: Run, organization_id: Whose = None) -> UsageView:
    """An organization admin sees the own organization. A super admin, who belongs to none, names one."""
    return run(usage.show, organization_id)


@router.get("/organizations/{organization_id}/usage", summary="What this organization has used of its plan")
@allow(Permission.ORGANIZATIONS_READ)
def show_usage_of(run: Run, organization_id: DatabaseId) -> UsageView:
    return run(usage.show, organization_id)
