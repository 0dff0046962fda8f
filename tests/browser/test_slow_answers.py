"""A person is faster than the line: what they do before the server has answered is neither undone nor lost."""

import re
from collections.abc import Callable
from uuid import UUID

import pytest
from playwright.sync_api import BrowserContext, Page, WebSocketRoute, expect

from tests.browser.pictures import add_pictures, verify_all
from tests.support.people import Person
from tests.support.records import make_dataset

COUNT = 12  # a job wants ten


class Line:
    """The page's line to its state; while it is held, what the server says waits, and what the page says passes."""

    def __init__(self, page: Page) -> None:
        self.is_held = False
        self._waiting: list[tuple[WebSocketRoute, str | bytes]] = []
        page.route_web_socket(re.compile("/_event"), self._join)

    def _join(self, page: WebSocketRoute) -> None:
        def pass_on(message: str | bytes) -> None:
            self._waiting.append((page, message))
            if not self.is_held:
                self._let_go()

        page.connect_to_server().on_message(pass_on)

    def hold(self) -> None:
        self.is_held = True

    def release(self) -> None:
        self.is_held = False
        self._let_go()

    def _let_go(self) -> None:
        while self._waiting:
            page, message = self._waiting.pop(0)
            page.send(message)


@pytest.fixture
def line(page: Page) -> Line:
    return Line(page)


@pytest.fixture(autouse=True)
def signed_in(sign_in: Callable[..., BrowserContext], ada: Person) -> BrowserContext:
    return sign_in(ada)


@pytest.fixture
def labelled(web_url: str, bob: Person) -> UUID:
    """A dataset with samples that Bob labelled."""
    dataset = make_dataset(bob)
    add_pictures(web_url, bob, dataset.id, COUNT)
    return dataset.id


@pytest.fixture
def verified(web_url: str, ada: Person, bob: Person) -> UUID:
    """One of two such datasets that Ada verified: with one alone there would be nothing to choose."""
    first, second = (make_dataset(bob) for _ in range(2))
    for dataset in (first, second):
        add_pictures(web_url, bob, dataset.id, COUNT)
        verify_all(ada, dataset.id)
    return first.id


def test_a_form_can_be_sent_before_the_server_knows_what_was_chosen_in_it(
    page: Page, line: Line, verified: UUID
) -> None:
    page.goto("/jobs")
    page.get_by_test_id("new-job").first.click()
    page.locator("input[name=name]").fill("in a hurry")
    line.hold()
    page.get_by_test_id("job-dataset").select_option(str(verified))
    expect(page.get_by_test_id("job-dataset")).to_have_value(str(verified))
    page.get_by_test_id("form-submit").click()
    line.release()
    expect(page).to_have_url(re.compile(r"/jobs/[0-9a-f-]{36}$"))


def test_a_filter_shows_what_was_chosen_and_then_what_the_address_says(page: Page, line: Line, labelled: UUID) -> None:
    page.goto(f"/datasets/{labelled}")
    expect(page.get_by_test_id("sample")).to_have_count(COUNT)
    chosen = page.get_by_test_id("filter-status")
    line.hold()
    chosen.select_option("rejected")
    expect(chosen).to_have_value("rejected")
    line.release()
    expect(page.get_by_test_id("sample")).to_have_count(0)
    page.goto(f"/datasets/{labelled}")
    expect(chosen).to_have_value("")


def test_a_sample_picked_before_all_are_does_not_put_them_back(page: Page, line: Line, labelled: UUID) -> None:
    page.goto(f"/datasets/{labelled}")
    expect(page.get_by_test_id("sample")).to_have_count(COUNT)
    line.hold()
    page.get_by_test_id("pick-all").click()
    page.get_by_test_id("sample-select").first.click()
    page.get_by_test_id("sample-select").last.click()
    line.release()
    expect(page.get_by_text(f"{COUNT} picked")).to_be_visible()
    page.get_by_test_id("sample-select").first.click()
    page.get_by_test_id("verify").click()
    expect(page.get_by_test_id("notice")).to_contain_text(f"{COUNT - 1} samples verified")


def test_nothing_can_be_pressed_before_the_page_knows_what_it_is_about(page: Page, line: Line, labelled: UUID) -> None:
    line.hold()
    page.goto(f"/datasets/{labelled}/review")
    expect(page.get_by_test_id("plant")).to_be_visible()
    expect(page.locator("main[inert]")).to_have_count(1)
    line.release()
    expect(page.locator("main[inert]")).to_have_count(0)
    page.get_by_test_id("plant").click()
    expect(page.get_by_test_id("form-dialog")).to_be_visible()


def test_a_page_that_cannot_be_shown_is_not_shut(page: Page) -> None:
    page.goto("/datasets/00000000-0000-0000-0000-000000000000")
    expect(page.get_by_text("This cannot be shown")).to_be_visible()
    expect(page.locator("main[inert]")).to_have_count(0)
