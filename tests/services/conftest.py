"""People and datasets that several tests of services begin from."""

from uuid import UUID

import pytest

from app.domain.permissions import Role
from app.tables import TrainingDataset
from tests.support import people
from tests.support.answers import make_animals
from tests.support.opinions import make_team
from tests.support.people import Person


@pytest.fixture
def third_admin(database: str) -> Person:
    return people.make_person("Cy Admin", Role.SUPER_ADMIN)


@pytest.fixture
def team(database: str) -> list[Person]:
    """Three annotators and one who decides."""
    return make_team()


@pytest.fixture
def animals(super_admin: Person, second_admin: Person, third_admin: Person) -> tuple[TrainingDataset, list[UUID]]:
    """Eight samples and what each of the three said of them."""
    return make_animals(super_admin, second_admin, third_admin)
