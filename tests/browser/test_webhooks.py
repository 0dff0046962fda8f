"""Webhooks in the dashboard: made with a secret that is seen once, watched live, sent again, paused and deleted."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from app.domain.permissions import Plan, Role
from app.infra.outbound import Outbound
from app.tables.base import utcnow
from app.web.serving import client_folder
from tests.browser.conftest import Watched, missing
from tests.browser.web_process import Web, running_web
from tests.support import people
from tests.support.hooks import attempt, deliveries, make_webhook
from tests.support.people import PASSWORD, Person
from tests.support.receiver import Receiver, receiver, status
from tests.support.servers import Servers

NEAR = Outbound(allow_private=True)


@pytest.fixture(scope="module")
def web(stack: Servers) -> Iterator[Web]:
    """A web process that lets webhooks call this machine."""
    if not (client_folder() / "index.html").is_file():
        missing(f"The front end is not built ({client_folder()}); ./trainyard test builds it.")
    with running_web(stack, webhook_allow_private="true") as started:
        yield started


@pytest.fixture
def inbox() -> Iterator[Receiver]:
    with receiver() as started:
        yield started


def sign_in(page: Page, web: Web, person: Person) -> None:
    body = {"email": person.email, "password": PASSWORD}
    assert page.context.request.post(f"{web.url}/api/v1/auth/sign-in", data=body).ok


def title(page: Page) -> Locator:
    """The title of the page; an open dialog has one too."""
    return page.locator("h1.ty-title")


def test_secret_of_a_new_webhook_is_shown_once(page: Page, web: Web, ada: Person, inbox: Receiver) -> None:
    sign_in(page, web, ada)
    page.goto("/webhooks")
    expect(page.get_by_text("Nobody is told yet")).to_be_visible()
    expect(page.get_by_test_id("nav-webhooks")).to_be_visible()
    page.get_by_test_id("new-webhook").first.click()
    page.locator("input[name=name]").fill("Chat of the operators")
    page.locator("input[name=url]").fill("ftp://example.org/")
    page.get_by_test_id("form-submit").click()
    expect(page.get_by_test_id("form-dialog").get_by_test_id("error")).to_contain_text("https://")
    page.locator("input[name=url]").fill(inbox.url)
    page.get_by_label("queued").check()
    page.get_by_test_id("form-submit").click()
    expect(page.get_by_test_id("webhook-secret")).to_contain_text("whsec_")
    secret = page.get_by_test_id("webhook-secret").locator("code").inner_text()
    page.get_by_test_id("secret-done").click()
    expect(title(page)).to_have_text("Chat of the operators")
    expect(page.get_by_text("job.queued")).to_be_visible()
    assert secret not in page.content()
    page.get_by_test_id("ping").click()
    expect(page.get_by_test_id("row")).to_have_count(1)
    (sent,) = deliveries()
    attempt(sent.id, utcnow(), NEAR)
    assert inbox.got[0].is_signed_with(secret)


def test_log_says_live_what_becomes_of_a_message_and_sends_it_again(
    page: Page, web: Web, ada: Person, inbox: Receiver
) -> None:
    hook = make_webhook(ada, inbox.url).webhook
    sign_in(page, web, ada)
    page.goto(f"/webhooks/{hook.id}")
    expect(page.get_by_text("Nothing was sent yet")).to_be_visible()
    inbox.answers = [status(500)]
    page.get_by_test_id("ping").click()
    row = page.get_by_test_id("row").first
    expect(row).to_contain_text("On its way")
    (sent,) = deliveries(hook.id)
    assert attempt(sent.id, utcnow(), NEAR) == "pending"
    for words in ("The receiver answered 500", "next attempt", "1 of 8"):
        expect(row).to_contain_text(words)
    expect(page.get_by_test_id("webhook-failing")).to_be_visible()
    due = deliveries(hook.id)[0].next_attempt_at
    assert due is not None
    assert attempt(sent.id, due, NEAR) == "delivered"
    expect(row).to_contain_text("Delivered")
    expect(page.get_by_test_id("webhook-failing")).to_have_count(0)
    row.get_by_test_id("replay").click()
    expect(page.get_by_test_id("row")).to_have_count(2)
    expect(row).to_contain_text("On its way")


def test_consequences_are_said_before_a_webhook_is_paused_changed_or_deleted(
    page: Page, web: Web, ada: Person, inbox: Receiver
) -> None:
    hook = make_webhook(ada, inbox.url).webhook
    sign_in(page, web, ada)
    page.goto(f"/webhooks/{hook.id}")
    page.get_by_test_id("pause").click()
    expect(page.get_by_test_id("confirm-pause")).to_contain_text("is not told to it, neither now nor later")
    page.get_by_test_id("confirm-pause-yes").click()
    expect(page.get_by_test_id("paused")).to_be_visible()
    page.get_by_test_id("edit").click()
    expect(page.get_by_label("queued")).to_be_checked()
    page.locator("input[name=name]").fill("Pager")
    page.get_by_test_id("form-submit").click()
    expect(title(page)).to_have_text("Pager")
    page.get_by_test_id("resume").click()
    expect(page.get_by_test_id("paused")).to_have_count(0)
    page.get_by_role("button", name="New secret").click()
    expect(page.get_by_test_id("confirm-rotate")).to_contain_text("refuses messages until it knows the new secret")
    page.get_by_test_id("confirm-rotate-yes").click()
    expect(page.get_by_test_id("webhook-secret")).to_contain_text("whsec_")
    page.get_by_test_id("secret-done").click()
    expect(page.get_by_test_id("webhook-secret")).to_have_count(0)
    page.get_by_test_id("delete").click()
    expect(page.get_by_test_id("confirm-delete")).to_contain_text("messages that wait are not sent")
    page.get_by_test_id("confirm-delete-yes").click()
    expect(title(page)).to_have_text("Webhooks")
    expect(page.locator(f"[data-row-id='{hook.id}']")).to_have_count(0)


def test_form_that_somebody_else_overtook_saves_nothing(page: Page, web: Web, ada: Person, inbox: Receiver) -> None:
    hook = make_webhook(ada, inbox.url).webhook
    sign_in(page, web, ada)
    page.goto(f"/webhooks/{hook.id}")
    page.get_by_test_id("edit").click()
    expect(page.locator("input[name=name]")).to_have_value(hook.name)
    path = f"{web.url}/api/v1/webhooks/{hook.id}"
    origin = {"Origin": web.url}
    assert page.context.request.put(path, data={"name": "Theirs"}, headers=origin).ok
    page.locator("input[name=name]").fill("Mine")
    page.get_by_test_id("form-submit").click()
    expect(page.get_by_test_id("form-dialog").get_by_test_id("error")).to_contain_text("Somebody changed this")
    assert page.context.request.get(path).json()["name"] == "Theirs"


def test_admin_of_an_organization_finds_no_webhooks(watched: Watched, web: Web, ada: Person, inbox: Receiver) -> None:
    organization = people.make_organization("Enterprise Ltd", Plan.ENTERPRISE)
    hook = make_webhook(ada, inbox.url, organization_id=organization, name="Theirs").webhook
    page = watched.page
    sign_in(page, web, people.make_person(
        "Eve Enterprise", Role.ORGANIZATION_ADMIN, organization_id=organization, plan=Plan.ENTERPRISE
    ))  # fmt: skip
    for path in ("/webhooks", f"/webhooks/{hook.id}"):
        page.goto(path)
        expect(page.get_by_text("Not part of your account")).to_be_visible()
        expect(page.get_by_test_id("nav-usage")).to_be_visible()
        expect(page.get_by_test_id("nav-webhooks")).to_have_count(0)
        expect(page.get_by_text("Theirs")).to_have_count(0)
    assert watched.faults == []


@pytest.mark.parametrize("path", ["/webhooks/none", "/webhooks/00000000-0000-0000-0000-000000000000"])
def test_an_address_of_nothing_says_so(page: Page, web: Web, ada: Person, path: str) -> None:
    sign_in(page, web, ada)
    page.goto(path)
    expect(page.get_by_text("This cannot be shown")).to_be_visible()


def test_nothing_is_wider_than_a_phone(chromium: Browser, web: Web, ada: Person, inbox: Receiver) -> None:
    hook = make_webhook(ada, inbox.url + "/" + "long" * 60, name="A name that goes on and on " * 4).webhook
    phone = chromium.new_context(viewport={"width": 360, "height": 800}, base_url=web.url, is_mobile=True)
    page = phone.new_page()
    sign_in(page, web, ada)
    for path in ("/webhooks", f"/webhooks/{hook.id}"):
        page.goto(path)
        expect(page.get_by_text("A name that goes on").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
    phone.close()
