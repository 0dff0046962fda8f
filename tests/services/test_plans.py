"""Plans are data: the specified defaults come with the schema, a super admin changes them, and that is written down."""

import pytest
from sqlmodel import select

from app.domain.permissions import Plan
from app.errors import Forbidden
from app.infra.db import transaction
from app.schemas.plans import PlanUpdate
from app.services import plans
from app.tables import AuditEvent
from tests.support.people import Person

WANTED = PlanUpdate(
    training_jobs_per_month=None, dataset_bytes=20_000_000_000, active_models_per_module=5, custom_training=True
)


def test_defaults_are_the_specified_ones(super_admin: Person) -> None:
    with transaction() as session:
        found = plans.list_plans(session, super_admin.actor)
    limits = {
        view.plan: (
            view.training_jobs_per_month,
            view.dataset_bytes,
            view.active_models_per_module,
            view.custom_training,
        )
        for view in found
    }
    assert limits == {Plan.ENTERPRISE: (10, 10_000_000_000, 5, True), Plan.PROFESSIONAL: (0, 0, 0, False)}


def test_changed_limits_are_kept_and_the_event_tells_what_changed(super_admin: Person) -> None:
    with transaction() as session:
        before = plans.get(session, super_admin.actor, Plan.ENTERPRISE)
    with transaction() as session:
        changed = plans.update(session, super_admin.actor, Plan.ENTERPRISE, WANTED)
    with transaction() as session:
        assert plans.get(session, super_admin.actor, Plan.ENTERPRISE) == changed
        event = session.exec(select(AuditEvent)).one()
    assert changed.updated_at > before.updated_at
    assert (event.action, event.subject_type, event.subject_id) == ("plan.update", "plans", "enterprise")
    assert event.before == {"training_jobs_per_month": 10, "dataset_bytes": 10_000_000_000}
    assert event.after == {"training_jobs_per_month": None, "dataset_bytes": 20_000_000_000}


def test_plans_are_for_super_admins(enterprise_admin: Person) -> None:
    with transaction() as session:
        with pytest.raises(Forbidden):
            plans.list_plans(session, enterprise_admin.actor)
        with pytest.raises(Forbidden):
            plans.get(session, enterprise_admin.actor, Plan.ENTERPRISE)
        with pytest.raises(Forbidden):
            plans.update(session, enterprise_admin.actor, Plan.ENTERPRISE, WANTED)
