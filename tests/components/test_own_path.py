"""Signing in leads to a page of our own, whatever stands in the address."""

from functools import lru_cache

import pytest

from tests.components.browser_modules import run_js

OURS = {"/jobs": "/jobs", "/jobs?sort=name": "/jobs?sort=name", "jobs": "/jobs", "/a/../b": "/b"}
OTHERS = (
    "", "//evil.example", "/.//evil.example", "/..//evil.example", "/x/..//evil.example", "/%2e//evil.example",
    "/\\evil.example", "/\t/evil.example", "https://evil.example/", "javascript:alert(1)",
    "data:text/html,x", "http://[", "https://trainyard.test.evil.example/", "https://trainyard.test@evil.example/",
    "/sign-in", "/sign-in?next=/sign-in",
)  # fmt: skip


@lru_cache
def led_to() -> dict[str, str]:
    """Where each address leads."""
    script = """
        const { ownPath } = await load("own_path.js");
        return given.map((wanted) => [wanted, ownPath(wanted, "https://trainyard.test")]);
    """
    return dict(run_js(script, given=[*OURS, *OTHERS]))


@pytest.mark.parametrize("wanted", OURS)
def test_own_page_is_reached(wanted: str) -> None:
    assert led_to()[wanted] == OURS[wanted]


@pytest.mark.parametrize("wanted", OTHERS)
def test_nobody_is_led_to_another_site(wanted: str) -> None:
    assert led_to()[wanted] == "/"
