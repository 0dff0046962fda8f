"""Review: decisions that are kept, the place that a rejection means, and who may decide about an own label."""

from uuid import UUID

import pytest
from sqlmodel import col, select

from app.errors import Forbidden, Invalid, PreconditionFailed
from app.infra.db import transaction
from app.schemas.samples import SamplesVerify, SampleUpdate, SampleVerify, SampleView
from app.services import etags, reviews, samples
from app.tables import ReviewDecision, SampleAnnotation, TrainingDataset, TrainingSample
from tests.support.people import Person
from tests.support.records import make_dataset, make_samples


@pytest.fixture
def dataset(super_admin: Person) -> TrainingDataset:
    return make_dataset(super_admin)


@pytest.fixture
def sample(dataset: TrainingDataset, super_admin: Person) -> UUID:
    """Labelled by the super admin, 16×16 pixels."""
    made = make_samples(dataset, 1, super_admin)[0]
    with transaction() as session:
        session.get_one(TrainingSample, made).sqlmodel_update({"width": 16, "height": 16})
    return made


def kept(sample: UUID) -> list[ReviewDecision]:
    with transaction() as session:
        query = select(ReviewDecision).where(ReviewDecision.sample_id == sample)
        return list(session.exec(query.order_by(col(ReviewDecision.created_at))))


def rejection(**given: object) -> SampleVerify:
    return SampleVerify.model_validate({"verified": False, "rejection_reason": "cut off", **given})


def test_decision_keeps_what_it_was_about_whatever_is_labelled_later(
    dataset: TrainingDataset, sample: UUID, super_admin: Person, second_admin: Person
) -> None:
    with transaction() as session:
        judged = session.get_one(TrainingSample, sample).labels
        reviews.verify(session, second_admin.actor, dataset.id, sample, rejection(region=[2, 3, 4.5, 5]))
    again = SampleUpdate.model_validate({"labels": {"class": "zero" if judged["class"] == "one" else "one"}})
    with transaction() as session:
        samples.update(session, super_admin.actor, dataset.id, sample, again)
        reviews.verify(session, second_admin.actor, dataset.id, sample, SampleVerify())
    first, second = kept(sample)
    assert (first.decision, first.reason, first.region, first.labels) == ("rejected", "cut off", [2, 3, 4.5, 5], judged)
    assert (second.decision, second.reason, second.region) == ("accepted", None, None)
    assert second.labels != judged
    assert {first.author_id, second.author_id} == {super_admin.id}
    assert {first.reviewer_id, second.reviewer_id} == {second_admin.id}


@pytest.mark.parametrize("region", [[10, 0, 7, 1], [0, 16, 1, 1]])
def test_region_lies_in_the_picture(
    dataset: TrainingDataset, sample: UUID, second_admin: Person, region: list[float]
) -> None:
    with pytest.raises(Invalid, match="16×16"), transaction() as session:
        reviews.verify(session, second_admin.actor, dataset.id, sample, rejection(region=region))
    assert kept(sample) == []


@pytest.mark.parametrize("region", ["[0,0,0,1]", "[-1,0,2,2]", "[0,0,1]", "[0,0,1,NaN]", '["0",0,1,1]', "[0,0,1,1e9]"])
def test_region_has_four_numbers_and_an_area(region: str) -> None:
    SampleVerify.model_validate_json(f'{{"verified": false, "rejection_reason": "cut off", "region": {[0, 0, 1, 1]}}}')
    with pytest.raises(ValueError, match="region"):
        SampleVerify.model_validate_json(f'{{"verified": false, "rejection_reason": "cut off", "region": {region}}}')


def test_decision_is_about_the_label_that_was_seen(
    dataset: TrainingDataset, sample: UUID, super_admin: Person, second_admin: Person
) -> None:
    with transaction() as session:
        seen = etags.etag(SampleView.model_validate(session.get_one(TrainingSample, sample)))
        other = SampleUpdate.model_validate({"labels": {"class": "one"}})
        samples.update(session, super_admin.actor, dataset.id, sample, other)
    with pytest.raises(PreconditionFailed), transaction() as session:
        reviews.verify(session, second_admin.actor, dataset.id, sample, SampleVerify(), frozenset({seen}))
    assert kept(sample) == []


def test_own_label_is_verified_only_where_the_dataset_says_so(
    dataset: TrainingDataset, sample: UUID, super_admin: Person
) -> None:
    with pytest.raises(Forbidden, match="another person"), transaction() as session:
        reviews.verify(session, super_admin.actor, dataset.id, sample, SampleVerify())
    with transaction() as session:
        session.get_one(TrainingDataset, dataset.id).single_person_review = True
    with transaction() as session:
        view = reviews.verify(session, super_admin.actor, dataset.id, sample, SampleVerify())
    assert (view.labeled_by, view.verified_by) == (super_admin.id, super_admin.id)


def test_one_decision_about_many_is_kept_for_each(
    dataset: TrainingDataset, super_admin: Person, second_admin: Person
) -> None:
    made = make_samples(dataset, 3, super_admin)
    with transaction() as session:
        reviews.verify_many(session, second_admin.actor, dataset.id, SamplesVerify(sample_ids=made))
    assert [[decision.decision for decision in kept(one)] for one in made] == [["accepted"]] * 3


def test_fixed_label_is_accepted_and_keeps_its_author(
    dataset: TrainingDataset, sample: UUID, super_admin: Person, second_admin: Person
) -> None:
    fix = SampleVerify.model_validate({"fix": {"labels": {"class": "one"}}})
    with transaction() as session:
        view = reviews.verify(session, second_admin.actor, dataset.id, sample, fix)
    assert (view.labels, view.is_verified) == ({"class": "one"}, True)
    assert (view.labeled_by, view.verified_by) == (super_admin.id, second_admin.id)
    [decision] = kept(sample)
    assert (decision.decision, decision.labels, decision.fixed_labels) == (
        "fixed", {"class": "zero"}, {"class": "one"},
    )  # fmt: skip
    with transaction() as session:
        said = session.exec(select(SampleAnnotation).where(SampleAnnotation.annotator_id == second_admin.id)).all()
    assert said == [], "a fix is a decision of the reviewer, not an opinion that was asked for"


@pytest.mark.parametrize(
    "wrong",
    [
        {"fix": {"labels": {"class": "seven"}}},
        {"fix": {}},
        {"fix": {"labels": {"class": "one"}}, "verified": False, "rejection_reason": "cut off"},
    ],
)
def test_fix_is_a_label_that_fits_and_is_accepted(
    dataset: TrainingDataset, sample: UUID, second_admin: Person, wrong: dict[str, object]
) -> None:
    with pytest.raises(Invalid), transaction() as session:
        reviews.verify(session, second_admin.actor, dataset.id, sample, SampleVerify.model_validate(wrong))
    assert kept(sample) == []
