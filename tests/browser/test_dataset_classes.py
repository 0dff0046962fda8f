"""The page of a dataset's classes: what is there, and a change that is shown before it is made."""

from uuid import UUID

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sqlmodel import select

from app.infra.db import transaction
from app.schemas.samples import SampleUpdate
from app.services import samples
from app.tables import TrainingDataset, TrainingSample
from tests.support.people import PASSWORD, Person
from tests.support.records import make_dataset, make_unlabelled

STAGE = {"name": "stage", "type": "choice", "choices": ["young", "old"]}
CLASSES = [
    {"name": "RBC", "color": "#e5484d", "key": "r", "attributes": []},
    {"name": "WBC", "color": "#3e63dd", "key": "w", "attributes": [STAGE]},
    {"name": "Platelets", "color": "#ffb224", "key": None, "attributes": []},
]


@pytest.fixture
def dataset(ada: Person) -> TrainingDataset:
    """Two samples with boxes of each class."""
    made = make_dataset(ada, label_schema={"task": "detection", "classes": CLASSES})
    for sample in make_unlabelled(made, 2):
        drawn = [
            {"id": f"b{place}", "class": name, "box": [place * 9, 5, 8, 8]}
            for place, name in enumerate(("RBC", "RBC", "WBC", "Platelets"))
        ]
        with transaction() as session:
            request = SampleUpdate.model_validate({"annotations": drawn})
            samples.update(session, ada.actor, made.id, sample, request)
    return made


@pytest.fixture
def classes(page: Page, context: BrowserContext, web_url: str, ada: Person, dataset: TrainingDataset) -> Page:
    body = {"email": ada.email, "password": PASSWORD}
    assert context.request.post(f"{web_url}/api/v1/auth/sign-in", data=body).ok
    page.goto(f"/datasets/{dataset.id}/classes")
    expect(page.get_by_test_id("row")).to_have_count(3)
    return page


def stored(dataset_id: UUID) -> tuple[list[str], list[list[str]]]:
    with transaction() as session:
        row = session.get_one(TrainingDataset, dataset_id)
        found = session.exec(select(TrainingSample).where(TrainingSample.dataset_id == dataset_id)).all()
        names = [known["name"] for known in row.label_schema["classes"]]
        return names, [[box["class"] for box in sample.annotations] for sample in found]


def row_of(page: Page, name: str) -> str:
    return f'[data-row-id="{name}"]'


def test_page_shows_each_class_with_its_key_attributes_and_count(classes: Page) -> None:
    white = classes.locator(row_of(classes, "WBC"))
    for text in ("WBC", "w", "stage", "2"):
        expect(white).to_contain_text(text)
    expect(classes.locator(row_of(classes, "RBC"))).to_contain_text("4")
    expect(classes.get_by_test_id("tab-classes")).to_have_attribute("aria-current", "page")


def test_removal_shows_what_goes_and_only_then_is_made(classes: Page, dataset: TrainingDataset) -> None:
    classes.locator(row_of(classes, "Platelets")).get_by_test_id("remove-class").click()
    classes.get_by_test_id("form-submit").click()
    impact = classes.get_by_test_id("impact")
    expect(impact).to_contain_text("Platelets is removed: 2 boxes in 2 samples.")
    expect(impact).to_contain_text("2 opinions of people change with it.")
    assert stored(dataset.id)[0] == ["RBC", "WBC", "Platelets"]
    classes.get_by_test_id("impact-yes").click()
    expect(classes.get_by_test_id("notice")).to_contain_text("2 samples changed")
    expect(classes.get_by_test_id("row")).to_have_count(2)
    assert stored(dataset.id) == (["RBC", "WBC"], [["RBC", "RBC", "WBC"]] * 2)


def test_class_is_renamed_in_its_form_and_its_labels_follow(classes: Page, dataset: TrainingDataset) -> None:
    classes.locator(row_of(classes, "RBC")).get_by_test_id("edit-class").click()
    form = classes.get_by_test_id("form-dialog")
    form.locator("[name=name]").fill("Erythrocyte")
    form.locator("[name=attributes]").fill("cut: flag")
    classes.get_by_test_id("form-submit").click()
    expect(classes.get_by_test_id("impact")).to_contain_text("RBC becomes Erythrocyte: 4 boxes in 2 samples.")
    classes.get_by_test_id("impact-yes").click()
    expect(classes.locator(row_of(classes, "Erythrocyte"))).to_contain_text("cut")
    assert stored(dataset.id)[1][0][:2] == ["Erythrocyte", "Erythrocyte"]


def test_class_without_consequences_is_added_at_once(classes: Page, dataset: TrainingDataset) -> None:
    classes.get_by_test_id("new-class").click()
    form = classes.get_by_test_id("form-dialog")
    form.locator("[name=name]").fill("RBC")
    classes.get_by_test_id("form-submit").click()
    expect(form).to_contain_text("There is a class 'RBC' already")
    form.locator("[name=name]").fill("Parasite")
    classes.get_by_test_id("form-submit").click()
    expect(classes.get_by_test_id("row")).to_have_count(4)
    assert stored(dataset.id)[0][-1] == "Parasite"


def test_split_by_an_attribute_says_which_samples_go_back(classes: Page, dataset: TrainingDataset) -> None:
    classes.locator(row_of(classes, "WBC")).get_by_test_id("split-class").click()
    form = classes.get_by_test_id("form-dialog")
    form.locator("[name=attribute]").select_option("stage")
    form.locator("[name=into]").fill("Band: young\nSegmented: old")
    classes.get_by_test_id("form-submit").click()
    expect(classes.get_by_test_id("impact")).to_contain_text("2 samples go back to unlabelled.")
    classes.get_by_role("button", name="Cancel").click()
    expect(classes.get_by_test_id("impact")).to_have_count(0)
    assert stored(dataset.id)[0] == ["RBC", "WBC", "Platelets"]
