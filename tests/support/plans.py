"""Plans with other limits, and datasets of an organization that a job can be trained on."""

from typing import Any
from uuid import UUID

from app.domain.permissions import Plan
from app.infra.db import transaction
from app.tables import PlanLimits
from tests.support.people import Person
from tests.support.records import make_dataset, make_samples

TRAINABLE = 10


def set_limits(plan: Plan = Plan.ENTERPRISE, **limits: Any) -> None:
    """Other limits of a plan, from now on."""
    with transaction() as session:
        session.get_one(PlanLimits, plan).sqlmodel_update(limits)


def make_trainable(
    labeler: Person, verifier: Person, organization_id: int | None, count: int = 1, **columns: Any
) -> list[UUID]:
    """Ids of new datasets with just enough verified samples of two classes."""
    made = [make_dataset(labeler, organization_id=organization_id, **columns) for _ in range(count)]
    for dataset in made:
        make_samples(dataset, TRAINABLE, labeler, verifier)
    return [dataset.id for dataset in made]
