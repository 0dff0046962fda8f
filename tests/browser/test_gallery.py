"""The gallery of a dataset shows any number of samples, holds a few, and finds its place again."""

import re
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect
from sqlalchemy import text
from starlette.testclient import TestClient

from app.api.app import create_standalone
from app.infra.db import transaction
from app.infra.object_store import get_object_store
from app.tables import TrainingDataset
from tests.browser.web_process import Web
from tests.support import people
from tests.support.images import png
from tests.support.people import PASSWORD, Person
from tests.support.records import make_dataset

MANY = 5_000
ROWS = """
    INSERT INTO training_samples (id, dataset_id, file_url, file_type, file_size, sha256, width, height, labels,
        annotations, metadata, is_labeled, is_verified, labeled_by, thumbnail_url, created_at, updated_at)
    SELECT gen_random_uuid(), :dataset, :url, 'image', 100, lpad(to_hex(n), 64, '0'), 8, 8,
        CASE WHEN n % 2 = 0 THEN jsonb_build_object('class', 'zero') ELSE '{}' END, '[]',
        jsonb_build_object('file_name', 'IMG_' || n || '.png'), n % 2 = 0, false,
        CASE WHEN n % 2 = 0 THEN CAST(:person AS integer) END, :url, now() + n * interval '1 millisecond', now()
    FROM generate_series(1, :count) n
"""


@pytest.fixture
def large(web: Web, bob: Person) -> TrainingDataset:
    """5,000 samples of one picture, every second one labelled by Bob."""
    store = get_object_store()
    store.put_bytes("gallery/one.png", png(7), "image/png")
    dataset = make_dataset(bob, sample_count=MANY, labeled_count=MANY // 2, size_bytes=100 * MANY)
    values = {"dataset": dataset.id, "url": store.url("gallery/one.png"), "person": bob.id, "count": MANY}
    with transaction() as session:
        session.execute(text(ROWS), values)
    return dataset


@pytest.fixture
def opened(context: BrowserContext, page: Page, web: Web, ada: Person, large: TrainingDataset) -> Page:
    """Ada looks at the dataset."""
    body = {"email": ada.email, "password": PASSWORD}
    assert context.request.post(f"{web.url}/api/v1/auth/sign-in", data=body).ok
    page.goto(f"/datasets/{large.id}")
    expect(summary(page)).to_contain_text("of 5,000 samples")
    return page


def summary(page: Page) -> Locator:
    return page.get_by_test_id("gallery-summary")


def tile(page: Page, index: int) -> Locator:
    return page.locator(f'[data-testid=sample][data-index="{index}"]')


def scroll(page: Page, share: float) -> None:
    page.get_by_test_id("sample-box").evaluate(
        "(box, share) => { box.scrollTop = (box.scrollHeight - box.clientHeight) * share; }", share
    )


def held(page: Page) -> int:
    return page.get_by_test_id("sample").count()


def ids(person: Person, dataset: TrainingDataset, **query: Any) -> list[UUID]:
    """The API's list, in the process of the test."""
    client = TestClient(create_standalone(), headers={"Authorization": f"Bearer {people.make_token(person)}"})
    answer = client.get(f"/api/v1/training/datasets/{dataset.id}/samples", params=query)
    assert answer.status_code == 200, answer.text
    return [UUID(item["id"]) for item in answer.json()["items"]]


def test_scrolling_to_the_end_holds_a_few_tiles_at_any_time(opened: Page) -> None:
    before = opened.evaluate("performance.memory.usedJSHeapSize")
    most = 0
    for step in range(41):
        scroll(opened, step / 40)
        opened.wait_for_function("() => document.querySelectorAll('[data-testid=sample]').length > 20", timeout=20_000)
        most = max(most, held(opened))
    expect(tile(opened, MANY - 1)).to_be_visible()
    expect(summary(opened)).to_contain_text("–5,000 of 5,000 samples")
    assert most < 250
    assert opened.evaluate("performance.memory.usedJSHeapSize") - before < 40_000_000


def test_jump_into_the_middle_shows_what_is_there(opened: Page, ada: Person, large: TrainingDataset) -> None:
    scroll(opened, 0.5)
    middle = tile(opened, 2_500)
    expect(middle).to_be_visible()
    assert UUID(middle.get_attribute("data-id") or "") == ids(ada, large, position=2_500, limit=1)[0]


def test_gallery_is_walked_with_the_keyboard(opened: Page) -> None:
    listbox = opened.get_by_test_id("sample-grid")
    listbox.focus()
    opened.keyboard.press("End")
    expect(tile(opened, MANY - 1)).to_have_attribute("data-active", "true")
    opened.keyboard.press("ArrowLeft")
    expect(tile(opened, MANY - 2)).to_have_attribute("data-active", "true")
    opened.keyboard.press("Home")
    expect(tile(opened, 0)).to_have_attribute("data-active", "true")
    opened.keyboard.press("ArrowRight")
    opened.keyboard.press("Space")
    expect(tile(opened, 1)).to_have_attribute("aria-selected", "true")
    opened.keyboard.press("Enter")
    expect(opened.get_by_test_id("sample-dialog")).to_be_visible()
    opened.keyboard.press("Escape")
    expect(opened.get_by_test_id("sample-dialog")).not_to_be_visible()


def test_samples_picked_far_apart_are_verified_together(opened: Page) -> None:
    """Every second one, from the first on, is labelled."""
    tile(opened, 0).get_by_test_id("sample-select").click()
    scroll(opened, 0.5)
    tile(opened, 2_500).get_by_test_id("sample-select").click()
    expect(opened.get_by_text("2 picked")).to_be_visible()
    opened.get_by_test_id("verify").click()
    expect(opened.get_by_test_id("notice")).to_contain_text("2 samples verified")
    expect(tile(opened, 2_500)).to_have_attribute("data-status", "verified")


def test_what_waits_is_picked_up_to_the_limit_of_one_decision(opened: Page) -> None:
    opened.get_by_test_id("pick-all").click()
    expect(opened.get_by_text("500 picked")).to_be_visible()


def test_going_back_leads_to_where_one_was(opened: Page) -> None:
    scroll(opened, 0.5)
    expect(tile(opened, 2_500)).to_be_visible()
    opened.wait_for_function("() => (history.state?.sampleGallery?.index ?? 0) > 2000")
    opened.get_by_role("link", name="Datasets").first.click()
    expect(opened).to_have_url(re.compile(r"/datasets$"))
    opened.go_back()
    expect(tile(opened, 2_500)).to_be_visible()


def test_filters_stand_in_the_address_and_are_taken_away_one_by_one(opened: Page) -> None:
    opened.get_by_test_id("all-filters").click()
    opened.locator("input[name=q]").fill("IMG_1234")
    opened.get_by_test_id("form-submit").click()
    expect(summary(opened)).to_have_text("1 sample")
    expect(opened).to_have_url(re.compile(r"q=IMG_1234"))
    opened.reload()
    expect(opened.get_by_test_id("filter-chip")).to_have_text(["file name IMG_1234"])
    opened.get_by_test_id("filter-chip").click()
    expect(summary(opened)).to_contain_text("of 5,000 samples")
    opened.get_by_test_id("filter-status").select_option("verified")
    expect(opened.get_by_test_id("empty-state")).to_contain_text("No sample fits")


def test_what_others_do_appears_without_a_reload(opened: Page, ada: Person, large: TrainingDataset) -> None:
    first = ids(ada, large, limit=2)[1]
    expect(tile(opened, 1)).to_have_attribute("data-status", "unlabeled")
    client = TestClient(create_standalone(), headers={"Authorization": f"Bearer {people.make_token(ada)}"})
    body = {"labels": {"class": "one"}}
    assert client.put(f"/api/v1/training/datasets/{large.id}/samples/{first}", json=body).status_code == 200
    expect(tile(opened, 1)).to_have_attribute("data-status", "labeled")
    expect(tile(opened, 1)).to_contain_text("one")
