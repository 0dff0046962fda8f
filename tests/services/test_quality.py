"""The quality report says what the answers in the database say, whoever asks."""

import threading
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sklearn.metrics import cohen_kappa_score
from sqlmodel import col, select, update

from app.domain.permissions import Role
from app.errors import Invalid, NotFound
from app.infra.db import transaction
from app.schemas.quality import NOTHING, QualityFilter
from app.services import quality
from app.tables import SampleAnnotation, TrainingDataset, TrainingSample
from app.tables.base import utcnow
from tests.support import people
from tests.support.answers import ADA, BOB, answer, behind, dataset_of, report, verified
from tests.support.people import Person
from tests.support.records import make_unlabelled


def test_the_report_holds_what_the_answers_say(
    animals: Any, super_admin: Person, second_admin: Person, third_admin: Person
) -> None:
    dataset, _ = animals
    found = report(super_admin, dataset)
    assert (found.samples, found.compared, found.opinions, found.referenced) == (8, 8, 22, 0)
    assert found.is_complete
    assert {(pair.first, pair.second) for pair in found.pairs} == {
        (third_admin.id, super_admin.id),
        (third_admin.id, second_admin.id),
        (super_admin.id, second_admin.id),
    }
    pair = next(p for p in found.pairs if {p.first, p.second} == {super_admin.id, second_admin.id})
    both = [(a, b) for a, b in zip(ADA, BOB, strict=True) if a and b]
    assert pair.kappa.value == pytest.approx(cohen_kappa_score(*zip(*both, strict=True)))
    assert (pair.same.value, pair.same.samples) == (pytest.approx(4 / 6), 6)
    assert pair.kappa.low is not None
    assert [entry.name for entry in found.classes] == ["cat", "dog", "hen"]
    assert {one.annotator_id: (one.opinions, one.name) for one in found.annotators} == {
        super_admin.id: (7, "Ada Admin"),
        second_admin.id: (7, "Bob Admin"),
        third_admin.id: (8, "Cy Admin"),
    }


def test_the_confusion_of_two_says_who_said_what(animals: Any, super_admin: Person, second_admin: Person) -> None:
    dataset, _ = animals
    of_two = report(super_admin, dataset, annotator=super_admin.id, other=second_admin.id).confusion
    assert of_two is not None
    assert (of_two.rows, of_two.columns) == (str(super_admin.id), str(second_admin.id))
    assert of_two.labels == ["cat", "dog", "hen"]
    assert of_two.matrix == [[1, 1, 0], [0, 2, 0], [1, 0, 1]]
    turned = report(super_admin, dataset, annotator=second_admin.id, other=super_admin.id).confusion
    assert turned is not None
    assert turned.matrix == [list(column) for column in zip(*of_two.matrix, strict=True)]
    everybody = report(super_admin, dataset).confusion
    assert everybody is not None
    assert everybody.matrix == [list(column) for column in zip(*everybody.matrix, strict=True)], "whoever was who"


def test_one_class_is_measured_against_all_others(animals: Any, super_admin: Person, second_admin: Person) -> None:
    dataset, _ = animals
    found = report(super_admin, dataset, label="dog", annotator=super_admin.id, other=second_admin.id)
    assert [entry.name for entry in found.classes] == ["dog"]
    assert found.alpha == found.classes[0].alpha
    both = [(a == "dog", b == "dog") for a, b in zip(ADA, BOB, strict=True) if a and b]
    assert [pair.kappa.value for pair in found.pairs] == [pytest.approx(cohen_kappa_score(*zip(*both, strict=True)))]
    assert {one.annotator_id for one in found.annotators} == {super_admin.id, second_admin.id}


def test_accuracy_counts_labels_that_somebody_else_verified(
    animals: Any, super_admin: Person, second_admin: Person, third_admin: Person
) -> None:
    dataset, ids = animals
    truth = ["cat", "cat", "dog", "hen"]
    verified(dataset, ids[:4], super_admin, second_admin, truth)
    found = report(super_admin, dataset)
    assert found.referenced == 4
    scores = {one.annotator_id: one.accuracy for one in found.annotators}
    assert scores[second_admin.id] is None, "nobody is measured against what they verified"
    ada, cy = scores[super_admin.id], scores[third_admin.id]
    assert ada is not None
    assert cy is not None
    assert (ada.score.value, ada.score.samples) == (0.75, 4)
    assert cy.score.value == 1.0
    assert 0.3 < (cy.score.low or 0) < 0.6, "four right ones of four prove little"
    assert found.against_reference is not None
    assert found.against_reference.rows == "reference"
    assert found.against_reference.matrix[2][1] == 1, "one hen was taken for a dog"
    wrong = behind(super_admin, dataset, against="verified", annotator=super_admin.id)
    assert [(item.id, item.said[0].said, item.said[0].seen_as) for item in wrong.items] == [(ids[3], "dog", "hen")]
    cell = behind(super_admin, dataset, against="verified", label="hen", seen_as="dog")
    assert [item.id for item in cell.items] == [ids[3]]


def test_boxes_are_matched_and_missed_ones_are_nothing(
    super_admin: Person, second_admin: Person, third_admin: Person
) -> None:
    dataset = dataset_of(super_admin, "detection")
    ids = sorted(make_unlabelled(dataset, 3))
    here, near, there = [10.0, 10, 30, 30], [12.0, 10, 30, 30], [60.0, 10, 20, 20]
    answer(dataset, ids, super_admin, [[("cat", here), ("dog", there)], [("cat", here)], []])
    answer(dataset, ids, second_admin, [[("cat", near)], [("hen", near)], []])
    found = report(super_admin, dataset)
    (pair,) = found.pairs
    assert (pair.same.value, pair.same.items, pair.same.samples) == (pytest.approx(1 / 3), 3, 3)
    assert pair.found is not None
    assert pair.found.value == pytest.approx(2 * 1 / (3 + 2))
    assert pair.overlap is not None
    assert pair.overlap.value == pytest.approx(28 / 32)
    assert found.confusion is not None
    assert found.confusion.labels[-1] == NOTHING
    assert found.overlap_from == 0.5
    missed = behind(super_admin, dataset, label="dog", seen_as=NOTHING)
    assert [item.id for item in missed.items] == [ids[0]]
    assert {item.id for item in behind(super_admin, dataset, label="hen").items} == {ids[1]}


def test_boxes_are_the_same_object_from_the_overlap_that_the_dataset_says(
    super_admin: Person, second_admin: Person
) -> None:
    strict = dataset_of(super_admin, "detection", consensus_iou="0.9")
    ids = make_unlabelled(strict, 1)
    answer(strict, ids, super_admin, [[("cat", [10.0, 10, 30, 30])]])
    answer(strict, ids, second_admin, [[("cat", [12.0, 10, 30, 30])]])
    (pair,) = report(super_admin, strict).pairs
    assert (pair.same.value, pair.same.items) == (0.0, 2)


def test_several_labels_are_compared_class_by_class(super_admin: Person, second_admin: Person) -> None:
    dataset = dataset_of(super_admin, "multilabel")
    ids = sorted(make_unlabelled(dataset, 3))
    answer(dataset, ids, super_admin, [["cat", "dog"], ["cat"], []])
    answer(dataset, ids, second_admin, [["cat"], ["cat"], ["hen"]])
    found = report(super_admin, dataset)
    (pair,) = found.pairs
    assert pair.same.value == pytest.approx(7 / 9)
    assert {item.id for item in behind(super_admin, dataset).items} == {ids[0], ids[2]}
    assert [item.id for item in behind(super_admin, dataset, label="hen", seen_as=NOTHING).items] == [ids[2]]


def test_a_class_that_is_gone_is_counted_as_gone(super_admin: Person, second_admin: Person) -> None:
    dataset = dataset_of(super_admin)
    ids = make_unlabelled(dataset, 2)
    answer(dataset, ids, super_admin, ["cow", "cat"])
    answer(dataset, ids, second_admin, ["cat", "cat"])
    found = report(super_admin, dataset)
    assert found.pairs[0].same.value == 0.5
    assert found.confusion is not None
    assert "(no class any more)" in found.confusion.labels


def test_one_annotator_alone_has_nothing_to_agree_with(super_admin: Person) -> None:
    dataset = dataset_of(super_admin)
    answer(dataset, make_unlabelled(dataset, 2), super_admin, ["cat", "dog"])
    found = report(super_admin, dataset)
    assert (found.samples, found.compared, found.pairs, found.confusion) == (2, 0, [], None)
    assert (found.alpha.value, found.annotators[0].kappa) == (None, None)
    assert report(super_admin, dataset_of(super_admin)).samples == 0


def test_pace_is_the_gap_between_labels_without_pauses_and_imports(super_admin: Person) -> None:
    dataset = dataset_of(super_admin)
    ids = make_unlabelled(dataset, 7)
    start = utcnow() - timedelta(hours=1)
    for number, seconds in enumerate((0, 0, 10, 30, 34, 2000, 2008)):
        moment = start + timedelta(seconds=seconds)
        answer(dataset, ids[number : number + 1], super_admin, ["cat"], created_at=moment, updated_at=moment)
    (one,) = report(super_admin, dataset).annotators
    assert (one.pace.median, one.pace.samples) == (9.0, 4)


def test_weeks_tell_how_it_changed(animals: Any, super_admin: Person, second_admin: Person) -> None:
    dataset, ids = animals
    long_ago = utcnow() - timedelta(weeks=2)
    with transaction() as session:
        session.exec(  # type: ignore[call-overload]
            update(SampleAnnotation)
            .where(col(SampleAnnotation.sample_id).in_(ids[:4]))
            .values(created_at=long_ago, updated_at=long_ago)
        )
    found = report(super_admin, dataset)
    assert [week.alpha.samples if week.alpha else 0 for week in found.weeks] == [4, 4]
    assert found.weeks[0].starts.weekday() == 0
    assert sum(one.opinions for one in found.weeks[0].annotators) == 12
    recent = report(super_admin, dataset, since=utcnow() - timedelta(weeks=1))
    assert (recent.samples, len(recent.weeks)) == (4, 1)


def test_a_withdrawn_sample_is_not_measured(animals: Any, super_admin: Person) -> None:
    dataset, ids = animals
    with transaction() as session:
        row = session.get_one(TrainingSample, ids[1])
        row.sqlmodel_update({"withdrawn_at": utcnow(), "withdrawn_by": super_admin.id, "withdrawal_reason": "asked"})
    assert report(super_admin, dataset).samples == 7
    assert ids[1] not in {item.id for item in behind(super_admin, dataset).items}


def test_who_may_not_see_accounts_sees_no_names(animals: Any, enterprise_admin: Person) -> None:
    dataset, _ = animals
    found = report(enterprise_admin, dataset)
    assert [one.name for one in found.annotators] == [None, None, None]


def test_other_organizations_have_no_such_dataset(
    super_admin: Person, second_admin: Person, enterprise_admin: Person
) -> None:
    other = people.make_organization("Others Ltd")
    dataset = dataset_of(super_admin, organization_id=other)
    with pytest.raises(NotFound):
        report(enterprise_admin, dataset)
    with pytest.raises(NotFound):
        behind(enterprise_admin, dataset)


def test_what_makes_no_sense_is_refused(animals: Any, super_admin: Person, second_admin: Person) -> None:
    dataset, _ = animals
    for wanted in ({"label": "cow"}, {"other": 1}, {"annotator": 1, "other": 1}):
        with pytest.raises(Invalid):
            report(super_admin, dataset, **wanted)
        with pytest.raises(Invalid):
            behind(super_admin, dataset, **wanted)
    with pytest.raises(Invalid):
        behind(super_admin, dataset, seen_as="cat")


def test_labelling_goes_on_while_it_is_measured(animals: Any, super_admin: Person, second_admin: Person) -> None:
    """The second query of a report must not see what was said after its first one."""
    dataset, ids = animals
    with transaction() as session:
        quality.hold_still(session)
        session.exec(select(TrainingDataset.id)).first()
        stranger = people.make_person("Zoe Late", Role.SUPER_ADMIN)
        done = threading.Thread(target=answer, args=(dataset, ids[:1], stranger, ["cat"]))
        done.start()
        done.join(30)
        found = quality.report_of(session, super_admin.actor, dataset.id, QualityFilter())
    assert (found.samples, found.opinions) == (8, 22)
    assert stranger.id not in {one.annotator_id for one in found.annotators}
    assert report(super_admin, dataset).opinions == 23


def test_only_so_many_samples_are_measured(animals: Any, super_admin: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset, _ = animals
    monkeypatch.setattr("app.services.quality_measure.MOST_SAMPLES", 5)
    found = report(super_admin, dataset)
    assert (found.samples, found.is_complete) == (5, False)
    assert not report(super_admin, dataset, annotator=2**30).pairs


def test_there_is_no_such_dataset(super_admin: Person) -> None:
    with transaction() as session, pytest.raises(NotFound):
        quality.report(session, super_admin.actor, uuid4(), QualityFilter())
