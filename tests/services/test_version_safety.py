"""Versions stand: nothing under way is missed, nobody alters one, and what it needs stays; two are compared."""

import contextlib

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlmodel import select

from app.domain.dataset_versions import Scope
from app.domain.machines import JobStatus
from app.errors import Conflict, Invalid, NotFound
from app.infra.db import transaction
from app.infra.object_store import get_object_store
from app.schemas.samples import SampleUpdate
from app.services import datasets, samples, versions
from app.services.version_commits import NothingToCommit
from app.tables import DatasetVersion, TrainingDataset, TrainingSample
from tests.support.people import Person
from tests.support.records import make_dataset, make_job, make_samples
from tests.support.versions import change, commit, frozen, make_samples_of
from tests.support.waiting import together


@pytest.fixture
def dataset(super_admin: Person) -> TrainingDataset:
    return make_dataset(super_admin)


def test_changes_under_way_elsewhere_are_missed_by_no_version(
    super_admin: Person, second_admin: Person, dataset: TrainingDataset
) -> None:
    """Labels are put while versions are made: the last version is exactly the rows, and each is one state of all."""
    ids = make_samples(dataset, 40, super_admin, second_admin)
    commit(super_admin, dataset)

    def label(start: int) -> None:
        for number, each in enumerate(ids[start::4]):
            with transaction() as session:
                request = SampleUpdate.model_validate({"labels": {"class": ("zero", "one")[number % 2]}})
                samples.update(session, super_admin.actor, dataset.id, each, request)
            with transaction() as session:  # both change in one transaction, so no version may tell them apart
                session.get_one(TrainingDataset, dataset.id, with_for_update=True)
                for twin in (ids[0], ids[1]):
                    session.get_one(TrainingSample, twin).extra = {"turn": start * 100 + number}

    def freeze() -> None:
        for _ in range(6):
            with contextlib.suppress(NothingToCommit):
                commit(super_admin, dataset, scope=Scope.ALL)

    outcomes = together(*(lambda start=start: label(start) for start in range(4)), freeze, freeze)  # type: ignore[misc]
    assert [each for each in outcomes if isinstance(each, Exception)] == []
    with contextlib.suppress(NothingToCommit):
        commit(super_admin, dataset, scope=Scope.ALL)
    with transaction() as session:
        rows = {
            str(row.id): row.labels
            for row in session.exec(select(TrainingSample).where(TrainingSample.dataset_id == dataset.id))
        }
        numbers = session.exec(
            select(DatasetVersion.version).where(DatasetVersion.dataset_id == dataset.id, DatasetVersion.scope == "all")
        ).all()
    newest = frozen(super_admin, dataset, "latest")
    assert {key: record["labels"] for key, record in newest.items()} == rows
    for number in numbers:
        held = frozen(super_admin, dataset, number)
        assert held[str(ids[0])]["metadata"] == held[str(ids[1])]["metadata"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE dataset_versions SET message = 'other'",
        "UPDATE dataset_chunks SET body = ''",
        "DELETE FROM dataset_chunks",
    ],
)
def test_nobody_alters_a_version(
    super_admin: Person, second_admin: Person, dataset: TrainingDataset, statement: str
) -> None:
    make_samples(dataset, 20, super_admin, second_admin)
    commit(super_admin, dataset)
    with pytest.raises(DBAPIError, match="immutable"), transaction() as session:
        session.connection().execute(text(statement))


def test_version_that_a_job_used_cannot_be_removed(
    super_admin: Person, second_admin: Person, dataset: TrainingDataset
) -> None:
    make_samples(dataset, 20, super_admin, second_admin)
    made = commit(super_admin, dataset)
    make_job(super_admin, dataset, JobStatus.QUEUED, dataset_version_id=made.id)
    with pytest.raises(IntegrityError), transaction() as session:
        session.connection().execute(text("DELETE FROM dataset_versions"))
    with pytest.raises(Conflict, match="must stay"), transaction() as session:
        datasets.delete(session, super_admin.actor, dataset.id)


def test_file_that_a_version_needs_outlives_its_sample(
    super_admin: Person, second_admin: Person, dataset: TrainingDataset
) -> None:
    ids = make_samples(dataset, 20, super_admin, second_admin)
    commit(super_admin, dataset)
    (later,) = make_samples_of(dataset, 1, super_admin)
    with transaction() as session:
        assert samples.delete(session, super_admin.actor, dataset.id, ids[0]) == []
        assert len(samples.delete(session, super_admin.actor, dataset.id, later)) == 1
    with transaction() as session:
        urls = datasets.delete(session, super_admin.actor, dataset.id)
    assert "s3://nowhere/0.png" in urls
    with transaction() as session:
        for table in ("dataset_versions", "dataset_chunks", "dataset_files", "deleted_samples"):
            count = session.connection().execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
            assert (table, count) == (table, 0)


def test_two_versions_are_compared_page_by_page(
    super_admin: Person, second_admin: Person, dataset: TrainingDataset
) -> None:
    ids = make_samples(dataset, 20, super_admin, second_admin)
    box = {"id": "b1", "class": "one", "box": [1.0, 1.0, 4.0, 4.0], "attributes": {}}
    change(ids[0], annotations=[box])
    commit(super_admin, dataset)
    change(ids[0], annotations=[{**box, "box": [2.0, 1.0, 4.0, 4.0]}, {**box, "id": "b2"}])
    change(ids[1], labels={"class": "zero"})
    with transaction() as session:
        samples.delete(session, super_admin.actor, dataset.id, ids[2])
    commit(super_admin, dataset)
    found, cursor = {}, None
    for _ in range(3):
        with transaction() as session:
            page = versions.diff(
                session, super_admin.actor, dataset.id, "1.0.0", "1.1.0", get_object_store(), None, cursor, 1
            )
        assert page.counts == {"boxes_added": 1, "boxes_moved": 1, "relabeled": 1, "removed": 1}
        found |= {item.sample_id: item for item in page.items}
        cursor = page.next_cursor
    assert cursor is None
    assert sorted(found) == sorted(ids[:3])
    assert found[ids[0]].boxes == {"added": ["b2"], "removed": [], "moved": ["b1"], "relabeled": []}
    assert found[ids[1]].before is not None
    assert found[ids[1]].before["labels"] == {"class": "one"}
    assert found[ids[2]].after is None


def test_samples_of_a_version_are_paged(super_admin: Person, second_admin: Person, dataset: TrainingDataset) -> None:
    ids = make_samples(dataset, 25, super_admin, second_admin)
    commit(super_admin, dataset)
    seen, cursor = [], None
    for _ in range(3):
        with transaction() as session:
            page = versions.list_samples(
                session, super_admin.actor, dataset.id, "1.0.0", get_object_store(), cursor, 10
            )
        seen += [item.id for item in page.items]
        cursor = page.next_cursor
    assert seen == sorted(ids)
    assert (cursor, page.total) == (None, 25)


def test_version_of_another_dataset_is_not_there(
    super_admin: Person, second_admin: Person, dataset: TrainingDataset
) -> None:
    make_samples(dataset, 20, super_admin, second_admin)
    commit(super_admin, dataset)
    other = make_dataset(super_admin)
    with pytest.raises(NotFound), transaction() as session:
        versions.get(session, super_admin.actor, other.id, "1.0.0")
    with pytest.raises(Invalid, match="semantic version"), transaction() as session:
        versions.get(session, super_admin.actor, dataset.id, "newest")
