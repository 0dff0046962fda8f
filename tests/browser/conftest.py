"""A real Chromium and the real web process for the tests of this folder.

Without a browser or a built front end the tests are skipped with a line that says so; where `TRAINYARD_REQUIRE_BROWSER`
is set (continuous integration) that is a failure.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import httpx
import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    Playwright,
    expect,
    sync_playwright,
)

from app.domain.permissions import Role
from app.web.serving import client_folder
from tests.browser.label_desk import Dataset, signed_in
from tests.browser.web_process import Web, running_web
from tests.support.people import Person, make_person, make_token
from tests.support.servers import Servers

# Chromium's remark that the first text was painted late says something of the machine, not of the page.
SLOW_MACHINE = "was preloaded using link preload but not used within a few seconds"
expect.set_options(timeout=20_000)  # an upper bound; what is right is seen at once
SYSTEM_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def missing(what: str) -> NoReturn:
    if os.environ.get("TRAINYARD_REQUIRE_BROWSER"):
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's Chromium, or Playwright's own.

    Not for the whole session: while Playwright is open its event loop runs, and other tests could not start theirs.
    """
    path = next(filter(None, map(shutil.which, SYSTEM_BROWSERS)), None)
    with sync_playwright() as playwright:
        try:
            browser = _launch(playwright, path)
        except Error as error:
            missing(
                f"No Chromium here (apt-get install chromium, or playwright install chromium): {error.message[:200]}"
            )
        yield browser
        browser.close()


def _launch(playwright: Playwright, path: str | None) -> Browser:
    # Chromium's own sandbox needs privileges that containers and root do not have; the pages are ours.
    return playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])


@pytest.fixture(scope="module")
def web(stack: Servers) -> Iterator[Web]:
    """The web process with the built front end, on a database of this module's own."""
    if not (client_folder() / "index.html").is_file():
        missing(f"The front end is not built ({client_folder()}); ./trainyard test builds it.")
    with running_web(stack) as started:
        yield started


@pytest.fixture(scope="module")
def web_url(web: Web) -> str:
    """Where the web process serves."""
    return web.url


@pytest.fixture
def context(chromium: Browser, web: Web) -> Iterator[BrowserContext]:
    """A fresh browser profile that talks to the web process (and the store it signs URLs for) and to nobody else."""
    opened = chromium.new_context(viewport={"width": 1440, "height": 900}, base_url=web.url)
    opened.set_default_timeout(20_000)
    yield opened
    opened.close()


class Watched:
    """A page and everything that went wrong in it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.faults: list[str] = []
        self.requests: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and SLOW_MACHINE not in message.text:
            self.faults.append(f"{message.text} {message.location.get('url', '')}".strip())


@pytest.fixture
def watched(context: BrowserContext) -> Watched:
    """A new tab."""
    return Watched(context.new_page())


@pytest.fixture
def page(watched: Watched) -> Iterator[Page]:
    """A new tab that must stay without errors and without broken policies."""
    yield watched.page
    # A wrong password is answered with 401, which browsers report as an error of their own.
    faults = [fault for fault in watched.faults if "401 (Unauthorized)" not in fault]
    assert not faults, faults


@pytest.fixture
def key_folder(tmp_path: Path) -> Path:
    """Where a person of the test keeps key files."""
    return tmp_path


# Two super admins, because nobody verifies an own label. A module that asks for them has them for itself, as it has its
# database.


@pytest.fixture(scope="module")
def ada(web: Web) -> Person:
    return make_person("Ada Admin", Role.SUPER_ADMIN)


@pytest.fixture(scope="module")
def bob(web: Web) -> Person:
    return make_person("Bob Admin", Role.SUPER_ADMIN)


# For the tests of the editor.


@pytest.fixture
def api(web: Web, ada: Person) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {make_token(ada)}"}
    with httpx.Client(base_url=web.url, headers=headers, trust_env=False, timeout=60) as client:
        yield client


@pytest.fixture
def detection(api: httpx.Client) -> Dataset:
    return Dataset(api, "detection", 3)


@pytest.fixture
def sign_in(context: BrowserContext, web_url: str) -> Callable[..., BrowserContext]:
    def enter(person: Person, profile: BrowserContext = context) -> BrowserContext:
        return signed_in(person, profile, web_url)

    return enter
