"""The audit log."""

from app.api.deps import PageIn, Run
from app.api.guard import guarded_router
from app.api.marks import allow
from app.domain.permissions import Permission
from app.schemas.base import Page
from app.schemas.overview import AuditView
from app.services import audit

router = guarded_router(prefix="/training/audit", tags=["audit"])


@router.get("", summary="List audit events")
@allow(Permission.AUDIT_READ)
def list_audit(run: Run, page: PageIn) -> Page[AuditView]:
    return run(audit.list_events, page.cursor, page.limit)
