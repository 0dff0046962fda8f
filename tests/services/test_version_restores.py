"""Restoring: content and ids come back, what was there is kept, and what was withdrawn stays away."""

from uuid import UUID, uuid4

import pytest
from sqlmodel import select

from app.domain.dataset_versions import Scope
from app.errors import Conflict
from app.infra.db import transaction
from app.schemas.dataset_versions import Restored, VersionRestore
from app.schemas.withdrawals import SampleWithdraw
from app.services import samples, version_restores, withdrawals
from app.services.version_commits import NothingToCommit
from app.tables import TrainingDataset, TrainingSample
from tests.support.people import Person
from tests.support.records import make_dataset, make_samples
from tests.support.versions import change, commit, frozen, make_samples_of


@pytest.fixture
def dataset(super_admin: Person) -> TrainingDataset:
    return make_dataset(super_admin)


def restore(person: Person, dataset: TrainingDataset, version: str) -> Restored:
    with transaction() as session:
        return version_restores.restore(session, person.actor, dataset.id, version, VersionRestore())


def remove(person: Person, dataset: TrainingDataset, which: UUID) -> None:
    with transaction() as session:
        samples.delete(session, person.actor, dataset.id, which)


def withdraw(person: Person, dataset: TrainingDataset, which: UUID) -> None:
    with transaction() as session:
        withdrawals.withdraw(session, person.actor, dataset.id, which, SampleWithdraw(reason="No consent"))


def counts(dataset: TrainingDataset) -> tuple[int, int, int, int]:
    with transaction() as session:
        row = session.get_one(TrainingDataset, dataset.id)
        return row.sample_count, row.labeled_count, row.verified_count, row.size_bytes


def ids_of(dataset: TrainingDataset) -> set[UUID]:
    with transaction() as session:
        return set(session.exec(select(TrainingSample.id).where(TrainingSample.dataset_id == dataset.id)))


def test_restore_of_all_samples_brings_content_and_ids_back(
    super_admin: Person, second_admin: Person, dataset: TrainingDataset
) -> None:
    ids = make_samples(dataset, 12, super_admin, second_admin)
    change(ids[3], file_type="video")
    change(ids[4], video_id=ids[3], frame_ms=40)
    first, before = commit(super_admin, dataset, scope=Scope.ALL), counts(dataset)
    remove(super_admin, dataset, ids[4])
    remove(super_admin, dataset, ids[3])
    change(ids[0], labels={"class": "one"}, is_verified=False, verified_by=None)
    added = make_samples_of(dataset, 3, super_admin)
    change(added[0], file_type="video")
    change(added[1], video_id=added[0], frame_ms=1)
    done = restore(super_admin, dataset, first.version)
    assert (done.brought_back, done.changed, done.removed, done.left_out) == (2, 1, 3, 0)
    assert ids_of(dataset) == set(ids)
    assert counts(dataset) == before
    assert commit(super_admin, dataset, scope=Scope.ALL).sha256 == first.sha256
    # What was there before is a version too, and comes back in the same way.
    assert done.kept_as is not None
    restore(super_admin, dataset, done.kept_as)
    assert ids_of(dataset) == (set(ids) - {ids[3], ids[4]}) | set(added)


def test_restore_of_verified_samples_leaves_the_others(
    super_admin: Person, second_admin: Person, dataset: TrainingDataset
) -> None:
    ids = make_samples(dataset, 12, super_admin, second_admin)
    first = commit(super_admin, dataset)
    waiting, later = make_samples_of(dataset, 2, super_admin)
    change(later, is_verified=True, verified_by=second_admin.id)
    change(ids[0], labels={"class": "one"})
    remove(super_admin, dataset, ids[1])
    done = restore(super_admin, dataset, first.version)
    assert (done.brought_back, done.changed, done.removed) == (1, 1, 1)
    assert ids_of(dataset) == {*ids, waiting, later}
    with transaction() as session:
        row = session.get_one(TrainingSample, later)
        assert (row.is_labeled, row.is_verified) == (True, False)
    assert counts(dataset)[:3] == (14, 14, 12)
    with pytest.raises(NothingToCommit, match=first.version):  # the verified samples are those of the first again
        commit(super_admin, dataset)


def test_picture_that_was_uploaded_again_gives_way_to_its_first_id(
    super_admin: Person, second_admin: Person, dataset: TrainingDataset
) -> None:
    ids = make_samples(dataset, 12, super_admin, second_admin)
    first = commit(super_admin, dataset)
    with transaction() as session:
        content = session.get_one(TrainingSample, ids[0]).sha256
    remove(super_admin, dataset, ids[0])
    (twin,) = make_samples_of(dataset, 1, super_admin)
    change(twin, sha256=content)
    restore(super_admin, dataset, first.version)
    assert ids_of(dataset) == set(ids)


@pytest.mark.parametrize("is_deleted", [False, True])
def test_withdrawn_sample_stays_away(
    super_admin: Person, second_admin: Person, dataset: TrainingDataset, is_deleted: bool
) -> None:
    ids = make_samples(dataset, 12, super_admin, second_admin)
    first = commit(super_admin, dataset)
    withdraw(super_admin, dataset, ids[0])
    if is_deleted:
        remove(super_admin, dataset, ids[0])
    second = commit(super_admin, dataset)
    assert second.changes == {"removed": 1}
    assert str(ids[0]) not in frozen(super_admin, dataset, second.version)
    done = restore(super_admin, dataset, first.version)
    assert done.left_out == 1
    with pytest.raises(NothingToCommit):
        commit(super_admin, dataset)


def test_reinstated_sample_is_used_again(super_admin: Person, second_admin: Person, dataset: TrainingDataset) -> None:
    ids = make_samples(dataset, 12, super_admin, second_admin)
    change(ids[0], file_type="video")
    change(ids[1], video_id=ids[0], frame_ms=1)
    first = commit(super_admin, dataset)
    withdraw(super_admin, dataset, ids[0])
    with pytest.raises(Conflict, match="withdrawn already"):
        withdraw(super_admin, dataset, ids[1])  # it went with its video
    assert commit(super_admin, dataset).sample_count == 10
    with transaction() as session:
        withdrawals.reinstate(session, super_admin.actor, dataset.id, ids[0])
    assert commit(super_admin, dataset).sha256 == first.sha256
    with pytest.raises(Conflict, match="not withdrawn"), transaction() as session:
        withdrawals.reinstate(session, super_admin.actor, dataset.id, ids[0])


def test_schema_of_the_version_comes_back(super_admin: Person, second_admin: Person, dataset: TrainingDataset) -> None:
    make_samples(dataset, 12, super_admin, second_admin)
    first = commit(super_admin, dataset, scope=Scope.ALL)
    with transaction() as session:
        row = session.get_one(TrainingDataset, dataset.id)
        row.label_schema = {**row.label_schema, "classes": [*row.label_schema["classes"], {"name": str(uuid4())}]}
    restore(super_admin, dataset, first.version)
    with transaction() as session:
        assert session.get_one(TrainingDataset, dataset.id).label_schema == first.label_schema
