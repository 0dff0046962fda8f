"""Where people differ: who decides what, who may verify it then, and how it is undone."""

from uuid import UUID, uuid4

import pytest

from app.domain.permissions import Role
from app.errors import Conflict, Forbidden, Invalid, NotFound
from app.infra.db import transaction
from app.infra.object_store import get_object_store
from app.schemas.opinions import Adjudicate, DecisionFilter, DisagreementFilter
from app.schemas.samples import SampleVerify
from app.services import adjudication, opinion_views, reviews
from app.tables import SampleAnnotation, SampleDisagreement, TrainingDataset, TrainingSample
from tests.support.opinions import (
    configure,
    count_of,
    counted,
    decide,
    disagree,
    label,
    listed,
    look,
    opinions_standing,
    say,
)
from tests.support.people import Person, make_person
from tests.support.records import make_dataset, make_unlabelled
from tests.support.waiting import together


@pytest.fixture
def dataset(team: list[Person]) -> TrainingDataset:
    """Every sample takes three opinions."""
    return make_dataset(team[0], opinions_per_sample=3)


@pytest.fixture
def sample(dataset: TrainingDataset) -> UUID:
    return make_unlabelled(dataset, 1)[0]


def test_what_differs_waits_for_an_adjudicator_and_is_open_to_all(
    dataset: TrainingDataset, sample: UUID, team: list[Person]
) -> None:
    for person, name in zip(team, ("one", "zero", "one"), strict=False):
        view = say(dataset, sample, person, name)
    assert (view.is_labeled, view.opinions and view.opinions.state) == (False, "disputed")
    seen = look(dataset, sample, team[3])
    assert [one.labels["class"] for one in seen.opinions] == ["one", "zero", "one"]
    assert seen.proposal is not None
    assert (seen.proposal.labels, seen.proposal.agreement_percent) == ({"class": "one"}, 66)
    with transaction() as session:
        wanted = DisagreementFilter(sort="agreement_percent")
        page = opinion_views.list_disagreements(session, team[3].actor, dataset.id, wanted, get_object_store())
    assert [(one.sample_id, one.difference_count) for one in page.items] == [(sample, 1)]


def test_nobody_changes_an_opinion_when_all_are_in(dataset: TrainingDataset, sample: UUID, team: list[Person]) -> None:
    disagree(dataset, sample, team)
    with pytest.raises(Forbidden, match="gave an opinion"):
        say(dataset, sample, team[1], "one")
    with pytest.raises(Conflict, match="decide between them"), transaction() as session:
        adjudication.give(session, team[1].actor, dataset.id, sample, label("one"))


def test_adjudicator_takes_one_opinion_and_its_author_stays_the_author(
    dataset: TrainingDataset, sample: UUID, team: list[Person]
) -> None:
    disagree(dataset, sample, team)
    seen = decide(dataset, sample, team[3], choice="opinion", annotator_id=team[1].id)
    assert (seen.state, seen.decisions[0].sources, seen.decisions[0].decided_by) == ("agreed", [team[1].id], team[3].id)
    (shown,) = listed(dataset, team[3])
    assert (shown.labels, shown.labeled_by) == ({"class": "zero"}, team[1].id)
    assert count_of(SampleDisagreement) == 0


def test_nobody_decides_about_an_own_opinion(dataset: TrainingDataset, sample: UUID, team: list[Person]) -> None:
    disagree(dataset, sample, team)
    own = {"choice": "opinion", "annotator_id": team[0].id}
    written = {"choice": "edited", "labels": {"class": "one"}}
    for request in (own, written, {"choice": "proposal"}):
        with pytest.raises(Forbidden, match="yourself"):
            decide(dataset, sample, team[0], **request)
    decide(dataset, sample, team[0], choice="opinion", annotator_id=team[1].id)


def test_nobody_verifies_a_label_that_their_opinion_went_into(
    dataset: TrainingDataset, sample: UUID, team: list[Person]
) -> None:
    disagree(dataset, sample, team)
    decide(dataset, sample, team[3], choice="proposal")
    for person in team[:3]:
        with pytest.raises(Forbidden, match="another person"), transaction() as session:
            reviews.verify(session, person.actor, dataset.id, sample, SampleVerify())
    with transaction() as session:
        view = reviews.verify(session, team[3].actor, dataset.id, sample, SampleVerify())
    assert view.is_verified
    assert counted(dataset) == ((1, 1), (1, 1))


def test_adjudicator_who_writes_a_label_is_its_author(
    dataset: TrainingDataset, sample: UUID, team: list[Person]
) -> None:
    disagree(dataset, sample, team)
    view = say(dataset, sample, team[3], "zero")  # as the editor saves
    assert (view.is_labeled, view.labeled_by) == (True, team[3].id)
    assert set(look(dataset, sample, team[3]).decisions[0].sources) == {team[3].id, team[1].id}
    with pytest.raises(Forbidden, match="went into"), transaction() as session:
        reviews.verify(session, team[1].actor, dataset.id, sample, SampleVerify())
    assert count_of(SampleAnnotation) == 3


def test_a_tie_cannot_be_taken_as_a_proposal(team: list[Person]) -> None:
    dataset = make_dataset(team[0], opinions_per_sample=2)
    (sample,) = make_unlabelled(dataset, 1)
    say(dataset, sample, team[0], "one")
    say(dataset, sample, team[1], "zero")
    with pytest.raises(Conflict, match="tied"):
        decide(dataset, sample, team[3], choice="proposal")


def test_decision_is_undone_back_to_the_disagreement(
    dataset: TrainingDataset, sample: UUID, team: list[Person]
) -> None:
    disagree(dataset, sample, team)
    decision = decide(dataset, sample, team[3], choice="proposal").decisions[0]
    with transaction() as session:
        undone = adjudication.undo(session, team[3].actor, decision.id)
    assert undone.undone_by == team[3].id
    (shown,) = listed(dataset, team[3])
    assert (shown.is_labeled, shown.labeled_by, shown.opinions.state) == (False, None, "disputed")
    assert counted(dataset) == ((0, 0), (0, 0))
    assert count_of(SampleAnnotation) == 3
    with pytest.raises(Conflict, match="already"), transaction() as session:
        adjudication.undo(session, team[3].actor, decision.id)
    decide(dataset, sample, team[3], choice="opinion", annotator_id=team[1].id)


def test_unanimous_label_is_not_agreed_again_by_itself_when_it_was_undone(
    dataset: TrainingDataset, sample: UUID, team: list[Person]
) -> None:
    for person in team[:3]:
        say(dataset, sample, person, "one")
    decision = look(dataset, sample, team[3]).decisions[0]
    with transaction() as session:
        adjudication.undo(session, team[3].actor, decision.id)
    assert look(dataset, sample, team[3]).state == "disputed"


@pytest.mark.parametrize("verified", [True, False])
def test_reviewed_label_is_not_undone(
    dataset: TrainingDataset, sample: UUID, team: list[Person], verified: bool
) -> None:
    disagree(dataset, sample, team)
    decision = decide(dataset, sample, team[3], choice="proposal").decisions[0]
    with transaction() as session:
        review = SampleVerify(verified=verified, rejection_reason=None if verified else "blurred")
        reviews.verify(session, team[3].actor, dataset.id, sample, review)
    with pytest.raises(Conflict, match="verified since" if verified else "rejected since"), transaction() as session:
        adjudication.undo(session, team[3].actor, decision.id)


def test_correction_is_undone_back_to_what_was_verified(
    dataset: TrainingDataset, sample: UUID, team: list[Person]
) -> None:
    for person in team[:3]:
        say(dataset, sample, person, "one")
    with transaction() as session:
        reviews.verify(session, team[3].actor, dataset.id, sample, SampleVerify(quality_score=0.5))
    first = look(dataset, sample, team[3]).decisions[0]
    say(dataset, sample, team[3], "zero")
    with pytest.raises(Conflict, match="took the place"), transaction() as session:
        adjudication.undo(session, team[3].actor, first.id)
    correction = look(dataset, sample, team[3]).decisions[0]
    assert correction.kind == "corrected"
    with transaction() as session:
        adjudication.undo(session, team[0].actor, correction.id)
    (shown,) = listed(dataset, team[3])
    assert (shown.labels, shown.is_verified, shown.verified_by) == ({"class": "one"}, True, team[3].id)
    assert shown.quality_score == 0.5
    assert counted(dataset) == ((1, 1), (1, 1))
    with transaction() as session:
        assert opinions_standing(session) == [first.id]


def test_people_who_decide_at_once_decide_once(dataset: TrainingDataset, sample: UUID, team: list[Person]) -> None:
    disagree(dataset, sample, team)
    judges = [team[3], make_person("Team E", Role.SUPER_ADMIN), make_person("Team F", Role.SUPER_ADMIN)]
    actions = [lambda p=judge: decide(dataset, sample, p, choice="proposal") for judge in judges]
    outcomes = together(*actions)
    assert sorted(type(one).__name__ for one in outcomes) == ["Conflict", "Conflict", "OpinionsView"]


def test_adjudication_needs_what_its_choice_says(dataset: TrainingDataset, sample: UUID, team: list[Person]) -> None:
    for request in (
        {"choice": "opinion"},
        {"choice": "edited"},
        {"choice": "proposal", "annotator_id": 1},
        {"choice": "proposal", "labels": {"class": "one"}},
        {"choice": "proposal", "reason": " "},
    ):
        with pytest.raises(ValueError, match=r"annotator_id|labels|reason"):
            Adjudicate.model_validate({"reason": "why", **request})
    with pytest.raises(Conflict, match="nothing to decide"):
        decide(dataset, sample, team[3], choice="proposal")
    disagree(dataset, sample, team)
    with pytest.raises(Invalid, match="gave no opinion"):
        decide(dataset, sample, team[3], choice="opinion", annotator_id=team[3].id)


def test_decision_that_is_not_there_cannot_be_undone(team: list[Person]) -> None:
    with pytest.raises(NotFound, match="no decision"), transaction() as session:
        adjudication.undo(session, team[0].actor, uuid4())


def test_label_that_a_schema_change_renamed_is_not_undone_to_what_it_was(
    dataset: TrainingDataset, sample: UUID, team: list[Person]
) -> None:
    disagree(dataset, sample, team)
    decision = decide(dataset, sample, team[3], choice="proposal").decisions[0]
    with transaction() as session:
        session.get_one(TrainingSample, sample).labels = {"class": "uno"}
    with pytest.raises(Conflict, match="changed since"), transaction() as session:
        adjudication.undo(session, team[3].actor, decision.id)


def test_decisions_are_listed_but_not_of_a_sample_that_collects_again(
    dataset: TrainingDataset, sample: UUID, team: list[Person]
) -> None:
    disagree(dataset, sample, team)
    decide(dataset, sample, team[3], choice="proposal")

    def listed_now() -> list[UUID]:
        with transaction() as session:
            page = opinion_views.list_decisions(session, team[0].actor, dataset.id, DecisionFilter())
            return [one.sample_id for one in page.items]

    assert listed_now() == [sample]
    configure(dataset, team[3], opinions_per_sample=5)
    say(dataset, sample, team[3], None)
    assert listed_now() == []
