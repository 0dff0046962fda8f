"""Versions of datasets: what a commit freezes, and how it is numbered, split and counted."""

from collections import Counter
from uuid import uuid4

import pytest
from sqlmodel import col, select

from app.domain.dataset_splits import SplitPlan, Stock
from app.domain.dataset_trees import Tree
from app.domain.dataset_versions import Bump, Scope
from app.errors import Conflict, Invalid
from app.infra.db import transaction
from app.schemas.dataset_versions import SplitWanted
from app.services import samples
from app.services.sample_changes import EVERYTHING
from app.services.version_commits import NothingToCommit
from app.services.version_splits import Splitter
from app.tables import DatasetVersion, TrainingDataset
from app.tables.base import utcnow
from tests.support.people import Person
from tests.support.records import make_dataset, make_samples
from tests.support.versions import change, commit, frozen, make_samples_of, preview, splits


@pytest.fixture
def dataset(super_admin: Person) -> TrainingDataset:
    return make_dataset(super_admin)


def test_first_version_holds_the_verified_samples(
    super_admin: Person, second_admin: Person, dataset: TrainingDataset
) -> None:
    verified = make_samples(dataset, 20, super_admin, second_admin)
    make_samples_of(dataset, 5, super_admin)
    made = commit(super_admin, dataset, message="The first")
    assert (made.version, made.sample_count, made.message) == ("1.0.0", 20, "The first")
    assert made.changes == {"added": 20}
    assert made.statistics["splits"] == {"train": 12, "validation": 4, "test": 4}
    assert set(frozen(super_admin, dataset, "1.0.0")) == {str(each) for each in verified}
    assert made.created_by_name == "Ada Admin"


def test_number_says_how_much_changed(super_admin: Person, second_admin: Person, dataset: TrainingDataset) -> None:
    ids = make_samples(dataset, 20, super_admin, second_admin)
    commit(super_admin, dataset)
    change(ids[0], labels={"class": "one"})
    relabelled = commit(super_admin, dataset)
    assert (relabelled.version, relabelled.changes) == ("1.0.1", {"relabeled": 1})
    with transaction() as session:
        samples.delete(session, super_admin.actor, dataset.id, ids[1])
    removed = commit(super_admin, dataset)
    assert (removed.version, removed.changes, removed.sample_count) == ("1.1.0", {"removed": 1}, 19)
    change(ids[2], labels={"class": "one"})
    assert commit(super_admin, dataset, bump=Bump.MAJOR).version == "2.0.0"
    with transaction() as session:
        row = session.get_one(TrainingDataset, dataset.id)
        row.label_schema = {**row.label_schema, "classes": [{"name": "one", "color": "#000000"}, {"name": "two"}]}
    change(ids[3], labels={"class": "one"})
    with pytest.raises(Invalid, match="need a new major"):
        commit(super_admin, dataset, bump=Bump.MINOR)
    assert commit(super_admin, dataset).version == "3.0.0"


def test_nothing_new_is_refused_and_equal_content_has_an_equal_digest(
    super_admin: Person, second_admin: Person, dataset: TrainingDataset
) -> None:
    ids = make_samples(dataset, 20, super_admin, second_admin)
    first = commit(super_admin, dataset)
    with pytest.raises(NothingToCommit, match=r"since version 1\.0\.0"):
        commit(super_admin, dataset)
    change(ids[0], labels={"class": "one"})
    assert commit(super_admin, dataset).sha256 != first.sha256
    change(ids[0], labels={"class": "zero"})
    assert commit(super_admin, dataset).sha256 == first.sha256


def test_dataset_without_such_samples_has_nothing_to_freeze(super_admin: Person, dataset: TrainingDataset) -> None:
    make_samples(dataset, 3, super_admin)
    with pytest.raises(Conflict, match="no verified sample"):
        commit(super_admin, dataset)
    assert commit(super_admin, dataset, scope=Scope.LABELED).sample_count == 3


def test_preview_is_what_comes_and_leaves_nothing(
    super_admin: Person, second_admin: Person, dataset: TrainingDataset
) -> None:
    ids = make_samples(dataset, 20, super_admin, second_admin)
    seen = preview(super_admin, dataset)
    assert (seen.version, seen.since, seen.sample_count) == ("1.0.0", None, 20)
    assert set(splits(dataset).values()) == {None}
    made = commit(super_admin, dataset)
    assert made.statistics == seen.statistics
    assert preview(super_admin, dataset).version is None
    change(ids[0], labels={"class": "one"})
    seen = preview(super_admin, dataset, bump=Bump.MINOR)
    assert (seen.version, seen.since, seen.needs, seen.changes) == ("1.1.0", "1.0.0", Bump.PATCH, {"relabeled": 1})


def test_sample_keeps_its_split_and_groups_are_never_cut(
    super_admin: Person, second_admin: Person, dataset: TrainingDataset
) -> None:
    ids = make_samples(dataset, 60, super_admin, second_admin)
    near, video = uuid4(), ids[10]
    for each in ids[:6]:
        change(each, near_group=near)
    change(video, file_type="video")
    for number, each in enumerate(ids[5:10]):  # ids[5] joins the near-duplicates to the video
        change(each, video_id=video, frame_ms=number)
    commit(super_admin, dataset)
    before = splits(dataset)
    assert len({before[each] for each in ids[:11]}) == 1
    assert Counter(before.values())["train"] > 30
    more = make_samples_of(dataset, 12, super_admin)
    for each in more:
        change(each, is_verified=True, verified_by=second_admin.id)
    change(more[0], near_group=near)
    commit(super_admin, dataset)
    after = splits(dataset)
    assert {each: after[each] for each in ids} == before
    assert after[more[0]] == before[ids[0]]
    assert None not in after.values()


def test_copy_of_a_training_image_leaves_the_test(
    super_admin: Person, second_admin: Person, dataset: TrainingDataset
) -> None:
    make_samples(dataset, 30, super_admin, second_admin)
    commit(super_admin, dataset)
    before = splits(dataset)
    trains = next(key for key, name in before.items() if name == "train")
    tests = next(key for key, name in before.items() if name == "test")
    near = uuid4()
    change(trains, near_group=near)
    commit(super_admin, dataset, bump=Bump.MINOR)
    change(tests, near_group=near)  # only this one changed since; the other is found by the group
    made = commit(super_admin, dataset)
    assert splits(dataset)[tests] == "train"
    assert made.changes == {"moved_split": 1, "details": 1}


def test_imported_split_is_honoured_where_it_is_wanted(
    super_admin: Person, second_admin: Person, dataset: TrainingDataset
) -> None:
    ids = make_samples(dataset, 30, super_admin, second_admin)
    for each in ids[:15]:
        change(each, extra={"split": "val"})
    commit(super_admin, dataset)
    assert {splits(dataset)[each] for each in ids[:15]} == {"validation"}
    change(ids[0], labels={"class": "one"})
    again = SplitWanted(imported=False, again=True, seed=3)
    made = commit(super_admin, dataset, split=again)
    assert set(made.statistics["splits"]) == {"train", "validation", "test"}
    assert made.statistics["splits"]["train"] > 18
    assert made.split == {"validation": 0.15, "test": 0.15, "seed": 3}


def test_statistics_are_those_of_the_content(
    super_admin: Person, second_admin: Person, dataset: TrainingDataset
) -> None:
    ids = make_samples(dataset, 40, super_admin, second_admin)
    commit(super_admin, dataset)
    for number, each in enumerate(ids[:10]):
        change(each, labels={"class": "one"}, file_size=100 + number)
    with transaction() as session:
        samples.delete(session, super_admin.actor, dataset.id, ids[11])
    made = commit(super_admin, dataset)
    records = frozen(super_admin, dataset, made.version).values()
    assert made.statistics["samples"] == len(records) == 39
    assert made.statistics["bytes"] == sum(record["file_size"] for record in records)
    assert made.statistics["splits"] == Counter(record["split"] for record in records)
    for name in ("zero", "one"):
        held = [record for record in records if record["labels"]["class"] == name]
        found = made.statistics["classes"][name]
        assert found == {"samples": len(held), **Counter(record["split"] for record in held)}


def test_single_person_review_is_said_by_the_version(
    super_admin: Person, second_admin: Person, dataset: TrainingDataset
) -> None:
    make_samples(dataset, 20, super_admin, second_admin)
    plain = commit(super_admin, dataset)
    with transaction() as session:
        session.get_one(TrainingDataset, dataset.id).single_person_review = True
    alone = commit(super_admin, dataset)
    assert (plain.single_person_review, alone.single_person_review) == (False, True)
    assert plain.sha256 != alone.sha256
    with transaction() as session:
        rows = session.exec(select(DatasetVersion).order_by(col(DatasetVersion.number))).all()
    assert [row.parent_id for row in rows] == [None, plain.id]


def test_first_version_counts_in_the_database_what_it_would_count_sample_by_sample(
    super_admin: Person, second_admin: Person, dataset: TrainingDataset
) -> None:
    ids = make_samples(dataset, 12, super_admin, second_admin)
    change(ids[0], labels={"classes": ["one", "two"]})
    change(ids[1], labels={}, annotations=[{"id": "a", "class": "two", "box": [1, 1, 2, 2]}] * 2)
    change(ids[2], labels={})
    change(ids[3], near_group=uuid4())
    change(ids[4], file_type="video")
    change(ids[5], video_id=ids[4], frame_ms=1, split="test")
    change(ids[6], withdrawn_at=utcnow(), withdrawn_by=super_admin.id, withdrawal_reason="blurred")
    make_samples_of(dataset, 2, super_admin)
    for scope in Scope:
        found = []
        for survey in (lambda one, stock: one._survey(Tree(), stock), Splitter._survey_all):
            with transaction() as session:
                splitter, stock = Splitter(session, dataset.id, scope, SplitPlan(), EVERYTHING), Stock()
                survey(splitter, stock)
                found.append((stock, splitter._keys, {splitter._groups.root(key) for key in splitter._keys}))
        assert found[0] == found[1]
        assert found[0][0].total["two"] == 2
