"""Restoring a version of samples that several people labelled: decisions, disputes and labels stay consistent."""

from uuid import UUID

import pytest

from app.domain.dataset_versions import Scope
from app.errors import Forbidden
from app.infra.db import transaction
from app.schemas.dataset_versions import VersionRestore
from app.schemas.samples import SampleVerify
from app.services import consensus, reviews, version_restores
from app.tables import TrainingDataset
from tests.support.opinions import counted, decide, disagree, look, opinions_standing, say
from tests.support.people import Person
from tests.support.records import make_dataset, make_unlabelled
from tests.support.versions import change, commit


@pytest.fixture
def dataset(team: list[Person]) -> TrainingDataset:
    """Every sample takes three opinions."""
    return make_dataset(team[0], opinions_per_sample=3)


@pytest.fixture
def both(dataset: TrainingDataset) -> list[UUID]:
    return make_unlabelled(dataset, 2)


@pytest.fixture
def sample(both: list[UUID]) -> UUID:
    return both[0]


def restore(person: Person, dataset: TrainingDataset, version: str) -> str | None:
    with transaction() as session:
        return version_restores.restore(session, person.actor, dataset.id, version, VersionRestore()).kept_as


def authors(sample: UUID) -> set[int]:
    with transaction() as session:
        return consensus.authors(session, [sample]).get(sample, set())


def test_sample_restored_to_no_label_waits_for_an_adjudicator_and_its_decision_comes_back(
    dataset: TrainingDataset, sample: UUID, team: list[Person]
) -> None:
    empty = commit(team[3], dataset, scope=Scope.ALL)
    disagree(dataset, sample, team)
    decide(dataset, sample, team[3], choice="proposal")
    kept = restore(team[3], dataset, empty.version)
    seen = look(dataset, sample, team[3])
    assert (seen.state, seen.given) == ("disputed", 3)  # the opinions are all there
    assert authors(sample) == set()
    assert kept is not None
    restore(team[3], dataset, kept)
    assert look(dataset, sample, team[3]).state == "agreed"
    assert authors(sample) == {person.id for person in team[:3]}
    labelled, real = counted(dataset)
    assert labelled == real == (1, 0)
    for person in team[:3]:
        with pytest.raises(Forbidden), transaction() as session:
            reviews.verify(session, person.actor, dataset.id, sample, SampleVerify(verified=True), None)


def test_label_restored_over_a_later_correction_is_the_earlier_decision(
    dataset: TrainingDataset, sample: UUID, team: list[Person]
) -> None:
    disagree(dataset, sample, team)
    decide(dataset, sample, team[3], choice="proposal")
    with transaction() as session:
        (first,) = opinions_standing(session)
    before = commit(team[3], dataset, scope=Scope.LABELED)
    say(dataset, sample, team[3], "zero")  # corrects
    restore(team[3], dataset, before.version)
    with transaction() as session:
        assert opinions_standing(session) == [first]
    assert authors(sample) == {person.id for person in team[:3]}


def test_restore_that_changes_no_label_leaves_the_decision(
    dataset: TrainingDataset, sample: UUID, team: list[Person]
) -> None:
    disagree(dataset, sample, team)
    decide(dataset, sample, team[3], choice="proposal")
    before = commit(team[3], dataset, scope=Scope.LABELED)
    change(sample, rejection_reason="blurred")
    restore(team[3], dataset, before.version)
    assert authors(sample) == {person.id for person in team[:3]}


def test_sample_that_a_labelled_version_lacks_is_disputed_again(
    dataset: TrainingDataset, both: list[UUID], team: list[Person]
) -> None:
    sample, other = both
    for person in team[:3]:
        say(dataset, other, person, "one")
    before = commit(team[3], dataset, scope=Scope.LABELED)
    disagree(dataset, sample, team)
    decide(dataset, sample, team[3], choice="proposal")
    restore(team[3], dataset, before.version)
    assert look(dataset, sample, team[3]).state == "disputed"
    assert look(dataset, other, team[3]).state == "agreed"
    assert authors(sample) == set()
