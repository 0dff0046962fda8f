"""The overview."""

from app.api.deps import Run
from app.api.guard import guarded_router
from app.api.marks import allow
from app.domain.permissions import Permission
from app.schemas.overview import Overview
from app.services import overview

router = guarded_router(prefix="/training", tags=["overview"])


@router.get("/overview", summary="Counts around the loop")
@allow(Permission.DATASETS_READ)
def show_overview(run: Run) -> Overview:
    return run(overview.show)
