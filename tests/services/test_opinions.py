"""Several people about one sample: what each may know, and when their opinions become its label."""

from collections import Counter
from uuid import UUID

import pytest
from sqlmodel import col, select

from app.domain.permissions import Role
from app.errors import PreconditionFailed
from app.infra.db import transaction
from app.infra.object_store import get_object_store
from app.schemas.labelling import NextSample
from app.schemas.opinions import OpinionSettings
from app.services import etags, labelling_queue, opinion_views, opinions, samples
from app.tables import (
    ConsensusDecision,
    ReplacedOpinion,
    SampleAnnotation,
    SampleAssignment,
    SampleDisagreement,
    SampleLease,
    TrainingDataset,
    TrainingSample,
)
from tests.support.opinions import box, configure, count_of, counted, disagree, listed, look, say
from tests.support.people import Person, make_person
from tests.support.records import make_dataset, make_unlabelled
from tests.support.waiting import together

BOXES = {"task": "detection", "classes": [{"name": "RBC"}, {"name": "WBC"}]}


@pytest.fixture
def dataset(team: list[Person]) -> TrainingDataset:
    """Every sample takes three opinions."""
    return make_dataset(team[0], opinions_per_sample=3)


@pytest.fixture
def sample(dataset: TrainingDataset) -> UUID:
    return make_unlabelled(dataset, 1)[0]


def test_three_equal_opinions_become_the_label(dataset: TrainingDataset, sample: UUID, team: list[Person]) -> None:
    for person in team[:2]:
        view = say(dataset, sample, person, "one")
        assert (view.is_labeled, view.labels) == (False, {"class": "one"})
    view = say(dataset, sample, team[2], "one")
    assert (view.is_labeled, view.labels, view.labeled_by) == (True, {"class": "one"}, team[0].id)
    decision = look(dataset, sample, team[3]).decisions[0]
    assert (decision.kind, decision.sources, decision.decided_by) == ("automatic", [one.id for one in team[:3]], None)
    assert counted(dataset) == ((1, 0), (1, 0))


def test_nobody_sees_another_opinion_before_all_are_in(
    dataset: TrainingDataset, sample: UUID, team: list[Person]
) -> None:
    say(dataset, sample, team[0], "one")
    say(dataset, sample, team[1], "zero")
    for person, own in ((team[0], {"class": "one"}), (team[2], {}), (team[3], {})):
        (shown,) = listed(dataset, person)
        assert (shown.labels, shown.is_labeled, shown.labeled_by) == (own, False, None)
        assert (shown.opinions.state, shown.opinions.given) == ("collecting", 2)
        seen = look(dataset, sample, person)
        assert [one.annotator_id for one in seen.opinions] == ([person.id] if own else [])
        assert (seen.proposal, seen.decisions, seen.given) == (None, [], 2)
    assert listed(dataset, team[2], label="one") == listed(dataset, team[2], status="labeled") == []
    assert listed(dataset, team[2], labeled_by=team[0].id) == []
    with transaction() as session:
        assert samples.class_counts(session, team[2].actor, dataset.id) == {"zero": 0, "one": 0}


def test_opinion_is_changed_and_taken_back_while_it_collects_and_its_history_stays(
    dataset: TrainingDataset, sample: UUID, team: list[Person]
) -> None:
    say(dataset, sample, team[0], "one")
    (shown,) = listed(dataset, team[0])
    say(dataset, sample, team[0], "zero", shown.etag)
    with pytest.raises(PreconditionFailed):
        say(dataset, sample, team[0], "one", shown.etag)
    view = say(dataset, sample, team[0], None)
    assert (view.labels, view.opinions and view.opinions.given) == ({}, 0)
    with transaction() as session:
        kept = session.exec(select(ReplacedOpinion).order_by(col(ReplacedOpinion.replaced_at))).all()
        assert [(one.annotator_id, one.labels) for one in kept] == [
            (team[0].id, {"class": "one"}),
            (team[0].id, {"class": "zero"}),
        ]


def test_another_opinion_does_not_change_the_tag_of_mine(
    dataset: TrainingDataset, sample: UUID, team: list[Person]
) -> None:
    (before,) = listed(dataset, team[0])
    say(dataset, sample, team[1], "zero")
    view = say(dataset, sample, team[0], "one", before.etag)
    (after,) = listed(dataset, team[0])
    assert etags.etag(view) == after.etag != before.etag


def test_people_who_answer_at_once_end_with_exactly_one_consensus(team: list[Person]) -> None:
    people = [*team, make_person("Team E", Role.SUPER_ADMIN), make_person("Team F", Role.SUPER_ADMIN)]
    dataset = make_dataset(team[0], opinions_per_sample=6)
    wanted = make_unlabelled(dataset, 4)
    for sample in wanted:
        outcomes = together(*(lambda p=person, s=sample: say(dataset, s, p, "one") for person in people))
        assert not [one for one in outcomes if isinstance(one, Exception)]
    assert counted(dataset) == ((4, 0), (4, 0))
    with transaction() as session:
        decided = session.exec(select(ConsensusDecision.sample_id)).all()
    assert sorted(decided) == sorted(wanted)
    assert count_of(SampleAnnotation) == 24


def test_boxes_of_three_people_become_one_set_of_boxes(team: list[Person]) -> None:
    dataset = make_dataset(team[0], opinions_per_sample=3)
    with transaction() as session:
        session.get_one(TrainingDataset, dataset.id).label_schema = BOXES
    first, second = make_unlabelled(dataset, 2)
    for person, shift in zip(team, (0, 1, 3), strict=False):
        say(dataset, first, person, [box("RBC", 10 + shift, 10, 30, 30)])
    extra = box("WBC", 60, 40, 20, 20, key="b2")
    for person, more in zip(team, ([extra], [], []), strict=False):
        say(dataset, second, person, [box("RBC", 10, 10, 30, 30), *more])
    shown = {one.id: one for one in listed(dataset, team[3])}
    assert shown[first].is_labeled
    assert [one["box"] for one in shown[first].annotations] == [[11, 10, 30, 30]]
    assert not shown[second].is_labeled
    (difference,) = look(dataset, second, team[3]).proposal.differences  # type: ignore[union-attr]
    assert (difference.kind, difference.name, difference.box) == ("missing", "WBC", [60, 40, 20, 20])


def test_only_a_share_of_the_samples_asks_several_people(team: list[Person]) -> None:
    dataset = make_dataset(team[0], opinions_per_sample=2, opinions_share=30)
    ids = make_unlabelled(dataset, 200)
    several = {one for one in ids if opinions.wanted(dataset, one) == 2}
    assert 30 < len(several) < 90
    with transaction() as session:
        query = select(TrainingSample.id).where(TrainingSample.dataset_id == dataset.id, opinions.asked(dataset))
        assert set(session.exec(query)) == several
    alone = next(one for one in ids if one not in several)
    assert say(dataset, alone, team[0], "one").is_labeled
    assert not say(dataset, several.pop(), team[0], "one").is_labeled


def test_asking_fewer_settles_what_has_enough(dataset: TrainingDataset, team: list[Person]) -> None:
    same, other, single = make_unlabelled(dataset, 3)
    for sample, names in ((same, ("one", "one")), (other, ("one", "zero")), (single, ("one",))):
        for person, name in zip(team, names, strict=False):
            say(dataset, sample, person, name)
    configure(dataset, team[3], opinions_per_sample=2)
    dataset.opinions_per_sample = 2
    found = {one.id: (one.is_labeled, one.opinions.state) for one in listed(dataset, team[3])}
    assert found == {same: (True, "agreed"), other: (False, "disputed"), single: (False, "collecting")}
    configure(dataset, team[3], opinions_per_sample=1)
    assert {one.id for one in listed(dataset, team[3], status="labeled")} == {same, single}
    assert counted(dataset) == ((2, 0), (2, 0))


def test_label_that_was_taken_away_does_not_come_back_with_other_settings(team: list[Person]) -> None:
    dataset = make_dataset(team[0])
    (sample,) = make_unlabelled(dataset, 1)
    say(dataset, sample, team[0], "one")
    say(dataset, sample, team[0], None)
    configure(dataset, team[0], opinions_per_sample=1, consensus_iou=0.6)
    assert counted(dataset) == ((0, 0), (0, 0))


def test_unreachable_quorum_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot agree"):
        OpinionSettings(opinions_per_sample=2, consensus_quorum=3)


def test_progress_counts_samples_by_opinions_and_people(dataset: TrainingDataset, team: list[Person]) -> None:
    ids = make_unlabelled(dataset, 4)
    for person in team[:3]:
        say(dataset, ids[0], person, "one")
    disagree(dataset, ids[1], team)
    say(dataset, ids[2], team[0], "one")
    with transaction() as session:
        found = opinion_views.progress(session, team[3].actor, dataset.id)
    assert (found.asked, found.by_count, found.agreed, found.disagreements) == (4, [1, 1, 0, 2], 1, 1)
    assert [(one.annotator, one.given) for one in found.annotators] == [("Team A", 3), ("Team B", 2), ("Team C", 2)]


def test_deleting_a_sample_takes_everything_about_it_along(
    dataset: TrainingDataset, sample: UUID, team: list[Person]
) -> None:
    disagree(dataset, sample, team)
    with transaction() as session:
        samples.delete(session, team[0].actor, dataset.id, sample)
    for table in (SampleAnnotation, SampleDisagreement, ConsensusDecision):
        assert count_of(table) == 0
    assert counted(dataset) == ((0, 0), (0, 0))


def hand_out(dataset: TrainingDataset, person: Person) -> UUID | None:
    with transaction() as session:
        store = get_object_store()
        found = labelling_queue.next_sample(session, person.actor, dataset.id, NextSample(), store)
        return found.sample.id if found.sample else None


def test_each_is_handed_a_sample_once_and_no_more_people_than_are_asked(team: list[Person]) -> None:
    dataset = make_dataset(team[0], opinions_per_sample=2)
    (sample,) = make_unlabelled(dataset, 1)
    assert [hand_out(dataset, person) for person in team[:3]] == [sample, sample, None]
    say(dataset, sample, team[0], "one")
    assert [hand_out(dataset, person) for person in (team[0], team[2])] == [None, None]
    with transaction() as session:
        for lease in session.exec(select(SampleLease)):
            session.delete(lease)  # B went away
    assert hand_out(dataset, team[2]) == sample
    with transaction() as session:
        handed = session.exec(select(SampleAssignment).order_by(col(SampleAssignment.annotator_id))).all()
    assert [(one.annotator_id, one.done_at is not None) for one in handed] == [
        (team[0].id, True),
        (team[1].id, False),
        (team[2].id, False),
    ]


def test_people_who_ask_at_once_are_not_more_than_are_asked(team: list[Person]) -> None:
    people = [*team, *(make_person(f"Team {name}", Role.SUPER_ADMIN) for name in "EFGH")]
    dataset = make_dataset(team[0], opinions_per_sample=3)
    make_unlabelled(dataset, 2)
    outcomes = together(*(lambda p=person: hand_out(dataset, p) for person in people))
    assert [one for one in outcomes if isinstance(one, Exception)] == []
    taken = Counter(one for one in outcomes if one is not None)
    assert len(taken) == 2
    assert max(taken.values()) <= 3


def test_lease_of_one_annotator_does_not_keep_another_from_answering(
    dataset: TrainingDataset, sample: UUID, team: list[Person]
) -> None:
    for person in team[:2]:
        assert hand_out(dataset, person) == sample
    assert not say(dataset, sample, team[1], "one").is_labeled
