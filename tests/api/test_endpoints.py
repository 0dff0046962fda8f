"""The 25 specified endpoints: they exist with exactly these methods and paths, and the whole loop works over them."""

import re
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.infra.object_store import get_object_store
from app.infra.queue import queue, queue_id
from app.schemas.model_versions import ApprovalProposal
from tests.support.edges import EdgeClient
from tests.support.images import add_samples, png, upload
from tests.support.people import Person
from tests.support.records import make_version
from tests.support.specification import specified
from tests.support.trust import Trusted
from tests.support.world import API, SCHEMA, calls, make_world

AsPerson = Callable[..., TestClient]


def ok(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


# What stands beside the specification under one of its own paths: the editor reads one sample.
ADDED = {"/api/v1/training/datasets/{}/samples/{}": {"GET"}}


def test_specified_endpoints_exist_and_their_paths_have_no_other_methods(client: TestClient) -> None:
    document = ok(client.get("/api/v1/openapi.json"))
    offered: dict[str, set[str]] = {}
    for path, methods in document["paths"].items():
        prefix = document["servers"][0]["url"]
        offered.setdefault(re.sub(r"\{\w+\}", "{}", prefix + path), set()).update(m.upper() for m in methods)
    assert len([m for methods in specified().values() for m in methods]) == 25
    wanted = {path: methods | ADDED.get(path, set()) for path, methods in specified().items()}
    assert {path: offered.get(path) for path in specified()} == wanted


def test_calls_of_the_tests_are_the_specified_ones(super_admin: Person) -> None:
    made: dict[str, set[str]] = {}
    for call in calls(make_world(super_admin, None)):
        made.setdefault(re.sub(r"/[0-9a-f-]{36}", "/{}", call.path), set()).add(call.method)
    assert made == specified()


@pytest.fixture
def dataset(admin: TestClient) -> str:
    body = {"name": "digits", "ai_module": "meter_digits", "label_schema": SCHEMA}
    return str(ok(admin.post(f"{API}/datasets", json=body), 201)["id"])


def test_dataset_is_created_listed_shown_changed_and_deleted(admin: TestClient, dataset: str) -> None:
    listed = ok(admin.get(f"{API}/datasets", params={"ai_module": "meter_digits", "status": "draft"}))
    assert [item["id"] for item in listed["items"]] == [dataset]
    assert ok(admin.get(f"{API}/datasets", params={"ai_module": "other"}))["items"] == []
    changed = ok(admin.put(f"{API}/datasets/{dataset}", json={"description": "new", "status": "active"}))
    shown = ok(admin.get(f"{API}/datasets/{dataset}"))
    assert shown == changed
    assert (shown["description"], shown["status"], shown["name"]) == ("new", "active", "digits")
    assert datetime.fromisoformat(shown["created_at"]).utcoffset().total_seconds() == 0  # type: ignore[union-attr]
    add_samples(admin, dataset, [png(1)])
    ok(admin.delete(f"{API}/datasets/{dataset}"), 204)
    ok(admin.get(f"{API}/datasets/{dataset}"), 404)


def test_sample_is_uploaded_labelled_verified_and_deleted_with_its_file(
    admin: TestClient, as_person: AsPerson, second_admin: Person, dataset: str
) -> None:
    samples = f"{API}/datasets/{dataset}/samples"
    (key,) = upload(admin, dataset, [png(5)])
    body = {"upload_key": key, "captured_at": "2026-01-02T03:04:05+01:00", "metadata": {"camera": "roof", "lux": 7}}
    (made,) = ok(admin.post(samples, json={"samples": [body]}), 201)["items"]
    assert (made["width"], made["height"], made["file_size"]) == (8, 8, len(png(5)))
    assert made["metadata"] == {"camera": "roof", "lux": 7}
    ok(admin.put(f"{samples}/{made['id']}", json={"labels": {"class": "one"}}))
    other = as_person(second_admin)
    verified = ok(other.post(f"{samples}/{made['id']}/verify", json={"quality_score": 0.25}))
    assert (verified["is_verified"], verified["verified_by"], verified["quality_score"]) == (
        True,
        second_admin.id,
        0.25,
    )
    assert verified["captured_at"] == "2026-01-02T02:04:05Z"
    (item,) = ok(admin.get(samples, params={"status": "verified", "label": "one"}))["items"]
    shown = httpx.get(item["url"], trust_env=False)
    assert (shown.content, shown.headers["content-type"]) == (png(5), "image/png")
    ok(admin.delete(f"{samples}/{made['id']}"), 204)
    assert ok(admin.get(samples))["items"] == []
    assert httpx.get(item["url"], trust_env=False).status_code == 404


def test_job_is_started_from_verified_samples_handed_to_the_queue_and_cancelled(
    admin: TestClient, as_person: AsPerson, second_admin: Person, dataset: str
) -> None:
    ids = [
        sample["id"]
        for label, first in (("zero", 0), ("one", 100))
        for sample in add_samples(admin, dataset, [png(first + n) for n in range(6)], label)
    ]
    decision = {"sample_ids": ids}
    assert ok(as_person(second_admin).post(f"{API}/datasets/{dataset}/samples/verify", json=decision)) == {"count": 12}
    body = {"name": "first", "dataset_id": dataset, "hyperparameters": {"epochs": 3}, "seed": 7}
    job = ok(admin.post(f"{API}/jobs", json=body), 201)
    assert (job["status"], job["total_epochs"], job["hyperparameters"]["epochs"]) == ("queued", 3, 3)
    waiting = queue().fetch_job(queue_id(UUID(job["id"]), 1))
    assert waiting is not None
    assert (waiting.func_name, waiting.args) == ("workers.jobs.train", [job["id"], 1])
    assert ok(admin.get(f"{API}/jobs", params={"status": "queued"}))["items"] == [job]
    assert ok(admin.get(f"{API}/jobs/{job['id']}/logs"))["text"] == ""
    assert ok(admin.get(f"{API}/jobs/{job['id']}/metrics")) == {"job_id": job["id"], "series": {}, "last_step": -1}
    assert ok(admin.post(f"{API}/jobs/{job['id']}/cancel"))["status"] == "cancelled"
    assert ok(admin.get(f"{API}/jobs/{job['id']}"))["completed_at"] is not None


def approve(admin: TestClient, trusted: Trusted, person: Person, version: str) -> httpx.Response:
    proposal = ApprovalProposal(**ok(admin.get(f"{API}/models/{version}/approval")))
    signed = trusted.sign(proposal, trusted.keys[person.id])
    return admin.post(f"{API}/models/{version}/approve", json=signed.model_dump())


def test_version_is_approved_released_deployed_retried_and_deprecated(
    admin: TestClient, trusted: Trusted, super_admin: Person, enrolled: Callable[..., EdgeClient]
) -> None:
    version = str(make_version().id)
    path = f"{API}/models/{version}"
    first, second = enrolled("first"), enrolled("second")
    assert ok(admin.put(path, json={"status": "testing", "release_notes": "better"}))["release_notes"] == "better"
    approved = ok(approve(admin, trusted, super_admin, version))
    assert (approved["status"], approved["approved_by"]) == ("approved", super_admin.id)
    assert ok(admin.post(f"{path}/release"))["status"] == "released"
    rollout = ok(admin.post(f"{path}/deploy", json={"edge_server_id": first.id}), 201)
    deployment = rollout["deployments"][0]["id"]
    ok(first.progress(deployment, "failed", error="The disk is full."))
    (row,) = ok(admin.get(f"{path}/deployments"))["items"]
    assert (row["status"], row["error_message"], row["edge_server_name"]) == ("failed", "The disk is full.", "first")
    retried = ok(admin.post(f"{API}/deployments/{deployment}/retry"))
    assert (retried["status"], retried["retry_count"], retried["error_message"]) == ("pending", 1, None)
    everywhere = ok(admin.post(f"{path}/deploy-all"), 201)
    assert {d["edge_server_id"] for d in everywhere["deployments"]} == {first.id, second.id}
    ok(admin.post(f"{path}/deprecate"), 409)
    for edge, made in zip((first, second), everywhere["deployments"], strict=True):
        for status in ("downloading", "installing", "completed"):
            ok(edge.progress(made["id"], status, 50))
    assert ok(admin.post(f"{path}/deprecate"))["status"] == "deprecated"
    assert [item["id"] for item in ok(admin.get(f"{API}/models", params={"status": "deprecated"}))["items"]] == [
        version
    ]


def test_download_url_gives_the_bytes_for_a_while_and_only_as_signed(admin: TestClient) -> None:
    version = make_version()
    answer = ok(admin.post(f"{API}/models/{version.id}/download"))
    url = httpx.URL(answer["url"])
    assert answer["expires_in_seconds"] == int(url.params["X-Amz-Expires"]) == 300
    data = httpx.get(url, trust_env=False)
    assert data.content == get_object_store().get_bytes(get_object_store().key(version.model_file_url))
    assert "meter_digits-1.0.0.tar" in data.headers["content-disposition"]
    bare = url.copy_with(query=None)
    longer = url.copy_set_param("X-Amz-Expires", "86400")
    forged = url.copy_set_param("X-Amz-Signature", "0" * 64)
    past = url.copy_set_param("X-Amz-Date", "20200101T000000Z")
    refused = [httpx.get(u, trust_env=False) for u in (bare, longer, forged, past)]
    assert all(answer.status_code in (400, 403) and data.content not in answer.content for answer in refused)


def test_documentation_comes_from_this_server(client: TestClient) -> None:
    page = client.get("/api/v1/docs").text
    links = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert links
    assert all(link.startswith("/api/v1/") and client.get(link).status_code == 200 for link in links)


def test_health_says_which_part_is_away(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ok(client.get("/api/v1/healthz")) == {"status": "ok"}
    assert ok(client.get("/api/v1/readyz")) == {"database": "ok", "queue": "ok", "store": "ok"}
    from app.infra.queue import get_redis
    from app.settings import get_settings

    monkeypatch.setenv("TRAINYARD_REDIS_URL", "redis://127.0.0.1:1/0")
    get_settings.cache_clear()
    get_redis.cache_clear()
    assert ok(client.get("/api/v1/readyz"), 503)["queue"] == "does not answer"


def test_api_stands_without_the_dashboard(api: Starlette) -> None:
    code = "import sys, app.api.app as a; a.create_standalone(); print({'reflex', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
