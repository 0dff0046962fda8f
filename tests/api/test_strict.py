"""Requests with two meanings, or with a form that only costs, are refused by name, and nothing of them is done."""

import json

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from app.infra.db import transaction
from app.tables import Organization

PATH = "/api/v1/organizations"
JSON = {"Content-Type": "application/json"}


def deep(levels: int) -> str:
    return '{"name": ' + "[" * levels + "]" * levels + "}"


BODIES = {
    '{"name": "First", "name": "Second"}': "stands twice",
    '{"name": "First", "n\\u0061me": "Second"}': "stands twice",
    '{"name": "X", "plan": "enterprise", "more": {"a": 1, "a": 2}}': "stands twice",
    deep(40): "32 levels",
    deep(50_000): "32 levels",
    '{"name": NaN}': "NaN is not JSON",
    '{"name": -Infinity}': "-Infinity is not JSON",
    '{"name": "X"} {"name": "Y"}': "not JSON",
    '{"name": "X",}': "not JSON",
    '{"name": "X", "plan": "platinum"}': "body.plan",
    '{"name": "a\\u0000b"}': "NUL",
    '{"name": 12345678901234567890123456789012345678901234567890}': "body.name",
    '{"name": "X", "plan": null}': "body.plan",
    '{"name": "' + "x" * 201 + '"}': "body.name",
}


@pytest.mark.parametrize("body", BODIES, ids=[text[:30] for text in BODIES])
def test_body_is_refused_by_name_and_nothing_is_done(admin: TestClient, body: str) -> None:
    answer = admin.post(PATH, content=body, headers=JSON)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert BODIES[body] in answer.text
    with transaction() as session:
        assert session.exec(select(Organization)).all() == []


def test_body_that_is_not_utf8_is_refused(admin: TestClient) -> None:
    for content in (b'{"name": "\xff\xfe"}', '{"name": "X"}'.encode("utf-16")):
        answer = admin.post(PATH, content=content, headers=JSON)
        assert answer.status_code == 422
        assert "not UTF-8" in answer.json()["detail"]


def test_json_under_another_type_is_not_read(admin: TestClient) -> None:
    """A form of another site can send text/plain without being asked for permission; it must not pass as JSON."""
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonx", ""):
        answer = admin.post(PATH, content=json.dumps({"name": "X"}), headers={"Content-Type": kind})
        assert answer.status_code in {400, 415, 422}, (kind, answer.text)
    with transaction() as session:
        assert session.exec(select(Organization)).all() == []


@pytest.mark.parametrize("query", ["limit=1&limit=2", "cursor=a&limit=5&cursor=b", "plan=enterprise&plan=professional"])
def test_parameter_that_stands_twice_is_refused(admin: TestClient, query: str) -> None:
    answer = admin.get(f"{PATH}?{query}")
    assert answer.status_code == 422
    assert "more than once" in answer.json()["detail"]


def test_list_parameter_may_stand_twice(admin: TestClient, super_admin: object) -> None:
    unknown = "/api/v1/training/jobs/00000000-0000-4000-8000-000000000000/metrics"
    assert admin.get(f"{unknown}?names=a&names=b").status_code == 404


def test_body_of_a_call_that_takes_none_is_not_read(admin: TestClient) -> None:
    assert admin.get("/api/v1/auth/me").status_code == 200
    assert admin.request("GET", "/api/v1/auth/me", content=b"{broken", headers=JSON).status_code == 200


LOOSE = [
    ("/api/v1/auth/sign-out-everywhere", {"api_tokens": "yes"}, "body.api_tokens: must be true or false"),
    ("/api/v1/auth/sign-out-everywhere", {"api_tokens": 1}, "body.api_tokens: must be true or false"),
    ("/api/v1/auth/tokens", {"name": "t", "days": "90"}, "body.days: must be a number, without quotes"),
    ("/api/v1/auth/tokens", {"name": "t", "days": True}, "body.days: must be a number, without quotes"),
    ("/api/v1/training/edge-servers", {"name": "e", "latitude": "5"}, "body.latitude: must be a number"),
]


@pytest.mark.parametrize(("path", "body", "fault"), LOOSE)
def test_value_of_another_type_is_not_guessed(admin: TestClient, path: str, body: object, fault: str) -> None:
    answer = admin.post(path, json=body)
    assert answer.status_code == 422, answer.text
    assert fault in answer.json()["detail"]


def test_what_stands_in_an_address_is_read_as_what_it_should_be(admin: TestClient) -> None:
    assert len(admin.get("/api/v1/users?is_active=true&limit=5").json()["items"]) == 1
