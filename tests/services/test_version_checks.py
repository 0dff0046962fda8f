"""Verifying versions: a whole one passes, and a broken chunk is named although the database was told to keep it."""

import pytest
from sqlalchemy import text

from app.domain.permissions import SystemActor
from app.infra.db import transaction
from app.services import version_checks
from app.tables import TrainingDataset
from tests.support.people import Person
from tests.support.records import make_dataset, make_samples
from tests.support.versions import change, commit

OPERATOR = SystemActor("command line")


@pytest.fixture
def dataset(super_admin: Person, second_admin: Person) -> TrainingDataset:
    made = make_dataset(super_admin)
    ids = make_samples(made, 20, super_admin, second_admin)
    commit(super_admin, made)
    change(ids[0], labels={"class": "one"})
    commit(super_admin, made)
    return made


def faults() -> list[str]:
    with transaction() as session:
        return [found.fault for found in version_checks.check_all(session, OPERATOR)]


@pytest.mark.parametrize(
    ("table", "trigger", "damage", "said"),
    [
        ("dataset_chunks", "chunk_keep", "body = body || '\\x0a'", "not what its digest says"),
        ("dataset_versions", "version_keep", "label_schema = '{\"classes\": []}'", "its digest is not"),
        ("dataset_versions", "version_keep", "statistics = '{}'", "statistics"),
    ],
)
def test_damage_is_named(dataset: TrainingDataset, table: str, trigger: str, damage: str, said: str) -> None:
    assert faults() == ["", ""]
    with transaction() as session:  # only who may change the schema gets past the triggers
        session.connection().execute(text(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}"))
        session.connection().execute(text(f"UPDATE {table} SET {damage}"))
    assert all(said in fault for fault in faults())
