"""What every answer of the web process tells the browser it may do."""

import base64
import hashlib
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from app.web.headers import SecurityHeaders, inline_script_sources, policy_of_page

SCRIPT = b"let here = 1;"
PAGE = b"<html><script src='/a.js'></script><script type=module>" + SCRIPT + b"</script></html>"
SOURCE = f"'sha256-{base64.b64encode(hashlib.sha256(SCRIPT).digest()).decode()}'"


def directives(policy: str) -> dict[str, list[str]]:
    return {name: values for name, *values in (part.split() for part in policy.split("; "))}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "index.html").write_bytes(PAGE)
    return tmp_path


def serve(folder: Path, *, https: bool) -> TestClient:
    async def say(_request: object) -> PlainTextResponse:
        return PlainTextResponse("x")

    inner = Starlette(routes=[Route("/{path:path}", say)])
    store = "http://127.0.0.1:9000"
    return TestClient(SecurityHeaders(inner, client=folder, store_origin=store, https=https))


def test_scripts_run_only_from_here_or_by_their_digest(folder: Path) -> None:
    policy = directives(serve(folder, https=True).get("/").headers["content-security-policy"])
    assert policy["script-src"] == ["'self'", SOURCE]
    assert "'unsafe-eval'" not in str(policy)
    assert policy["default-src"] == policy["form-action"] == ["'self'"]
    assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == ["'none'"]


def test_pictures_and_videos_may_come_from_the_store_and_go_to_it_and_to_nowhere_else(folder: Path) -> None:
    policy = directives(serve(folder, https=True).get("/").headers["content-security-policy"])
    assert policy["connect-src"] == ["'self'", "http://127.0.0.1:9000"]
    assert policy["img-src"] == ["'self'", "data:", "blob:", "http://127.0.0.1:9000"]
    assert policy["media-src"] == ["'self'", "http://127.0.0.1:9000"]


def test_a_page_made_on_the_way_allows_its_own_script_only(folder: Path) -> None:
    assert directives(policy_of_page(PAGE))["script-src"] == ["'self'", SOURCE]
    assert directives(policy_of_page(b"<html></html>"))["script-src"] == ["'self'"]
    assert inline_script_sources(folder) == SOURCE


def test_no_other_site_embeds_or_reads_an_answer(folder: Path) -> None:
    headers = serve(folder, https=False).get("/").headers
    assert headers["cross-origin-resource-policy"] == headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"


def test_browsers_stay_with_https_once_it_was_there(folder: Path) -> None:
    assert serve(folder, https=True).get("/").headers["strict-transport-security"] == "max-age=31536000"
    assert "strict-transport-security" not in serve(folder, https=False).get("/").headers


@pytest.mark.parametrize(
    ("path", "kept"), [("/assets/a-1234.js", "public, max-age=31536000, immutable"), ("/datasets", "no-cache")]
)
def test_only_files_that_never_change_are_kept(folder: Path, path: str, kept: str) -> None:
    assert serve(folder, https=True).get(path).headers["cache-control"] == kept
