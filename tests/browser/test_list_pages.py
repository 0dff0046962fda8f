"""Lists in the browser: how many there are in all, an order by clicking a head, and a choice that survives a reload."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from app.infra.db import transaction
from app.tables import TrainingDataset
from tests.support.people import PASSWORD, Person
from tests.support.records import make_dataset

COUNT = 30


@pytest.fixture(scope="module")
def names(ada: Person) -> list[str]:
    """Datasets whose names are in another order than the moments they were made."""
    made = [f"set {number * 7 % COUNT:02}" for number in range(COUNT)]
    for name in made:
        make_dataset(ada, name=name)
    return made


@pytest.fixture
def datasets(page: Page, context: BrowserContext, web_url: str, ada: Person, names: list[str]) -> Page:
    body = {"email": ada.email, "password": PASSWORD}
    assert context.request.post(f"{web_url}/api/v1/auth/sign-in", data=body).ok
    page.goto("/datasets")
    expect(page.get_by_test_id("row")).to_have_count(25)
    return page


def first_row(page: Page) -> Callable[[str], None]:
    return lambda name: expect(page.get_by_test_id("row").first).to_contain_text(name)


def test_list_says_which_part_of_all_it_shows(datasets: Page) -> None:
    expect(datasets.get_by_text(f"1–25 of {COUNT} datasets")).to_be_visible()
    datasets.get_by_test_id("page-next").click()
    expect(datasets.get_by_text(f"26–{COUNT} of {COUNT} datasets")).to_be_visible()
    datasets.get_by_test_id("page-previous").click()
    expect(datasets.get_by_text(f"1–25 of {COUNT} datasets")).to_be_visible()


def test_click_on_a_head_orders_the_whole_list_and_the_address_remembers(datasets: Page, names: list[str]) -> None:
    head = datasets.get_by_role("columnheader", name="Dataset")
    first_row(datasets)(names[-1])
    expect(datasets.get_by_role("columnheader", name="Created")).to_have_attribute("aria-sort", "descending")
    datasets.get_by_test_id("sort-name").click()
    first_row(datasets)("set 00")
    expect(head).to_have_attribute("aria-sort", "ascending")
    expect(datasets).to_have_url(re.compile(r"/datasets\?sort=name$"))
    datasets.get_by_test_id("sort-name").click()
    first_row(datasets)(f"set {COUNT - 1:02}")
    datasets.reload()
    first_row(datasets)(f"set {COUNT - 1:02}")
    expect(head).to_have_attribute("aria-sort", "descending")
    datasets.get_by_test_id("page-next").click()
    first_row(datasets)(f"set {COUNT - 26:02}")


def test_order_and_filter_stand_together_in_the_address(datasets: Page) -> None:
    datasets.get_by_test_id("sort-name").click()
    first_row(datasets)("set 00")
    datasets.get_by_test_id("filter-status").select_option("archived")
    expect(datasets.get_by_text("No dataset fits these filters")).to_be_visible()
    expect(datasets).to_have_url(re.compile(r"status=archived.*sort=name|sort=name.*status=archived"))


def test_order_that_does_not_exist_is_explained(datasets: Page) -> None:
    datasets.goto("/datasets?sort=size")
    expect(datasets.get_by_text("Please check: sort")).to_be_visible()


def test_dataset_that_somebody_changed_meanwhile_is_not_overwritten(datasets: Page, ada: Person) -> None:
    dataset = make_dataset(ada, name="shared")
    # The page hears of nothing: otherwise it would show the change in time, and there would be nothing to refuse.
    datasets.route_web_socket(re.compile("/api/v1/live"), lambda _socket: None)
    datasets.goto(f"/datasets/{dataset.id}")
    archive = datasets.get_by_role("button", name="Archive")
    expect(archive).to_be_visible()
    with transaction() as session:
        session.get_one(TrainingDataset, dataset.id).description = "Somebody works on it."
    archive.click()
    datasets.get_by_role("alertdialog").get_by_role("button", name="Archive").click()
    expect(datasets.get_by_text("Somebody changed this since you read it")).to_be_visible()
    expect(datasets.get_by_text("Somebody works on it.")).to_be_visible()
    archive.click()
    datasets.get_by_role("alertdialog").get_by_role("button", name="Archive").click()
    expect(datasets.get_by_text("The dataset is archived now.")).to_be_visible()
