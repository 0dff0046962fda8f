"""/usage: an organization's own usage with words for what is near and reached, and the plans for who sets them."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from app.domain.machines import JobStatus, ModelVersionStatus
from app.domain.permissions import Plan, Role
from app.tables import TrainingDataset
from app.tables.base import utcnow
from tests.browser.web_process import Web
from tests.support import people
from tests.support.people import PASSWORD, Person
from tests.support.plans import make_trainable, set_limits
from tests.support.records import make_dataset, make_job, make_version

SignIn = Callable[[Person], None]
LATER = re.compile(r"The count begins anew on 1\s\w+ \d{4} \(UTC\)\.")


@pytest.fixture(scope="module")
def acme(web: Web) -> int:
    return people.make_organization("Acme Ltd", Plan.ENTERPRISE)


@pytest.fixture(scope="module")
def eve(acme: int) -> Person:
    return people.make_person("Eve Acme", Role.ORGANIZATION_ADMIN, organization_id=acme, plan=Plan.ENTERPRISE)


@pytest.fixture(scope="module")
def dataset(ada: Person, bob: Person, acme: int) -> TrainingDataset:
    """Acme has used 10 of 10 jobs, 8.5 of 10 GB, and 1 of 5 active models of one of two modules."""
    (_,) = make_trainable(ada, bob, acme, name="Meter digits")
    made = make_dataset(ada, organization_id=acme, size_bytes=8_500_000_000)
    for _ in range(10):
        make_job(ada, made, JobStatus.QUEUED)
    done = {"is_approved": True, "approved_by": ada.id, "approved_at": utcnow(), "is_released": True}
    released = {**done, "released_at": utcnow(), "status": ModelVersionStatus.RELEASED}
    make_version("1.0.0", organization_id=acme, **released)
    make_version("1.0.0", organization_id=acme, ai_module="seals")
    return made


@pytest.fixture
def as_person(context: BrowserContext, web_url: str) -> SignIn:
    def sign_in(person: Person) -> None:
        body = {"email": person.email, "password": PASSWORD}
        assert context.request.post(f"{web_url}/api/v1/auth/sign-in", data=body).ok

    return sign_in


def meter(page: Page, key: str) -> Locator:
    return page.locator(f"[data-meter='{key}']")


@pytest.mark.usefixtures("dataset")
def test_organization_admin_sees_what_is_used_near_and_used_up(as_person: SignIn, page: Page, eve: Person) -> None:
    as_person(eve)
    page.goto("/")
    page.get_by_test_id("nav-usage").first.click()
    expect(page.get_by_test_id("plan-usage")).to_contain_text("Acme Ltd")
    expect(page.get_by_test_id("plan-usage")).to_contain_text("Enterprise plan")
    jobs, size, digits = meter(page, "jobs"), meter(page, "bytes"), meter(page, "meter_digits")
    expect(jobs).to_contain_text("10 of 10")
    expect(jobs).to_contain_text("Used up.")
    expect(jobs).to_contain_text(LATER)
    expect(jobs).to_have_attribute("data-tone", "bad")
    expect(size).to_contain_text("8.5 GB of 10 GB")
    expect(size).to_contain_text("Nearly used up: 1.49 GB left")
    expect(size).to_have_attribute("data-tone", "warning")
    expect(digits).to_contain_text("1 of 5")
    expect(digits).to_have_attribute("data-tone", "plain")
    expect(meter(page, "seals")).to_contain_text("0 of 5")
    for test_id in ("choose-organization", "plans", "edit-enterprise"):
        expect(page.get_by_test_id(test_id)).to_have_count(0)


def test_other_organizations_usage_does_not_exist(as_person: SignIn, page: Page, eve: Person) -> None:
    other = people.make_organization("Somebody else Ltd", Plan.ENTERPRISE)
    as_person(eve)
    page.goto(f"/usage?organization={other}")
    expect(page.get_by_text(f"There is no organization {other}.")).to_be_visible()
    expect(page.get_by_text("Somebody else Ltd")).to_have_count(0)


@pytest.mark.usefixtures("dataset")
def test_super_admin_chooses_an_organization_that_the_address_keeps(
    as_person: SignIn, page: Page, ada: Person, acme: int
) -> None:
    basic = people.make_organization("Basic Ltd", Plan.PROFESSIONAL)
    as_person(ada)
    page.goto("/usage")
    expect(page.get_by_text("Whose usage?")).to_be_visible()
    page.get_by_test_id("choose-organization").select_option(str(acme))
    expect(meter(page, "jobs")).to_contain_text("10 of 10")
    expect(page).to_have_url(re.compile(rf"/usage\?organization={acme}$"))
    page.reload()
    expect(page.get_by_test_id("plan-usage")).to_contain_text("Acme Ltd")
    page.get_by_test_id("choose-organization").select_option(str(basic))
    expect(meter(page, "jobs")).to_contain_text("Not part of the Professional plan.")
    expect(page.get_by_test_id("custom-training")).to_contain_text("Training on own datasets is not included")
    expect(page.get_by_text("No model versions yet")).to_be_visible()


@pytest.mark.parametrize("address", ["/usage?organization=acme", "/usage?organization=99999"])
def test_address_of_no_organization_says_so(as_person: SignIn, page: Page, ada: Person, address: str) -> None:
    as_person(ada)
    page.goto(address)
    expect(page.get_by_text("This cannot be shown")).to_be_visible()
    expect(page.get_by_text(re.compile("no organization"))).to_be_visible()


def test_refused_job_is_explained_in_its_form(
    as_person: SignIn, page: Page, ada: Person, dataset: TrainingDataset
) -> None:
    as_person(ada)
    page.goto("/jobs")
    page.get_by_test_id("new-job").first.click()
    form = page.get_by_test_id("form-dialog")
    form.locator("input[name=name]").fill("one too many")
    form.locator("select[name=dataset_id]").select_option(label="Meter digits 1.0.0 · 10 verified")
    page.get_by_test_id("form-submit").click()
    expect(form.get_by_test_id("error")).to_contain_text("Acme Ltd has used 10 of the 10 training jobs")
    expect(form.get_by_test_id("error")).to_contain_text("The count begins anew on 1")


@pytest.mark.usefixtures("dataset")
def test_changed_limits_show_at_once(as_person: SignIn, page: Page, ada: Person, acme: int) -> None:
    as_person(ada)
    page.goto(f"/usage?organization={acme}")
    expect(meter(page, "jobs")).to_contain_text("10 of 10")
    page.get_by_test_id("edit-enterprise").click()
    form = page.get_by_test_id("form-dialog")
    expect(form).to_contain_text("Limits of the Enterprise plan")
    expect(form.locator("input[name=gigabytes]")).to_have_value("10")
    form.locator("input[name=training_jobs_per_month]").fill("2000000")
    page.get_by_test_id("form-submit").click()
    expect(form.get_by_test_id("error")).to_contain_text("less than or equal to 1000000")
    form.locator("input[name=training_jobs_per_month]").fill("")
    form.locator("input[name=gigabytes]").fill("8.25")
    page.get_by_test_id("form-submit").click()
    expect(form).to_have_count(0)
    expect(meter(page, "jobs")).to_contain_text("No limit.")
    expect(meter(page, "bytes")).to_contain_text("250 MB more than the plan allows.")
    expect(page.get_by_test_id("plans").locator("[data-row-id=enterprise]")).to_contain_text("8.25 GB")
    set_limits(training_jobs_per_month=10, dataset_bytes=10_000_000_000)


def test_limits_that_somebody_changed_meanwhile_are_not_overwritten(as_person: SignIn, page: Page, ada: Person) -> None:
    as_person(ada)
    page.goto("/usage")
    page.get_by_test_id("edit-professional").click()
    form = page.get_by_test_id("form-dialog")
    expect(form).to_contain_text("Limits of the Professional plan")
    set_limits(Plan.PROFESSIONAL, active_models_per_module=2)
    form.locator("input[name=training_jobs_per_month]").fill("1")
    page.get_by_test_id("form-submit").click()
    expect(form.get_by_test_id("error")).to_contain_text("Somebody changed this since you read it")
    set_limits(Plan.PROFESSIONAL, active_models_per_module=0)


@pytest.mark.usefixtures("dataset")
def test_page_follows_what_happens(as_person: SignIn, page: Page, ada: Person, acme: int, web_url: str) -> None:
    as_person(ada)
    page.goto(f"/usage?organization={acme}")
    jobs = meter(page, "jobs")
    expect(jobs).to_contain_text("10 of 10")
    waiting = page.request.get(f"{web_url}/api/v1/training/jobs", params={"status": "queued"}).json()["items"][0]
    headers = {"Origin": web_url}
    assert page.request.post(f"{web_url}/api/v1/training/jobs/{waiting['id']}/cancel", headers=headers).ok
    expect(jobs).to_contain_text("9 of 10")
    expect(jobs).to_contain_text("Nearly used up: 1 left.")


@pytest.mark.usefixtures("dataset")
def test_nothing_is_wider_than_a_phone(chromium: Browser, web_url: str, ada: Person, acme: int) -> None:
    phone = chromium.new_context(viewport={"width": 360, "height": 800}, base_url=web_url, is_mobile=True)
    assert phone.request.post(f"{web_url}/api/v1/auth/sign-in", data={"email": ada.email, "password": PASSWORD}).ok
    page = phone.new_page()
    for address in ("/usage", f"/usage?organization={acme}"):
        page.goto(address)
        expect(page.get_by_test_id("plans").locator("[data-row-id=enterprise]")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, address
    phone.close()
