"""How full the plan of each dataset's organization is, as the list of datasets says it."""

from app.domain.permissions import Plan
from app.infra.db import transaction
from app.schemas.datasets import DatasetView
from app.services import usage
from app.tables import PlanLimits
from state.views import dataset_row
from tests.support.people import Person, make_organization
from tests.support.records import make_dataset


def test_room_is_what_all_datasets_of_an_organization_take(super_admin: Person) -> None:
    ours, theirs = make_organization("Ours Ltd", Plan.ENTERPRISE), make_organization("Theirs Ltd", Plan.ENTERPRISE)
    first = make_dataset(super_admin, organization_id=ours, size_bytes=300)
    make_dataset(super_admin, organization_id=ours, size_bytes=500)
    make_dataset(super_admin, organization_id=theirs, size_bytes=7)
    with transaction() as session:
        session.get_one(PlanLimits, Plan.ENTERPRISE).dataset_bytes = 1_000
    with transaction() as session:
        room = usage.storage(session, super_admin.actor, {ours, theirs})
    assert {key: (used.used, used.allowed, str(used.level)) for key, used in room.items()} == {
        ours: (800, 1_000, "near"),
        theirs: (7, 1_000, "free"),
    }
    row = dataset_row(DatasetView.model_validate(first), room[ours])
    assert (row["size"], row["plan_share"], row["plan_level"]) == ("300 bytes", "plan: 800 bytes of 1.0 kB", "near")


def test_room_of_another_organization_is_not_shown(super_admin: Person, enterprise_admin: Person) -> None:
    theirs = make_organization("Theirs Ltd", Plan.ENTERPRISE)
    make_dataset(super_admin, organization_id=theirs, size_bytes=7)
    with transaction() as session:
        assert usage.storage(session, enterprise_admin.actor, {theirs}) == {}
