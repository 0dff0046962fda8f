"""Plans and what each allows."""

from fastapi import Response

from app.api.deps import Run
from app.api.etags import CHECKS_TAG, SHOWS_TAG, IfMatchIn, tagged
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


@router.get("/{plan}", summary="Show a plan", responses=SHOWS_TAG)
@allow(Permission.ORGANIZATIONS_READ)
def get_plan(run: Run, response: Response, plan: Plan) -> PlanView:
    return tagged(response, run(plans.get, plan))


@router.put("/{plan}", summary="Change the limits of a plan", responses=CHECKS_TAG)
@allow(Permission.ORGANIZATIONS_WRITE)
def update_plan(run: Run, response: Response, plan: Plan, request: PlanUpdate, if_match: IfMatchIn) -> PlanView:
    """From now on, for every organization on this plan. What exists beyond a lower limit stays."""
    return tagged(response, run(plans.update, plan, request, if_match))
