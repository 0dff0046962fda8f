"""Labels and their verification: the four eyes, what a changed label undoes, and counts that stay right under load."""

from uuid import UUID

import pytest
from sqlalchemy import func
from sqlmodel import Session, col, select

from app.domain.permissions import Plan
from app.errors import Conflict, Forbidden, IllegalTransition, Invalid, NotFound
from app.infra.db import transaction
from app.schemas.datasets import DatasetUpdate
from app.schemas.samples import SampleLabels, SamplesVerify, SampleUpdate, SampleVerify
from app.services import datasets, reviews, samples
from app.tables import SampleAnnotation, TrainingDataset, TrainingSample
from tests.support.people import Person, make_organization
from tests.support.records import make_dataset, make_samples
from tests.support.waiting import together

ONE, ZERO = (SampleUpdate(labels=SampleLabels(**{"class": name})) for name in ("one", "zero"))
REJECTED = SampleVerify(verified=False, rejection_reason="blurred")


@pytest.fixture
def dataset(super_admin: Person) -> TrainingDataset:
    return make_dataset(super_admin)


@pytest.fixture
def sample(dataset: TrainingDataset, super_admin: Person) -> UUID:
    """Labelled by the super admin, not verified."""
    return make_samples(dataset, 1, super_admin)[0]


def counts(session: Session, dataset_id: UUID) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What the dataset says, and what its samples say."""
    row = session.get_one(TrainingDataset, dataset_id)
    truth = session.exec(
        select(
            func.count(),
            func.count().filter(col(TrainingSample.is_labeled)),
            func.count().filter(col(TrainingSample.is_verified)),
        ).where(TrainingSample.dataset_id == dataset_id)
    ).one()
    return (row.sample_count, row.labeled_count, row.verified_count), tuple(truth)


def test_nobody_verifies_an_own_label(
    dataset: TrainingDataset, sample: UUID, super_admin: Person, second_admin: Person
) -> None:
    for decision in (SampleVerify(), REJECTED):
        with pytest.raises(Forbidden, match="another person"), transaction() as session:
            reviews.verify(session, super_admin.actor, dataset.id, sample, decision)
    with transaction() as session:
        view = reviews.verify(session, second_admin.actor, dataset.id, sample, SampleVerify())
    assert (view.is_verified, view.verified_by, view.labeled_by) == (True, second_admin.id, super_admin.id)


def test_changed_label_is_not_the_one_that_was_verified(
    dataset: TrainingDataset, sample: UUID, super_admin: Person, second_admin: Person
) -> None:
    with transaction() as session:
        reviews.verify(session, second_admin.actor, dataset.id, sample, SampleVerify(quality_score=0.7))
        assert counts(session, dataset.id) == ((1, 1, 1), (1, 1, 1))
    with transaction() as session:
        view = samples.update(session, second_admin.actor, dataset.id, sample, ONE)
        assert counts(session, dataset.id) == ((1, 1, 0), (1, 1, 0))
    assert (view.is_verified, view.verified_by, view.quality_score, view.labeled_by) == (
        False, None, None, second_admin.id,
    )  # fmt: skip
    with transaction() as session:
        reviews.verify(session, super_admin.actor, dataset.id, sample, SampleVerify())
        cleared = samples.update(session, super_admin.actor, dataset.id, sample, SampleUpdate(labels=None))
        assert counts(session, dataset.id) == ((1, 0, 0), (1, 0, 0))
        opinions = session.exec(select(SampleAnnotation)).all()
    assert (cleared.labels, cleared.labeled_by) == ({}, None)
    assert [(o.annotator_id, o.labels) for o in opinions] == [(second_admin.id, {"class": "one"})]


def test_rejection_has_a_reason_and_an_acceptance_has_none(
    dataset: TrainingDataset, sample: UUID, second_admin: Person
) -> None:
    for decision in (SampleVerify(verified=False), SampleVerify(rejection_reason="x")):
        with pytest.raises(Invalid, match="rejection_reason"), transaction() as session:
            reviews.verify(session, second_admin.actor, dataset.id, sample, decision)
    with transaction() as session:
        view = reviews.verify(session, second_admin.actor, dataset.id, sample, REJECTED)
    assert (view.is_verified, view.rejection_reason) == (False, "blurred")
    with pytest.raises(IllegalTransition), transaction() as session:
        reviews.verify(session, second_admin.actor, dataset.id, sample, SampleVerify())


def test_decision_for_several_is_for_all_or_none(
    dataset: TrainingDataset, super_admin: Person, second_admin: Person
) -> None:
    theirs = make_samples(dataset, 3, super_admin)
    stranger = make_samples(make_dataset(super_admin), 1, super_admin)
    with pytest.raises(NotFound), transaction() as session:
        reviews.verify_many(session, second_admin.actor, dataset.id, SamplesVerify(sample_ids=[*theirs, *stranger]))
    with transaction() as session:
        assert counts(session, dataset.id) == ((3, 3, 0), (3, 3, 0))
        done = reviews.verify_many(session, second_admin.actor, dataset.id, SamplesVerify(sample_ids=theirs * 2))
        assert done.count == 3
        assert counts(session, dataset.id) == ((3, 3, 3), (3, 3, 3))


def test_counts_are_right_after_eight_people_labelled_at_once(
    dataset: TrainingDataset, super_admin: Person, second_admin: Person
) -> None:
    ids = make_samples(dataset, 8, super_admin)

    def work(number: int) -> None:
        person = (super_admin, second_admin)[number % 2].actor
        for turn in range(6):
            sample = ids[(number + turn) % 8]
            with transaction() as session:
                change = (ONE, SampleUpdate(labels=None), ZERO)[(number + turn) % 3]
                samples.update(session, person, dataset.id, sample, change)
        with transaction() as session:
            samples.delete(session, person, dataset.id, ids[number]) if number == 7 else None

    outcomes = together(*(lambda n=n: work(n) for n in range(8)))
    refused = [error for error in outcomes if error is not None and not isinstance(error, NotFound)]
    assert not refused
    with transaction() as session:
        kept, true = counts(session, dataset.id)
    assert kept == true
    assert kept[0] == 7


def test_archived_dataset_is_not_changed(
    dataset: TrainingDataset, sample: UUID, super_admin: Person, second_admin: Person
) -> None:
    with transaction() as session:
        datasets.update(session, super_admin.actor, dataset.id, DatasetUpdate(status="archived"))
    for change in (
        lambda s: samples.update(s, super_admin.actor, dataset.id, sample, ONE),
        lambda s: reviews.verify(s, second_admin.actor, dataset.id, sample, SampleVerify()),
        lambda s: samples.delete(s, super_admin.actor, dataset.id, sample),
    ):
        with pytest.raises(Conflict, match="archived"), transaction() as session:
            change(session)


def test_classes_cannot_change_under_labels(dataset: TrainingDataset, sample: UUID, super_admin: Person) -> None:
    schema = {"classes": [{"name": "a"}, {"name": "b"}]}
    with pytest.raises(Conflict, match="labelled with the present classes"), transaction() as session:
        datasets.update(session, super_admin.actor, dataset.id, DatasetUpdate(label_schema=schema))
    with transaction() as session:
        samples.update(session, super_admin.actor, dataset.id, sample, SampleUpdate(labels=None))
        view = datasets.update(session, super_admin.actor, dataset.id, DatasetUpdate(label_schema=schema))
    assert [c["name"] for c in view.label_schema["classes"]] == ["a", "b"]


def test_class_balance_counts_every_class_of_the_schema(super_admin: Person, second_admin: Person) -> None:
    dataset = make_dataset(super_admin)
    make_samples(dataset, 1, super_admin)
    with transaction() as session:
        assert samples.class_counts(session, second_admin.actor, dataset.id) == {"zero": 1, "one": 0}


def test_class_balance_of_another_organization_does_not_exist(super_admin: Person, enterprise_admin: Person) -> None:
    other = make_organization("Elsewhere Ltd", Plan.ENTERPRISE)
    dataset = make_dataset(super_admin, organization_id=other)
    with transaction() as session, pytest.raises(NotFound):
        samples.class_counts(session, enterprise_admin.actor, dataset.id)
