"""A running identity provider, the product set up for it, and browsers."""

from collections.abc import Callable, Iterator

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.infra.identity_provider import provider_at
from app.settings import get_settings
from tests.conftest import ORIGIN
from tests.support.oidc_provider import Provider, oidc_provider
from tests.support.single_sign_on import ROLES

Configure = Callable[..., None]


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    with oidc_provider() as started:
        yield started


@pytest.fixture
def configure(database: str, running: Provider, monkeypatch: pytest.MonkeyPatch) -> Configure:
    """Change settings of this process."""

    def change(**settings: str) -> None:
        for name, value in settings.items():
            monkeypatch.setenv(f"TRAINYARD_{name}".upper(), value)
        get_settings.cache_clear()

    return change


@pytest.fixture
def provider(running: Provider, configure: Configure) -> Provider:
    """The provider, in which Ann is an admin, and the product set up for it."""
    provider_at.cache_clear()
    running.person(groups=["staff", "admins"])
    configure(**running.settings(ROLES))
    return running


@pytest.fixture
def new_browser(api: Starlette, database: str) -> Callable[[], TestClient]:
    """A new browser that follows no redirect by itself."""
    return lambda: TestClient(api, base_url=ORIGIN, follow_redirects=False)


@pytest.fixture
def ann(new_browser: Callable[[], TestClient]) -> TestClient:
    return new_browser()
