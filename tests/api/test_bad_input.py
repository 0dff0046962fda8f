"""Whatever is sent, the answer is a problem document that says what is wrong, and never a failure of the server."""

import copy
import itertools
import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.api.limits import MAX_BODY_BYTES
from app.services import datasets
from tests.support.edges import EdgeClient
from tests.support.people import PASSWORD, Person
from tests.support.world import API, Call, calls, make_world

NAN, HUGE = float("nan"), 10**400
ALWAYS: list[Any] = ["a\0b", "\ud800", HUGE]
ROTATING: list[Any] = [
    "", " ", "x" * 20_000, "\u202e", NAN, float("inf"), -1, 2**63, 1.5, True, None, [], {}, ["a"], {"a": "b\0c"},
    {"\0": 1}, {"\ud800": 1}, {"deep": [[[[[[1]]]]]]}, "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00",
    "2026-01-01T00:00:00",
]  # fmt: skip


def hostile(value: Any) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every place of `value` with what it is replaced by: the worst everywhere, the others in turn."""
    turn = itertools.cycle(ROTATING)
    for place in leaves(value):
        for other in (*ALWAYS, *itertools.islice(turn, 5)):
            yield place, other


def is_problem(answer: httpx.Response) -> bool:
    if answer.headers.get("content-type") != "application/problem+json":
        return False
    body = answer.json()
    named = body["type"].startswith("https://trainyard.dev/problems/") and body["title"] and body["detail"]
    return bool(named) and body["status"] == answer.status_code and body["request_id"] == answer.headers["x-request-id"]


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something could be replaced in a JSON value, the value itself included."""
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inside:
        yield from leaves(part, (*path, key))


def replaced(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    """A copy of `value` with something else at `path`."""
    if not path:
        return other
    made = copy.deepcopy(value)
    target = made
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = other
    return made


@pytest.fixture
def made(super_admin: Person) -> list[Call]:
    """Every specified endpoint, and the product's own that take a body, with a valid request each."""
    world = make_world(super_admin, None)
    dataset = f"{API}/datasets/{world.dataset}"
    full_sample = {
        "upload_key": f"uploads/{world.dataset}/{world.sample}/0",
        "sha256": "0" * 64,
        "labels": {"class": "one"},
        "source_camera_id": str(world.sample),
        "captured_at": "2026-01-01T00:00:00Z",
        "metadata": {"note": "x"},
    }
    place = {"site": "s", "latitude": 1.0, "longitude": 1.0, "organization_id": None}
    more = [
        Call("POST", f"{dataset}/samples", {"samples": [full_sample]}),
        Call("POST", f"{dataset}/uploads", {"count": 1}),
        Call("POST", f"{dataset}/samples/verify", {"sample_ids": [str(world.sample)], "verified": True}),
        Call(
            "PUT", dataset, {"name": "n", "description": "d", "environment": "dev", "version": "1", "status": "draft"}
        ),
        Call("POST", f"{API}/edge-servers", {"name": "n", **place}),
        Call("POST", f"{API}/trust/root", {"metadata": "{}", "approvers": [{"keyid": "0" * 64, "email": "a@b.c"}]}),
        Call("POST", "/api/v1/users", {"email": "x@example.test", "name": "X", "password": PASSWORD, "role": "member"}),
        Call("POST", "/api/v1/organizations", {"name": "X", "plan": "enterprise"}),
        Call("POST", "/api/v1/auth/tokens", {"name": "t", "scope": "read", "days": 1}),
        Call("POST", "/api/v1/auth/sign-in", {"email": "x@example.test", "password": "x"}),
    ]
    return [call for call in calls(world) if call.body is not None] + more


def refused(answer: httpx.Response, call: Call, *statuses: int) -> str | None:
    """What is wrong with this refusal."""
    if answer.status_code in statuses and is_problem(answer):
        return None
    return f"{call.method} {call.path}: {answer.status_code} {answer.text[:300]}"


def send_raw(client: TestClient, call: Call, content: bytes, **headers: str) -> httpx.Response:
    headers = {"Content-Type": "application/json", **headers}
    return client.request(call.method, call.path, content=content, headers=headers)


def test_unknown_field_is_refused_by_name(admin: TestClient, made: list[Call]) -> None:
    faults = []
    for call in made:
        answer = admin.request(call.method, call.path, json={**call.body, "surprise": 1})
        faults.append(refused(answer, call, 422))
        assert any(fault["field"] == "body.surprise" for fault in answer.json()["errors"]), call.path
    assert not any(faults), faults


def test_body_that_is_no_json_object_is_refused(admin: TestClient, made: list[Call]) -> None:
    faults = []
    for call in made:
        for content in (b"", b"{", b"[]", b"7", b"null", b'"x"', b"\xff\xfe", b'{"name": "\xff"}', b"[" * 100_000):
            faults.append(refused(send_raw(admin, call, content), call, 400, 413, 422))
        plain = json.dumps(call.body).encode()
        faults.append(refused(send_raw(admin, call, plain, **{"Content-Type": "text/plain"}), call, 415, 422))
    assert not any(faults), list(filter(None, faults))


def test_hostile_values_in_every_place_never_break_the_server(admin: TestClient, made: list[Call]) -> None:
    faults, tried = [], 0
    for call in made:
        for path, other in hostile(call.body):
            content = json.dumps(replaced(call.body, path, other)).encode()
            tried += 1
            try:
                answer = send_raw(admin, call, content)
            except Exception as error:  # noqa: BLE001 whatever escapes would be a 500
                faults.append(f"{call.method} {call.path} {path} {other!r:.30}: {error!r:.200}")
                continue
            if answer.status_code >= 400 and not (answer.status_code < 500 and is_problem(answer)):
                faults.append(
                    f"{call.method} {call.path} {path} {other!r:.30}: {answer.status_code} {answer.text:.200}"
                )
    for page in (f"{API}/datasets", f"{API}/edge-servers", "/api/v1/users", f"{API}/audit"):
        assert admin.get(page).status_code == 200, page
    assert not faults, f"{len(faults)} of {tried}\n" + "\n".join(faults[:40])


def test_path_that_is_no_id_is_refused_and_an_unknown_one_not_found(admin: TestClient, made: list[Call]) -> None:
    faults = []
    for call in made:
        parts = call.path.split("/")
        for place, part in enumerate(parts):
            if part.count("-") != 4:
                continue
            for wrong, status in (("7", 422), ("%00", 422), (str(uuid4()), 404), ("x" * 3000, 422)):
                path = "/".join([*parts[:place], wrong, *parts[place + 1 :]])
                faults.append(refused(admin.request(call.method, path, json=call.body), call, status, 404))
    assert not any(faults), list(filter(None, faults))


def test_list_refuses_a_wrong_page(admin: TestClient) -> None:
    wrong = [
        {"limit": "0"}, {"limit": "201"}, {"limit": "many"}, {"limit": str(2**70)}, {"cursor": "rubbish"},
        {"cursor": "é"}, {"cursor": "x" * 2001}, {"cursor": "a\0"}, {"cursor": "WzEsMl0"}, {"surprise": "1"},
        {"cursor": "WyIyMDI2LTAxLTAxVDAwOjAwOjAwKzAwOjAwIiwgIjk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTkiXQ"},
    ]  # fmt: skip
    faults = []
    for name in ("datasets", "jobs", "models", "deployments", "edge-servers", "audit"):
        for query in wrong:
            answer = admin.get(f"{API}/{name}", params=query)
            faults.append(refused(answer, Call("GET", f"{name} {query}"), 422))
    assert not any(faults), "\n".join(filter(None, faults))


WRONG_FILTERS = [
    ("datasets", {"status": "deleted"}),
    ("datasets", {"ai_module": "Bad Name"}),
    ("jobs", {"status": "paused"}),
    ("jobs", {"dataset_id": "7"}),
    ("models", {"status": "live"}),
    ("deployments", {"edge_server_id": str(2**31)}),
    ("datasets/{dataset}/samples", {"status": "odd"}),
    ("datasets/{dataset}/samples", {"label": "a\0b"}),
    ("jobs/{job}/logs", {"offset": "-1"}),
    ("jobs/{job}/logs", {"offset": str(2**31)}),
    ("jobs/{job}/metrics", {"max_points": "1"}),
]


def test_filter_refuses_what_it_does_not_know(admin: TestClient, super_admin: Person) -> None:
    world = make_world(super_admin, None)
    faults = []
    for path, query in WRONG_FILTERS:
        full = f"{API}/{path.format(dataset=world.dataset, job=world.job)}"
        faults.append(refused(admin.get(full, params=query), Call("GET", f"{full} {query}"), 422))
    assert not any(faults), list(filter(None, faults))


def test_body_over_the_limit_is_refused_before_it_is_read(admin: TestClient) -> None:
    call = Call("POST", f"{API}/datasets")
    large = b'{"name": "' + b"x" * MAX_BODY_BYTES + b'"}'
    assert refused(send_raw(admin, call, large), call, 413) is None
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while taken < 100:
            taken += 1
            yield b"x" * 1024 * 1024

    answer = admin.post(call.path, content=endless(), headers={"Content-Type": "application/json"})
    assert refused(answer, call, 413) is None


@pytest.mark.anyio
async def test_server_stops_reading_a_body_that_is_too_large(api: Starlette, admin: TestClient) -> None:
    asked, answers = 0, []

    async def receive() -> dict[str, Any]:
        nonlocal asked
        asked += 1
        return {"type": "http.request", "body": b"x" * 1024 * 1024, "more_body": asked < 100}

    async def send(message: dict[str, Any]) -> None:
        answers.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": f"{API}/datasets", "raw_path": f"{API}/datasets".encode(), "query_string": b"", "root_path": "",
        "headers": [(b"host", b"trainyard.test"), (b"content-type", b"application/json"),
                    (b"authorization", admin.headers["authorization"].encode())],
        "client": ("127.0.0.1", 1), "server": ("trainyard.test", 80),
    }  # fmt: skip
    await api(scope, receive, send)
    assert answers[0]["status"] == 413
    assert asked <= 10


def test_method_and_path_that_do_not_exist(admin: TestClient) -> None:
    wrong = admin.patch(f"{API}/datasets")
    assert refused(wrong, Call("PATCH", "datasets"), 405) is None
    assert wrong.headers["allow"] == "GET, POST" or set(wrong.headers["allow"].split(", ")) & {"GET", "POST"}
    assert refused(admin.get(f"{API}/nothing"), Call("GET", "nothing"), 404) is None


def test_unexpected_failure_tells_nothing_of_the_inside(
    admin: TestClient, api: Starlette, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the password is swordfish")

    monkeypatch.setattr(datasets, "list_datasets", broken)
    calm = TestClient(api, base_url="http://trainyard.test", headers=admin.headers, raise_server_exceptions=False)
    answer = calm.get(f"{API}/datasets")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "swordfish" not in answer.text
    assert "Traceback" not in answer.text


def test_hostile_edge_reports_never_break_the_server(edge_client: EdgeClient, admin: TestClient) -> None:
    loaded = {
        "ai_module": "meter_digits",
        "version": "1.0.0",
        "model_version_id": str(uuid4()),
        "bundle_sha256": "0" * 64,
        "loaded_at": "2026-01-01T00:00:00Z",
    }
    heartbeat = {
        "edge_version": "0.1.0", "platform": "linux/x86_64", "loaded": [loaded], "inference_count": 1,
        "inference_p50_ms": 0.5, "last_error": "x",
    }  # fmt: skip
    progress = {"status": "failed", "progress_percent": 1, "error_message": "x"}
    unknown = f"/deployments/{uuid4()}"
    faults = []
    for path, body in (("/heartbeat", heartbeat), (f"{unknown}/progress", progress)):
        for place, other in hostile(body):
            answer = edge_client.call("POST", path, replaced(body, place, other))
            if answer.status_code >= 400 and not (answer.status_code < 500 and is_problem(answer)):
                faults.append(f"{path} {place} {other!r:.30}: {answer.status_code} {answer.text:.200}")
    assert edge_client.heartbeat().status_code == 200
    assert admin.get(f"{API}/edge-servers").status_code == 200
    assert not faults, "\n".join(faults)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
