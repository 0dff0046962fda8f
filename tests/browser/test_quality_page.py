"""/datasets/[id]/quality: figures with intervals, each of which opens its samples, and words for beginners."""

import re
from collections.abc import Callable
from uuid import UUID

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from app.domain.permissions import Role
from app.infra.db import transaction
from app.schemas.ground_truth import GroundTruthPlant, KnownTruth
from app.services import ground_truth
from app.tables import TrainingDataset
from tests.support import people
from tests.support.answers import answer, dataset_of, make_animals, verified
from tests.support.people import PASSWORD, Person
from tests.support.records import make_unlabelled

SignIn = Callable[[Person], None]


@pytest.fixture(scope="module")
def animals(ada: Person, bob: Person) -> tuple[TrainingDataset, list[UUID]]:
    dataset, ids = make_animals(ada, bob, people.make_person("Cy Admin", Role.SUPER_ADMIN))
    verified(dataset, ids[:4], ada, bob, ["cat", "cat", "dog", "hen"])
    return dataset, ids


@pytest.fixture
def as_person(context: BrowserContext, web_url: str) -> SignIn:
    def sign_in(person: Person) -> None:
        body = {"email": person.email, "password": PASSWORD}
        answered = context.request.post("/api/v1/auth/sign-in", data=body, headers={"Origin": web_url})
        assert answered.ok, answered.text()

    return sign_in


def test_every_figure_is_explained_and_opens_its_samples(
    page: Page, as_person: SignIn, ada: Person, animals: tuple[TrainingDataset, list[UUID]]
) -> None:
    dataset, _ = animals
    as_person(ada)
    page.goto(f"/datasets/{dataset.id}")
    page.get_by_test_id("tab-quality").click()
    expect(page.get_by_test_id("agreement")).to_contain_text("8 samples labelled by 3 people")
    expect(page.get_by_test_id("verdict")).not_to_be_empty()
    expect(page.get_by_test_id("kappa-of-pairs").get_by_test_id("interval")).to_have_count(3)
    expect(page.get_by_test_id("accuracy").get_by_test_id("interval")).to_have_count(2)
    page.get_by_role("link", name="Ada Admin and Bob Admin: show the samples about which they differ").or_(
        page.get_by_role("link", name="Bob Admin and Ada Admin: show the samples about which they differ")
    ).click()
    panel = page.get_by_test_id("behind-panel")
    expect(panel.get_by_test_id("behind")).to_have_count(2)
    expect(panel).to_contain_text("differ")
    page.get_by_test_id("confusion").get_by_role("button", name="One said cat, the other dog: 2").first.click()
    expect(panel.get_by_test_id("behind")).to_have_count(1)
    expect(panel).to_contain_text(re.compile("(Ada|Cy) Admin: cat, Bob Admin: dog"))
    page.reload()
    expect(panel.get_by_test_id("behind")).to_have_count(1)
    panel.get_by_role("button", name="Close").click()
    expect(panel).to_have_count(0)


def test_planted_truth_measures_others_and_opens_no_sample(
    page: Page, as_person: SignIn, ada: Person, animals: tuple[TrainingDataset, list[UUID]]
) -> None:
    dataset, ids = animals
    as_person(ada)
    page.goto(f"/datasets/{dataset.id}/quality")
    page.get_by_test_id("measure-planted").click()
    expect(page.get_by_test_id("planted-section")).to_contain_text("Nobody can be measured yet")
    truths = [KnownTruth.model_validate({"sample_id": one, "labels": {"class": "cat"}}) for one in ids]
    with transaction() as session:
        ground_truth.plant(session, ada.actor, dataset.id, GroundTruthPlant(samples=truths))
    page.get_by_test_id("measure-planted").click()
    measured = page.get_by_test_id("planted")
    expect(measured.get_by_test_id("interval")).to_contain_text(["Cy Admin"])
    expect(measured).not_to_contain_text("Ada Admin")  # who planted it
    expect(measured.get_by_role("link")).to_have_count(0)


def test_one_annotator_is_told_what_to_do(page: Page, as_person: SignIn, ada: Person) -> None:
    dataset = dataset_of(ada)
    answer(dataset, make_unlabelled(dataset, 2), ada, ["cat", "dog"])
    as_person(ada)
    page.goto(f"/datasets/{dataset.id}/quality")
    expect(page.get_by_test_id("alone")).to_contain_text("Ask for several opinions per sample")
    page.goto(f"/datasets/{dataset_of(ada).id}/quality")
    expect(page.get_by_text("No labels to measure yet")).to_be_visible()


def test_the_page_measures_one_class_and_one_person_as_its_address_says(
    page: Page, as_person: SignIn, ada: Person, animals: tuple[TrainingDataset, list[UUID]]
) -> None:
    dataset, _ = animals
    as_person(ada)
    page.goto(f"/datasets/{dataset.id}/quality?label=dog")
    expect(page.get_by_test_id("alpha-of-classes").get_by_test_id("interval")).to_have_count(1)
    page.get_by_label("Person", exact=True).select_option(str(ada.id))
    expect(page).to_have_url(re.compile(rf"annotator={ada.id}"))
    expect(page.get_by_test_id("kappa-of-pairs").get_by_test_id("interval")).to_have_count(2)


def test_a_phone_scrolls_only_down(
    page: Page, as_person: SignIn, ada: Person, animals: tuple[TrainingDataset, list[UUID]]
) -> None:
    dataset, _ = animals
    page.set_viewport_size({"width": 390, "height": 844})
    as_person(ada)
    page.goto(f"/datasets/{dataset.id}/quality")
    expect(page.get_by_test_id("verdict")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    expect(page.get_by_test_id("tab-quality")).to_be_in_viewport(ratio=1)
