"""/datasets/[id]/review: decide about one label after the other, by mouse and by keys."""

import re
from uuid import UUID, uuid4

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sqlmodel import col, select

from app.domain.permissions import Role
from app.infra.db import transaction
from app.infra.object_store import get_object_store
from app.schemas.samples import SampleVerify
from app.services import reviews
from app.tables import ReviewDecision, TrainingDataset, TrainingSample
from tests.browser.web_process import Web
from tests.support import people
from tests.support.images import png
from tests.support.people import PASSWORD, Person
from tests.support.records import make_dataset, make_samples

BOXES = {
    "task": "detection",
    "classes": [{"name": "valve", "color": "#3e63dd"}, {"name": "pump", "color": "#30a46c"}],
}
BOX = [{"id": "b1", "class": "valve", "box": [10, 10, 50, 25], "attributes": {}}]


@pytest.fixture(scope="module")
def ben(web: Web) -> Person:
    return people.make_person("Ben Author", Role.SUPER_ADMIN)


@pytest.fixture
def as_ada(page: Page, context: BrowserContext, web_url: str, ada: Person) -> Page:
    body = {"email": ada.email, "password": PASSWORD}
    assert context.request.post(f"{web_url}/api/v1/auth/sign-in", data=body).ok
    return page


def with_pictures(dataset: TrainingDataset, samples: list[UUID], **columns: object) -> None:
    """Give each of `samples` a picture of 200 × 100 pixels of its own."""
    store = get_object_store()
    for number, sample in enumerate(samples):
        key = f"datasets/{dataset.id}/{uuid4()}.png"
        store.put_bytes(key, png(number, (200, 100)))
        with transaction() as session:
            row = session.get_one(TrainingSample, sample)
            row.sqlmodel_update({"file_url": store.url(key), "width": 200, "height": 100, **columns})


@pytest.fixture
def digits(ada: Person, ben: Person) -> tuple[TrainingDataset, list[UUID]]:
    dataset = make_dataset(ada)
    samples = make_samples(dataset, 3, ben)
    with_pictures(dataset, samples)
    return dataset, samples


def decided(dataset: TrainingDataset) -> list[ReviewDecision]:
    with transaction() as session:
        query = select(ReviewDecision).where(ReviewDecision.dataset_id == dataset.id)
        return list(session.exec(query.order_by(col(ReviewDecision.created_at))))


def test_keys_accept_and_put_right_and_the_next_label_follows(
    as_ada: Page, digits: tuple[TrainingDataset, list[UUID]], ada: Person, ben: Person
) -> None:
    dataset, _ = digits
    as_ada.goto(f"/datasets/{dataset.id}/review")
    expect(as_ada.get_by_test_id("queued")).to_have_count(3)
    as_ada.keyboard.press("a")
    expect(as_ada.get_by_test_id("queued")).to_have_count(2)
    was = as_ada.get_by_test_id("label").inner_text()
    as_ada.keyboard.press("f")
    as_ada.locator("select[name=class]").select_option("one" if was == "zero" else "zero")
    as_ada.get_by_test_id("form-submit").click()
    expect(as_ada.get_by_test_id("queued")).to_have_count(1)
    first, second = decided(dataset)
    assert (first.decision, second.decision) == ("accepted", "fixed")
    assert (second.labels, second.author_id, second.reviewer_id) == ({"class": was}, ben.id, ada.id)


def test_rejection_takes_its_reason_and_the_place_that_was_dragged(
    as_ada: Page, digits: tuple[TrainingDataset, list[UUID]]
) -> None:
    dataset, _ = digits
    as_ada.goto(f"/datasets/{dataset.id}/review")
    overlay = as_ada.get_by_test_id("review-overlay")
    expect(overlay).to_have_attribute("viewBox", re.compile("^0 0 200 "))
    expect(as_ada.get_by_test_id("queued")).to_have_count(3)
    overlay.hover()  # waits until it moves no more
    area = overlay.bounding_box()
    assert area is not None
    scale = area["width"] / 200
    as_ada.mouse.move(area["x"] + 20 * scale, area["y"] + 10 * scale)
    as_ada.mouse.down()
    as_ada.mouse.move(area["x"] + 80 * scale, area["y"] + 50 * scale, steps=4)
    as_ada.mouse.up()
    expect(as_ada.get_by_test_id("review-region")).to_be_visible()
    as_ada.get_by_test_id("reject").click()
    as_ada.get_by_test_id("form-submit").click()
    expect(as_ada.get_by_test_id("error")).to_contain_text("Say why")
    as_ada.locator("textarea[name=reason]").fill("half a digit")
    as_ada.get_by_test_id("form-submit").click()
    expect(as_ada.get_by_test_id("queued")).to_have_count(2)
    [decision] = decided(dataset)
    assert (decision.decision, decision.reason) == ("rejected", "half a digit")
    assert decision.region == pytest.approx([20, 10, 60, 40], abs=2)


def test_boxes_lie_where_they_are_in_the_picture(as_ada: Page, ada: Person, ben: Person) -> None:
    dataset = make_dataset(ada, label_schema=BOXES)
    samples = make_samples(dataset, 1, ben)
    boxes = [{"id": "b1", "class": "valve", "box": [100, 50, 50, 25], "attributes": {}}]
    with_pictures(dataset, samples, labels={}, annotations=boxes)
    as_ada.goto(f"/datasets/{dataset.id}/review")
    box = as_ada.get_by_test_id("review-box").locator("rect")
    expect(box).to_have_count(1)
    expect(as_ada.get_by_test_id("label")).to_have_text("valve × 1")
    inside, area = box.bounding_box(), as_ada.get_by_test_id("review-overlay").bounding_box()
    assert inside is not None
    assert area is not None
    assert (inside["x"] - area["x"]) / area["width"] == pytest.approx(0.5, abs=0.02)
    assert (inside["y"] - area["y"]) / area["height"] == pytest.approx(0.5, abs=0.02)


def test_label_that_was_changed_meanwhile_is_not_decided_about(
    as_ada: Page, digits: tuple[TrainingDataset, list[UUID]]
) -> None:
    dataset, samples = digits
    as_ada.goto(f"/datasets/{dataset.id}/review")
    expect(as_ada.get_by_test_id("queued")).to_have_count(3)
    with transaction() as session:
        for sample in samples:
            row = session.get_one(TrainingSample, sample)
            row.labels = {"class": "one" if row.labels["class"] == "zero" else "zero"}
    as_ada.get_by_test_id("accept").click()
    expect(as_ada.get_by_test_id("notice")).to_contain_text("Somebody changed this")
    assert decided(dataset) == []


def test_own_labels_wait_until_one_person_may_review(as_ada: Page, ada: Person) -> None:
    dataset = make_dataset(ada)
    with_pictures(dataset, make_samples(dataset, 2, ada))
    as_ada.goto(f"/datasets/{dataset.id}/review")
    expect(as_ada.get_by_text("2 labels of your own wait for somebody else")).to_be_visible()
    as_ada.get_by_test_id("single").click()
    as_ada.get_by_test_id("confirm-single-yes").click()
    expect(as_ada.get_by_test_id("queued")).to_have_count(2)
    as_ada.get_by_test_id("two-people").click()
    expect(as_ada.get_by_test_id("queued")).to_have_count(0)


def test_truth_is_planted_and_forgotten(as_ada: Page, ada: Person, ben: Person) -> None:
    dataset = make_dataset(ada)
    make_samples(dataset, 3, ben, ada)
    as_ada.goto(f"/datasets/{dataset.id}/review")
    expect(as_ada.get_by_test_id("planted")).to_have_text("0")
    as_ada.get_by_test_id("plant").click()
    as_ada.locator("input[name=count]").fill("2")
    as_ada.get_by_test_id("form-submit").click()
    expect(as_ada.get_by_test_id("planted")).to_have_text("2")
    as_ada.get_by_test_id("forget").click()
    as_ada.get_by_test_id("confirm-forget-yes").click()
    expect(as_ada.get_by_test_id("planted")).to_have_text("0")


def test_boxes_are_put_right_in_the_editor_and_accepted_with_it(as_ada: Page, ada: Person, ben: Person) -> None:
    dataset = make_dataset(ada, label_schema=BOXES)
    samples = make_samples(dataset, 2, ben)
    with_pictures(dataset, samples, labels={}, annotations=BOX)
    as_ada.goto(f"/datasets/{dataset.id}/review")
    as_ada.get_by_test_id("fix-in-editor").click()
    editor = as_ada.get_by_test_id("label-editor")
    expect(editor).to_have_attribute("data-lease", "held", timeout=60_000)
    first = UUID(editor.get_attribute("data-sample"))
    expect(as_ada.get_by_test_id("label-review")).to_be_visible()
    as_ada.get_by_test_id("label-box").click()
    as_ada.keyboard.press("Delete")
    expect(as_ada.get_by_test_id("label-count")).to_have_text("0")
    as_ada.get_by_test_id("sample.saveNext").click()
    expect(editor).not_to_have_attribute("data-sample", str(first))
    as_ada.get_by_test_id("sample.save").click()
    expect(as_ada.get_by_test_id("label-saved")).to_have_text("Verified")
    fixed, accepted = decided(dataset)
    assert (fixed.sample_id, fixed.decision, fixed.fixed_annotations) == (first, "fixed", [])
    assert (accepted.decision, accepted.fixed_annotations) == ("accepted", None)
    with transaction() as session:
        row = session.get_one(TrainingSample, first)
        assert (row.annotations, row.labeled_by, row.verified_by) == ([], ben.id, ada.id)


def test_author_sees_the_place_that_a_rejection_means(as_ada: Page, ada: Person, ben: Person) -> None:
    dataset = make_dataset(ada)
    [sample] = make_samples(dataset, 1, ada)
    with_pictures(dataset, [sample])
    wrong = SampleVerify(verified=False, rejection_reason="half a digit", region=(20, 10, 60, 40))
    with transaction() as session:
        reviews.verify(session, ben.actor, dataset.id, sample, wrong)
    as_ada.goto(f"/datasets/{dataset.id}/review")
    as_ada.get_by_test_id("returned").click()
    expect(as_ada.get_by_test_id("label-rejected")).to_contain_text("half a digit", timeout=60_000)
    place, image = as_ada.get_by_test_id("label-meant"), as_ada.get_by_test_id("label-image").locator("img")
    expect(place).to_be_visible()
    inside, area = place.bounding_box(), image.bounding_box()
    assert inside is not None
    assert area is not None
    assert (inside["x"] - area["x"]) / area["width"] == pytest.approx(0.1, abs=0.01)
    assert inside["height"] / area["height"] == pytest.approx(0.4, abs=0.02)
