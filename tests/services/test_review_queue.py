"""The queue of review: what waits, for whom, and why one label comes before another."""

from uuid import UUID

import pytest

from app.domain.permissions import Role
from app.infra.db import transaction
from app.infra.object_store import get_object_store
from app.schemas.review_queue import QueueFilter, ReviewQueue, Risk
from app.schemas.reviews import ReviewFilter
from app.schemas.samples import SamplesVerify
from app.services import review_queue, reviews
from app.tables import SampleAnnotation, TrainingDataset, TrainingSample
from tests.support.people import Person, make_person
from tests.support.records import make_dataset, make_samples


@pytest.fixture
def dataset(super_admin: Person) -> TrainingDataset:
    return make_dataset(super_admin)


@pytest.fixture
def third(super_admin: Person) -> Person:
    return make_person("Third Admin", Role.SUPER_ADMIN)


def queue(person: Person, dataset: TrainingDataset, **wanted: object) -> ReviewQueue:
    with transaction() as session:
        return review_queue.queue(
            session, person.actor, dataset.id, QueueFilter.model_validate(wanted), get_object_store()
        )


def decide(person: Person, dataset: TrainingDataset, samples: list[UUID], reason: str | None = None) -> None:
    request = SamplesVerify(sample_ids=samples, verified=reason is None, rejection_reason=reason)
    with transaction() as session:
        reviews.verify_many(session, person.actor, dataset.id, request)


def make_known(dataset: TrainingDataset, author: Person, reviewer: Person, wrong: int) -> None:
    """`author` had 20 labels decided about in `dataset`, of which `wrong` were rejected."""
    made = make_labelled_by(dataset, author, 20)
    if wrong:
        decide(reviewer, dataset, made[:wrong], "cut off")
    decide(reviewer, dataset, made[wrong:])


def make_labelled_by(dataset: TrainingDataset, author: Person, count: int) -> list[UUID]:
    made = make_samples(dataset, count, author)
    with transaction() as session:  # so that more can be made: a file is once in a dataset
        for one in made:
            session.get_one(TrainingSample, one).sha256 = str(one)
    return made


def test_own_labels_wait_for_somebody_else_unless_one_person_reviews(
    dataset: TrainingDataset, super_admin: Person, second_admin: Person
) -> None:
    mine = make_labelled_by(dataset, super_admin, 2)
    theirs = make_labelled_by(dataset, second_admin, 1)
    seen = queue(super_admin, dataset)
    assert ([one.sample.id for one in seen.items], seen.waiting, seen.own) == (theirs, 1, 2)
    assert (seen.items[0].sample.labeled_by, seen.items[0].author) == (second_admin.id, second_admin.actor.name)
    with transaction() as session:
        session.get_one(TrainingDataset, dataset.id).single_person_review = True
    seen = queue(super_admin, dataset)
    assert ({one.sample.id for one in seen.items}, seen.waiting, seen.own) == ({*mine, *theirs}, 3, 0)


def test_rejected_label_leaves_the_queue_and_returns_to_its_author(
    dataset: TrainingDataset, super_admin: Person, second_admin: Person
) -> None:
    first, second = make_labelled_by(dataset, super_admin, 2)
    decide(second_admin, dataset, [first], "cut off")
    seen = queue(second_admin, dataset)
    assert ([one.sample.id for one in seen.items], seen.returned) == ([second], 0)
    assert queue(super_admin, dataset).returned == 1


def test_riskiest_label_comes_first_and_says_why(
    dataset: TrainingDataset, super_admin: Person, second_admin: Person, third: Person
) -> None:
    make_known(dataset, super_admin, third, wrong=0)
    make_known(dataset, second_admin, third, wrong=5)
    good, disputed = make_labelled_by(dataset, super_admin, 2)
    [poor] = make_labelled_by(dataset, second_admin, 1)
    reviewer = make_person("Fourth Admin", Role.SUPER_ADMIN)
    [new] = make_labelled_by(dataset, third, 1)
    with transaction() as session:
        label = {"class": "one" if session.get_one(TrainingSample, disputed).labels["class"] == "zero" else "zero"}
        session.add(SampleAnnotation(sample_id=disputed, annotator_id=third.id, labels=label))
    items = queue(reviewer, dataset).items
    assert [one.sample.id for one in items] == [disputed, poor, new, good]
    reasons = [set(one.reasons) - {Risk.RANDOM} for one in items]
    assert reasons == [{Risk.DISAGREEMENT}, {Risk.LOW_QUALITY}, {Risk.NEW_ANNOTATOR}, set()]
    assert [one.risk for one in items] == sorted((one.risk for one in items), reverse=True)
    for reason, expected in ((Risk.DISAGREEMENT, disputed), (Risk.LOW_QUALITY, poor), (Risk.NEW_ANNOTATOR, new)):
        assert [one.sample.id for one in queue(reviewer, dataset, reason=reason).items] == [expected]


def test_random_share_is_the_same_at_every_call_and_about_as_large_as_said(
    dataset: TrainingDataset, super_admin: Person, second_admin: Person
) -> None:
    made = make_samples(dataset, 1000, super_admin)
    once, again = (queue(second_admin, dataset, reason=Risk.RANDOM, limit=200).items for _ in range(2))
    assert [one.sample.id for one in once] == [one.sample.id for one in again]
    # 50 are expected; fewer than 15 or more than 100 happen once in millions of times.
    assert 15 < len({one.sample.id for one in once} & set(made)) < 100


def test_withdrawn_sample_waits_for_nobody(dataset: TrainingDataset, super_admin: Person, second_admin: Person) -> None:
    [sample] = make_labelled_by(dataset, super_admin, 1)
    with transaction() as session:
        row = session.get_one(TrainingSample, sample)
        row.sqlmodel_update({"withdrawn_at": row.created_at, "withdrawn_by": super_admin.id, "withdrawal_reason": "x"})
    assert queue(second_admin, dataset).waiting == 0


def test_decisions_are_listed_by_sample_author_and_kind(
    dataset: TrainingDataset, super_admin: Person, second_admin: Person
) -> None:
    first, second = make_labelled_by(dataset, super_admin, 2)
    decide(second_admin, dataset, [first], "cut off")
    decide(second_admin, dataset, [second])
    with transaction() as session:
        for wanted, found in (
            ({"sample_id": first}, {first}),
            ({"decision": "accepted"}, {second}),
            ({"author_id": super_admin.id}, {first, second}),
            ({"author_id": second_admin.id}, set()),
        ):
            page = review_queue.list_reviews(
                session, second_admin.actor, dataset.id, ReviewFilter.model_validate(wanted)
            )
            assert {one.sample_id for one in page.items} == found
