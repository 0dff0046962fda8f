"""Two people, or two tabs, at one sample: who has it is told, nothing is overwritten, nothing unsaved is lost."""

# A lease is ended in the database, so that no test waits for a minute to pass.

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import text

from app.infra.db import transaction
from tests.browser.conftest import Watched
from tests.browser.label_desk import Dataset, drag, ready, saved
from tests.browser.web_process import Web
from tests.support.people import Person


def test_draft_comes_back_after_the_tab_was_closed(
    sign_in: Callable[..., BrowserContext], context: BrowserContext, page: Page, ada: Person, detection: Dataset
) -> None:
    sign_in(ada)
    page.goto(detection.address())
    ready(page, detection.samples[0])
    drag(page, (20, 20), (100, 80))
    expect(page.get_by_test_id("label-saved")).to_have_attribute("data-is", "changed")
    page.close()
    again = Watched(context.new_page()).page
    again.goto(detection.address())
    ready(again, detection.samples[0])
    expect(again.get_by_test_id("label-box")).to_have_count(1)
    expect(again.get_by_test_id("label-notice")).to_contain_text("not saved")
    assert detection.boxes() == []
    saved(again)
    assert len(detection.boxes()) == 1


@pytest.fixture
def other_page(chromium: Browser, web: Web, bob: Person, sign_in: Callable[..., BrowserContext]) -> Iterator[Page]:
    """Bob's browser. Conflicts are what is tested: browsers report 409 and 412 as errors of their own."""
    profile = chromium.new_context(viewport={"width": 1440, "height": 900}, base_url=web.url)
    yield sign_in(bob, profile).new_page()
    profile.close()


@pytest.fixture
def own_page(context: BrowserContext, ada: Person, sign_in: Callable[..., BrowserContext]) -> Page:
    return sign_in(ada).new_page()


def let_leases_end() -> None:
    with transaction() as session:
        session.execute(text("UPDATE sample_leases SET expires_at = now() - interval '1 second'"))  # type: ignore[deprecated]


def test_second_person_is_told_who_has_it_and_gets_it_when_time_is_over(
    own_page: Page, other_page: Page, detection: Dataset
) -> None:
    own_page.goto(detection.address())
    ready(own_page, detection.samples[0])
    other_page.goto(detection.address())
    ready(other_page, detection.samples[0], lease="refused")
    expect(other_page.get_by_test_id("label-lease")).to_contain_text("Ada Admin has this sample open")
    drag(other_page, (20, 20), (100, 80))
    expect(other_page.get_by_test_id("label-box")).to_have_count(0)
    let_leases_end()
    other_page.get_by_test_id("lease-again").click()
    ready(other_page, detection.samples[0])
    drag(own_page, (20, 20), (100, 80))
    own_page.keyboard.press("s")
    expect(own_page.get_by_test_id("label-lease")).to_contain_text("Bob Admin has this sample open")
    expect(own_page.get_by_test_id("label-lease")).to_contain_text("kept as a draft")
    assert detection.boxes() == []


def test_own_second_tab_takes_it_over_and_the_first_one_hears_of_it(
    own_page: Page, context: BrowserContext, detection: Dataset
) -> None:
    own_page.goto(detection.address())
    ready(own_page, detection.samples[0])
    second = context.new_page()
    second.goto(detection.address())
    ready(second, detection.samples[0], lease="refused")
    second.get_by_test_id("lease-take-over").click()
    ready(second, detection.samples[0])
    expect(own_page.get_by_test_id("label-editor")).to_have_attribute("data-lease", "lost")
    expect(own_page.get_by_test_id("label-lease")).to_contain_text("in another tab")


@pytest.mark.parametrize(("choice", "left"), [("take-theirs", "theirs"), ("keep-mine", "mine")])
def test_changed_meanwhile_is_told_and_a_person_decides(
    own_page: Page, detection: Dataset, choice: str, left: str
) -> None:
    own_page.goto(detection.address())
    ready(own_page, detection.samples[0])
    drag(own_page, (100, 100), (180, 180))  # before theirs: an unchanged sample that is read again would show theirs
    expect(own_page.get_by_test_id("label-saved")).to_have_attribute("data-is", "changed")
    theirs = {"id": "theirs", "class": "plate", "box": [1, 1, 30, 30]}
    answer = detection.api.put(
        f"{detection.path}/samples/{detection.samples[0]}", json={"labels": {}, "annotations": [theirs]}
    )
    assert answer.status_code == 200, answer.text
    own_page.keyboard.press("s")
    conflict = own_page.get_by_test_id("label-conflict")
    expect(conflict).to_contain_text("Somebody changed this sample")
    assert [box["id"] for box in detection.boxes()] == ["theirs"]
    own_page.get_by_test_id(choice).click()
    expect(conflict).to_have_count(0)
    if choice == "keep-mine":
        saved(own_page)
    kept = ["theirs" if box["id"] == "theirs" else "mine" for box in detection.boxes()]
    assert kept == [left]
