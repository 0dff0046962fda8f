"""/audit: the log in words, a search that stands in the address, what changed, the chain, and the file."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from app.domain.permissions import Plan, Role, SystemActor
from app.errors import Forbidden
from app.infra.db import transaction
from app.schemas.datasets import DatasetUpdate
from app.schemas.people import OrganizationCreate
from app.services import audit, audit_chain, datasets, organizations
from tests.support import people
from tests.support.people import PASSWORD, Person
from tests.support.records import make_dataset

SignIn = Callable[[Person], None]
SYSTEM = SystemActor("reconciler")


@pytest.fixture(scope="module")
def eve(ada: Person) -> Person:
    acme = people.make_organization("Acme Ltd", Plan.ENTERPRISE)
    return people.make_person("Eve Acme", Role.ORGANIZATION_ADMIN, organization_id=acme, plan=Plan.ENTERPRISE)


@pytest.fixture(scope="module", autouse=True)
def happened(ada: Person, eve: Person) -> str:
    """A dataset was renamed, something was refused, and 60 organizations were made; the dataset's id."""
    dataset = make_dataset(ada, organization_id=eve.organization_id, name="Meters")
    with transaction() as session:
        for number in range(60):
            organizations.create(session, ada.actor, OrganizationCreate(name=f"Customer {number}"))
    with transaction() as session:
        wanted = DatasetUpdate(name="Water meters", description="Digits of water meters")
        datasets.update(session, ada.actor, dataset.id, wanted)
        error = Forbidden("Your role (organization_admin) does not permit training:jobs:write.")
        audit.refused(session, eve.actor, error, "api.create_job", "request", "POST /api/v1/training/jobs")
    with transaction() as session:
        audit_chain.seal(session, SYSTEM)
    return str(dataset.id)


@pytest.fixture
def as_person(context: BrowserContext, web_url: str) -> SignIn:
    def sign_in(person: Person) -> None:
        body = {"email": person.email, "password": PASSWORD}
        assert context.request.post(f"{web_url}/api/v1/auth/sign-in", data=body).ok

    return sign_in


def test_what_changed_is_told_from_what_to_what(as_person: SignIn, page: Page, ada: Person, happened: str) -> None:
    as_person(ada)
    page.goto("/")
    page.get_by_test_id("nav-audit").first.click()
    row = page.get_by_test_id("row").filter(has_text="dataset.update")
    expect(row).to_contain_text("Dataset: update")
    expect(row).to_contain_text("ada.admin@example.test")
    expect(row).to_contain_text("Acme Ltd")
    expect(row.get_by_test_id("status-outcome")).to_have_text("Done")
    expect(row.get_by_text("Water meters", exact=True)).to_be_hidden()
    row.locator("summary").click()
    expect(row.get_by_test_id("changes")).to_contain_text("nameMeters → Water meters")
    expect(row.get_by_test_id("changes")).to_contain_text("description– → Digits of water meters")
    row.get_by_role("link").click()
    expect(page).to_have_url(re.compile(f"/datasets/{happened}$"))


def test_a_refusal_says_who_tried_what_and_why_not(as_person: SignIn, page: Page, ada: Person) -> None:
    as_person(ada)
    page.goto("/audit?outcome=refused")
    row = page.get_by_test_id("row").filter(has_text="api.create_job")
    expect(row).to_contain_text("Tried over the API: create job")
    expect(row).to_contain_text("eve.acme@example.test")
    expect(row.get_by_test_id("status-outcome")).to_have_text("Refused")
    row.locator("summary").click()
    expect(row.get_by_test_id("changes")).to_contain_text("does not permit training:jobs:write")


def test_a_search_stands_in_the_address_and_can_be_sent_on(as_person: SignIn, page: Page, ada: Person) -> None:
    as_person(ada)
    page.goto("/audit")
    expect(page.get_by_test_id("row")).to_have_count(50)
    page.locator("input[name=action]").fill("dataset.")
    page.locator("input[name=since]").fill("2020-01-01")
    page.get_by_test_id("audit-search").click()
    expect(page).to_have_url(re.compile(r"/audit\?action=dataset\.&since=2020-01-01$"))
    expect(page.get_by_test_id("row")).to_have_count(1)
    page.reload()
    expect(page.get_by_test_id("row")).to_have_count(1)
    expect(page.locator("input[name=action]")).to_have_value("dataset.")
    expect(page.locator("input[name=since]")).to_have_value("2020-01-01")
    page.get_by_role("link", name="Show everything").click()
    expect(page.get_by_test_id("row")).to_have_count(50)
    expect(page.locator("input[name=action]")).to_have_value("")


def test_the_last_day_of_a_search_counts_whole(as_person: SignIn, page: Page, ada: Person) -> None:
    as_person(ada)
    with transaction() as session:
        day = audit.list_events(session, ada.actor, audit.AuditFilter(), None, 1).items[0].occurred_at.date()
    page.goto(f"/audit?until={day}&action=dataset.update")
    expect(page.get_by_test_id("row")).to_have_count(1)
    page.goto(f"/audit?since={day}&until=2020-01-01")
    expect(page.get_by_test_id("empty-state")).to_contain_text("No event fits")


def test_pages_are_turned_within_a_search(as_person: SignIn, page: Page, ada: Person) -> None:
    as_person(ada)
    page.goto("/audit?action=organization.create")
    expect(page.get_by_text("1–50 of 60 events")).to_be_visible()
    page.get_by_test_id("page-next").click()
    expect(page.get_by_text("51–60 of 60 events")).to_be_visible()
    expect(page.get_by_test_id("row")).to_have_count(10)


@pytest.mark.parametrize("address", ["/audit?outcome=maybe", "/audit?since=yesterday", "/audit?organization_id=acme"])
def test_an_address_that_asks_for_nonsense_says_what_is_wrong(
    as_person: SignIn, page: Page, ada: Person, address: str
) -> None:
    as_person(ada)
    page.goto(address)
    expect(page.get_by_text("Please check")).to_be_visible()


def test_the_chain_is_told_in_words_with_its_head(as_person: SignIn, page: Page, ada: Person) -> None:
    as_person(ada)
    page.goto("/audit")
    expect(page.get_by_test_id("chain")).to_contain_text(re.compile(r"\d+ events(, all linked| linked, \d+ more)"))
    with transaction() as session:
        head = audit_chain.state(session, ada.actor).head
    expect(page.get_by_text(head[:12])).to_be_visible()


def test_what_is_searched_for_is_taken_away_as_a_file(
    as_person: SignIn, page: Page, ada: Person, tmp_path: Path
) -> None:
    as_person(ada)
    page.goto("/audit?action=organization.")
    expect(page.get_by_test_id("row")).to_have_count(50)
    with page.expect_download() as download:
        page.get_by_test_id("audit-export").click()
    download.value.save_as(tmp_path / "audit.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    assert len(lines) == 60
    assert {line["action"] for line in lines} == {"organization.create"}


def test_an_organization_admin_is_told_that_the_log_is_not_for_them(as_person: SignIn, page: Page, eve: Person) -> None:
    as_person(eve)
    page.goto("/audit")
    expect(page.get_by_text("Your role does not permit this page.")).to_be_visible()
    expect(page.get_by_test_id("nav-audit")).to_have_count(0)
    expect(page.get_by_text("ada.admin@example.test")).to_have_count(0)
