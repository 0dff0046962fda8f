"""Single sign-on in a real browser: through a real provider to the page that was asked for, or back with a reason."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from app.domain.permissions import Role
from tests.browser.web_process import Web, running_web
from tests.support import people
from tests.support.oidc_provider import Provider, oidc_provider
from tests.support.people import PASSWORD
from tests.support.servers import Servers

ROLES = [{"claim": "groups", "value": "trainyard-admins", "role": "super_admin"}]
LONG = '{"label": "Sign in with your account at Harbour Pumps Ltd and its daughters"}'


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with oidc_provider() as started:
        yield started


@pytest.fixture(scope="module")
def web(stack: Servers, provider: Provider) -> Iterator[Web]:
    with running_web(stack, **provider.settings(ROLES)) as started:
        yield started


def test_button_leads_through_the_provider_to_the_page_that_was_asked_for(page: Page, provider: Provider) -> None:
    provider.person(sub="olga", email="olga@example.test", name="Olga Okafor", groups=["trainyard-admins"])
    page.goto("/jobs?status=failed")
    expect(page.get_by_test_id("sign-in-oidc")).to_have_text("Sign in with Example")
    page.get_by_test_id("sign-in-oidc").click()
    expect(page.get_by_test_id("person-menu")).to_contain_text("Olga Okafor")
    assert page.url.endswith("/jobs?status=failed")
    page.get_by_test_id("person-menu").click()
    page.get_by_test_id("sign-out").click()
    expect(page.get_by_test_id("sign-in-submit")).to_be_visible()


def test_refusal_is_explained_once_and_a_password_still_works(
    page: Page, context: BrowserContext, provider: Provider
) -> None:
    ada = people.make_person("Ada Admin", Role.SUPER_ADMIN)
    provider.person(sub="stranger", email="stranger@example.test", groups=["others"])
    page.goto("/models")
    page.get_by_test_id("sign-in-oidc").click()
    expect(page.get_by_test_id("sign-in-problem")).to_contain_text("gives you no access to Trainyard")
    assert "problem" not in page.url
    assert not [cookie for cookie in context.cookies() if cookie["name"].startswith("trainyard")]
    page.reload()
    expect(page.get_by_test_id("sign-in-oidc")).to_be_visible()
    expect(page.get_by_test_id("sign-in-problem")).to_have_count(0)
    page.get_by_test_id("sign-in-email").fill(ada.email)
    page.get_by_test_id("sign-in-password").fill(PASSWORD)
    page.get_by_test_id("sign-in-submit").click()
    expect(page.get_by_test_id("person-menu")).to_contain_text("Ada Admin")
    assert page.url.endswith("/models")


def test_words_in_the_address_are_not_shown(page: Page) -> None:
    page.goto("/sign-in?problem=Call+555+0100+now")
    expect(page.get_by_test_id("sign-in-problem")).to_contain_text("Single sign-on did not work")
    expect(page.get_by_text("555")).to_have_count(0)


@pytest.mark.parametrize("oidc", [LONG, "null"])
@pytest.mark.parametrize("width", [360, 1440])
def test_nothing_moves_when_the_server_says_how_to_sign_in(page: Page, oidc: str, width: int) -> None:
    held: list[Route] = []
    page.route("**/api/v1/auth/methods", lambda route, _: held.append(route))
    page.set_viewport_size({"width": width, "height": 800})
    with page.expect_request("**/api/v1/auth/methods"):
        page.goto("/sign-in")
    before = page.get_by_test_id("sign-in").bounding_box()
    expect(page.get_by_test_id("sign-in-oidc")).to_be_hidden()
    held[0].fulfill(body=f'{{"password": true, "oidc": {oidc}}}', content_type="application/json")
    shown = page.get_by_text("No account yet?") if oidc == "null" else page.get_by_test_id("sign-in-oidc")
    expect(shown).to_be_visible()
    assert page.get_by_test_id("sign-in").bounding_box() == before


def test_password_is_asked_for_even_if_the_server_does_not_say_how(page: Page) -> None:
    page.route("**/api/v1/auth/methods", lambda route, _: route.fulfill(body="<html>", content_type="text/html"))
    page.goto("/sign-in")
    expect(page.get_by_text("No account yet?")).to_be_visible()
    expect(page.get_by_test_id("sign-in-submit")).to_be_enabled()
    expect(page.get_by_test_id("sign-in-oidc")).to_be_hidden()
