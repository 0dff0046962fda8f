"""Every way in which single sign-on can fail is told in words, and nothing that stands in the address is."""

import re
from functools import lru_cache
from pathlib import Path

import pytest

from tests.components.browser_modules import run_js

ROOT = Path(__file__).resolve().parents[2]
SOURCES = (*(ROOT / "app/auth").glob("*.py"), ROOT / "app/infra/identity_provider.py")
# What the server says; "oidc-refused" is the name of them all, and none of them.
CODES = sorted(
    {code for path in SOURCES for code in re.findall(r'"(oidc-[a-z-]+)"', path.read_text())} - {"oidc-refused"}
)
INVENTED = ("", "constructor", "__proto__", "toString", "<b>call 555</b>", "oidc-expired ")


@lru_cache
def words() -> dict[str, str]:
    """What the sign-in page says to each code."""
    script = """
        const { inWords } = await load("sign_in_problems.js");
        return given.map((code) => [code, inWords(code)]);
    """
    return dict(run_js(script, given=[*CODES, *INVENTED]))


def test_every_problem_has_words_of_its_own() -> None:
    told = [words()[code] for code in CODES]
    assert len(set(told)) == len(CODES) > 8
    assert not any("oidc" in sentence for sentence in told)


@pytest.mark.parametrize("code", CODES)
def test_problem_is_explained(code: str) -> None:
    assert words()[code] != words()[""]


@pytest.mark.parametrize("code", INVENTED)
def test_what_somebody_wrote_into_the_address_is_not_shown(code: str) -> None:
    assert words()[code].startswith("Single sign-on did not work.")
