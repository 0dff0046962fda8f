"""Plans and what each allows."""

from app.api.deps import Run
from app.api.guard import guarded_router
from app.api.marks import allow
from app.domain.permissions import Permission, Plan
from app.schemas.plans import PlanUpdate, PlanView
from app.services import plans

router = guarded_router(prefix="/plans", tags=["plans"])


@router.get("", summary="List plans and their limits")
@allow(Permission.ORGANIZATIONS_READ)
def list_plans(run: Run) -> list[PlanView]:
    return run(plans.list_plans)


@router.put("/{plan}", summary="Change the limits of a plan")
@allow(Permission.ORGANIZATIONS_WRITE)
def update_plan(run: Run, plan: Plan, request: PlanUpdate) -> PlanView:
    """From now on, for every organization on this plan. What exists beyond a lower limit stays."""
    return run(plans.update, plan, request)
