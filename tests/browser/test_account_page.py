"""/account and /people: one's own sessions, tokens and password, and the people that a super admin lets in."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from app.domain.permissions import Plan, Role
from tests.browser.web_process import Web
from tests.support import people
from tests.support.people import PASSWORD, Person

SignIn = Callable[..., None]
NEW = "another correct horse"


@pytest.fixture(scope="module")
def basic(web: Web) -> int:
    return people.make_organization("Basic Ltd", Plan.PROFESSIONAL)


@pytest.fixture
def as_person(context: BrowserContext, web_url: str) -> SignIn:
    def sign_in(person: Person, password: str = PASSWORD) -> None:
        body = {"email": person.email, "password": password}
        headers = {"Origin": web_url}
        assert context.request.post(f"{web_url}/api/v1/auth/sign-in", data=body, headers=headers).ok

    return sign_in


@contextmanager
def elsewhere(chromium: Browser, web_url: str, person: Person) -> Iterator[BrowserContext]:
    """Another browser in which `person` is signed in."""
    other = chromium.new_context(base_url=web_url)
    assert other.request.post("/api/v1/auth/sign-in", data={"email": person.email, "password": PASSWORD}).ok
    yield other
    other.close()


def rows(page: Page, table: str) -> Locator:
    return page.get_by_test_id(table).get_by_test_id("row")


def test_everybody_comes_to_their_account_from_the_menu_and_sees_no_pages_that_they_may_not_open(
    as_person: SignIn, page: Page, basic: int
) -> None:
    pat = people.make_person("Pat Basic", Role.ORGANIZATION_ADMIN, organization_id=basic, plan=Plan.PROFESSIONAL)
    as_person(pat)
    page.goto("/")
    expect(page.get_by_text("Not part of your account")).to_be_visible()
    expect(page.locator("[data-testid^=nav-]")).to_have_count(0)
    page.get_by_test_id("person-menu").click()
    page.get_by_test_id("account").click()
    expect(page).to_have_url("/account")
    about = page.get_by_test_id("about-you")
    for text in ("Pat Basic", pat.email, "Organization admin", "Basic Ltd", "Professional"):
        expect(about).to_contain_text(text)
    expect(page.get_by_test_id("this-device")).to_have_count(1)
    page.goto("/people")
    expect(page.get_by_text("Not part of your account")).to_be_visible()


def test_other_device_is_signed_out_from_here(as_person: SignIn, page: Page, chromium: Browser, web_url: str) -> None:
    max_ = people.make_person("Max One", Role.MEMBER)
    as_person(max_)
    with elsewhere(chromium, web_url, max_) as other:
        page.goto("/account")
        expect(rows(page, "sessions")).to_have_count(2)
        page.get_by_test_id("end-session").click()
        expect(rows(page, "sessions")).to_have_count(1)
        expect(page.get_by_test_id("notice")).to_contain_text("is signed out")
        assert other.request.get("/api/v1/auth/me").status == 401


def test_signing_out_everywhere_ends_this_session_too(
    as_person: SignIn, page: Page, chromium: Browser, web_url: str
) -> None:
    max_ = people.make_person("Max Two", Role.MEMBER)
    as_person(max_)
    with elsewhere(chromium, web_url, max_) as other:
        page.goto("/account")
        page.get_by_test_id("sign-out-everywhere").click()
        page.get_by_test_id("form-submit").click()
        expect(page.get_by_test_id("sign-in-submit")).to_be_visible()
        assert other.request.get("/api/v1/auth/me").status == 401
        assert page.request.get("/api/v1/auth/me").status == 401


def test_secret_of_a_token_is_shown_once_and_revoking_ends_it(
    as_person: SignIn, page: Page, chromium: Browser, web_url: str
) -> None:
    as_person(people.make_person("Max Three", Role.MEMBER))
    page.goto("/account")
    page.get_by_test_id("first-token").click()
    page.locator("input[name=name]").fill("Phone")
    page.get_by_test_id("form-submit").click()
    secret = page.get_by_test_id("token-secret").locator("code").inner_text()
    assert secret.startswith("tyat_")
    page.get_by_test_id("secret-done").click()
    expect(page.get_by_test_id("token-secret")).to_have_count(0)
    expect(rows(page, "tokens")).to_contain_text("Phone")
    assert secret not in page.content()
    stranger = chromium.new_context(base_url=web_url, extra_http_headers={"Authorization": f"Bearer {secret}"})
    assert stranger.request.get("/api/v1/auth/me").ok
    page.get_by_test_id("revoke-token").click()
    page.get_by_test_id("confirm-revoke-yes").click()
    expect(rows(page, "tokens").locator("[data-status=revoked]")).to_be_visible()
    assert stranger.request.get("/api/v1/auth/me").status == 401
    stranger.close()


def test_password_is_changed_with_the_present_one(
    as_person: SignIn, page: Page, chromium: Browser, web_url: str
) -> None:
    max_ = people.make_person("Max Four", Role.MEMBER)
    as_person(max_)
    with elsewhere(chromium, web_url, max_) as other:
        page.goto("/account")
        page.get_by_test_id("change-password").click()
        form = page.get_by_test_id("form-dialog")
        for present, repeated, wrong in (("wrong", NEW, "present password is wrong"), (PASSWORD, "other", "same way")):
            form.locator("input[name=current_password]").fill(present)
            form.locator("input[name=new_password]").fill(NEW)
            form.locator("input[name=repeated_password]").fill(repeated)
            page.get_by_test_id("form-submit").click()
            expect(form.get_by_test_id("error")).to_contain_text(wrong)
        form.locator("input[name=repeated_password]").fill(NEW)
        page.get_by_test_id("form-submit").click()
        expect(page.get_by_test_id("notice")).to_contain_text("password is changed")
        assert other.request.get("/api/v1/auth/me").status == 401
        as_person(max_, NEW)


def test_super_admin_lets_a_person_in_and_out_again(
    as_person: SignIn, page: Page, ada: Person, basic: int, chromium: Browser, web_url: str
) -> None:
    as_person(ada)
    page.goto("/")
    page.get_by_test_id("nav-people").first.click()
    page.get_by_test_id("new-person").click()
    form = page.get_by_test_id("form-dialog")
    form.locator("input[name=name]").fill("Nora New")
    form.locator("input[name=email]").fill("nora@example.test")
    form.locator("input[name=password]").fill(PASSWORD)
    form.locator("select[name=role]").select_option("organization_admin")
    page.get_by_test_id("form-submit").click()
    expect(form.get_by_test_id("error")).to_contain_text("needs an organization")
    form.locator("select[name=organization_id]").select_option(str(basic))
    page.get_by_test_id("form-submit").click()
    nora = rows(page, "people").filter(has_text="nora@example.test")
    expect(nora).to_contain_text("Basic Ltd")
    expect(nora).to_contain_text("never")
    person = chromium.new_context(base_url=web_url)
    body = {"email": "nora@example.test", "password": PASSWORD}
    assert person.request.post("/api/v1/auth/sign-in", data=body).ok
    nora.get_by_test_id("edit-person").click()
    form.locator("select[name=active]").select_option("disabled")
    page.get_by_test_id("form-submit").click()
    expect(nora.locator("[data-status=disabled]")).to_be_visible()
    assert person.request.get("/api/v1/auth/me").status == 401
    person.close()


def test_last_super_admin_is_told_why_not(as_person: SignIn, page: Page, ada: Person) -> None:
    as_person(ada)
    page.goto("/people?role=super_admin")
    expect(rows(page, "people")).to_have_count(1)
    page.get_by_test_id("edit-person").click()
    form = page.get_by_test_id("form-dialog")
    form.locator("select[name=role]").select_option("member")
    page.get_by_test_id("form-submit").click()
    expect(form.get_by_test_id("error")).to_contain_text("last active super admin")


def test_organization_gets_another_plan(as_person: SignIn, page: Page, ada: Person) -> None:
    as_person(ada)
    page.goto("/people")
    page.get_by_test_id("new-organization").click()
    form = page.get_by_test_id("form-dialog")
    form.locator("input[name=name]").fill("Acme Ltd")
    page.get_by_test_id("form-submit").click()
    acme = rows(page, "organizations").filter(has_text="Acme Ltd")
    expect(acme).to_contain_text("Professional")
    acme.get_by_test_id("edit-organization").click()
    form.locator("select[name=plan]").select_option("enterprise")
    page.get_by_test_id("form-submit").click()
    expect(acme).to_contain_text("Enterprise")


def test_nothing_is_wider_than_a_phone(chromium: Browser, web_url: str, ada: Person, basic: int) -> None:
    phone = chromium.new_context(viewport={"width": 360, "height": 800}, base_url=web_url, is_mobile=True)
    assert phone.request.post(f"{web_url}/api/v1/auth/sign-in", data={"email": ada.email, "password": PASSWORD}).ok
    page = phone.new_page()
    for address, table in (("/account", "sessions"), ("/people", "organizations")):
        page.goto(address)
        expect(rows(page, table).first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, address
    phone.close()
