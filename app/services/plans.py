"""Plans: what each allows, and changing it. Whether an organization stays within is checked in `usage`."""

from sqlmodel import Session, col, select

from app.domain.permissions import Actor, Permission, Plan, require
from app.schemas.plans import PlanUpdate, PlanView
from app.services import audit, etags
from app.services.etags import IfMatch
from app.tables import PlanLimits
from app.tables.base import utcnow


def list_plans(session: Session, actor: Actor) -> list[PlanView]:
    """All plans, by name."""
    require(actor, Permission.ORGANIZATIONS_READ)
    return [PlanView.model_validate(row) for row in session.exec(select(PlanLimits).order_by(col(PlanLimits.plan)))]


def get(session: Session, actor: Actor, plan: Plan) -> PlanView:
    """One plan."""
    require(actor, Permission.ORGANIZATIONS_READ)
    return PlanView.model_validate(session.get_one(PlanLimits, plan))


def update(session: Session, actor: Actor, plan: Plan, request: PlanUpdate, if_match: IfMatch = None) -> PlanView:
    """Other limits, from now on. What exists beyond a lower limit stays; only new things are refused."""
    require(actor, Permission.ORGANIZATIONS_WRITE)
    row = session.get_one(PlanLimits, plan, with_for_update={"key_share": True}, populate_existing=True)
    etags.check(PlanView.model_validate(row), if_match)
    wanted = request.model_dump()
    before = {name: getattr(row, name) for name, value in wanted.items() if getattr(row, name) != value}
    row.sqlmodel_update({**wanted, "updated_at": utcnow()})
    session.add(row)
    session.flush()
    audit.record(session, actor, "plan.update", row, before=before, after={name: wanted[name] for name in before})
    return PlanView.model_validate(row)
