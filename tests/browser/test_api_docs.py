"""The documentation of the API works in a real browser under its own strict policy."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.web_process import Web, running_web
from tests.support.servers import Servers

SCROLL_TO = """path => {
    scrollBy(0, 400);
    return [...document.querySelectorAll(".opblock-summary-path")].some(shown => shown.dataset.path === path);
}"""


@pytest.fixture(scope="module")
def web(stack: Servers) -> Iterator[Web]:
    with running_web(stack, front_end=False) as started:
        yield started


def test_it_shows_every_noun_and_breaks_no_policy(chromium: Browser, web: Web) -> None:
    page = chromium.new_page(base_url=web.url)
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto("/api/v1/docs")
    page.get_by_text("/auth/me", exact=True).first.wait_for()
    page.wait_for_function(SCROLL_TO, arg="/training/jobs")  # so many routes are drawn only where one looks
    assert faults == []
    assert all(url.startswith((web.url, "data:")) for url in requests)
    page.close()
