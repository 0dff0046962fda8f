"""One line per request: whose it was, what it asked for, and nothing of what it carried."""

import json
import logging
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
from starlette.testclient import TestClient

from app import redaction
from app.logs import formatter
from app.settings import get_settings
from tests.support.people import Person

LOGGER = "app.api.access_log"


@pytest.fixture
def lines(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """`lines()`: what the API wrote since, as objects; through the formatter that production uses."""
    monkeypatch.setenv("TRAINYARD_LOG_FORMAT", "json")
    get_settings.cache_clear()
    before = logging.getLogRecordFactory()
    redaction.install()
    written = StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(formatter("web"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    root.removeHandler(handler)
    root.setLevel(level)
    logging.setLogRecordFactory(before)


def accessed(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in lines if line["logger"] == LOGGER]


def test_a_request_is_one_line_with_its_caller(
    lines: Callable[[], list[dict[str, Any]]], admin: TestClient, super_admin: Person
) -> None:
    answer = admin.get("/api/v1/training/jobs?limit=5")
    (line,) = accessed(lines())
    assert line["route"] == "/api/v1/training/jobs"
    assert "limit" not in json.dumps(line)
    assert (line["method"], line["status"], line["level"]) == ("GET", 200, "info")
    assert line["bytes"] == len(answer.content)
    assert line["ms"] > 0
    assert line["request_id"] == answer.headers["x-request-id"]
    assert line["actor"] == super_admin.email
    assert line["process"] == "web"


def test_lines_within_a_request_know_it_too(
    lines: Callable[[], list[dict[str, Any]]], as_person: Callable[..., TestClient], member: Person
) -> None:
    answer = as_person(member).get("/api/v1/training/datasets")
    refused = next(line for line in lines() if "refused" in line["message"])
    assert refused["request_id"] == answer.headers["x-request-id"]
    assert refused["actor"] == member.email


def test_nothing_private_is_told(
    lines: Callable[[], list[dict[str, Any]]], admin: TestClient, client: TestClient, super_admin: Person
) -> None:
    token = admin.headers["authorization"].removeprefix("Bearer ")
    client.cookies.set("trainyard_session", "cookie-value-that-is-secret")
    client.get("/api/v1/training/jobs?token=query-secret")
    client.post(
        "/api/v1/auth/sign-in",
        json={"email": super_admin.email, "password": "pass-secret"},
        headers={"origin": "http://trainyard.test"},
    )
    admin.get("/api/v1/evil%0a2026-01-01T00:00:00Z%20INFO%20forged")
    text = json.dumps([line for line in lines() if line["logger"] != "httpx"])  # the test client's own
    for secret in (token, "cookie-value-that-is-secret", "query-secret", "pass-secret", "forged"):
        assert secret not in text


def test_probes_are_told_only_when_they_fail(
    lines: Callable[[], list[dict[str, Any]]], admin: TestClient, client: TestClient
) -> None:
    assert admin.get("/metrics").status_code == 200
    assert client.get("/api/v1/healthz").status_code == 200
    assert accessed(lines()) == []
    assert client.get("/metrics").status_code == 401
    assert [line["status"] for line in accessed(lines())] == [401]


def test_answers_are_not_to_be_stored(admin: TestClient, client: TestClient) -> None:
    for answer in (admin.get("/api/v1/training/jobs"), client.get("/api/v1/nope"), admin.get("/metrics")):
        assert answer.headers["cache-control"] == "no-store"
    assert "cache-control" not in client.get("/api/v1/docs-assets/swagger-ui.css").headers


def test_the_documentation_page_runs_only_its_own_script(client: TestClient) -> None:
    policy = client.get("/api/v1/docs").headers["content-security-policy"]
    assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
    assert "'sha256-" in policy
