"""Health, readiness and metrics at the root of the server: who gets them and what they say."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_families
from prometheus_client.parser import text_string_to_metric_families as families
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.api import operations
from app.api.operations import Readiness
from app.domain.machines import JobStatus
from app.infra import metrics
from app.infra.db import transaction
from app.infra.queue import enqueue_training, get_redis
from app.settings import get_settings
from app.tables import EdgeServer
from app.tables.base import utcnow
from tests.support.edges import EdgeClient
from tests.support.people import PASSWORD, Person
from tests.support.records import make_dataset, make_job

OWN = {"origin": "http://trainyard.test"}


def read(client: TestClient) -> dict[tuple[str, ...], float]:
    """Every sample as (name, label values in the order of their names) → value."""
    answer = client.get("/metrics")
    assert answer.status_code == 200, answer.text
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in families(answer.text)
        for sample in family.samples
    }


def test_health_is_at_the_root_and_in_the_api(client: TestClient) -> None:
    for path in ("/healthz", "/api/v1/healthz"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    for path in ("/readyz", "/api/v1/readyz"):
        assert client.get(path).json() == {"database": "ok", "queue": "ok", "store": "ok"}


def lose_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAINYARD_REDIS_URL", "redis://127.0.0.1:1/0")
    get_settings.cache_clear()
    get_redis.cache_clear()


def test_not_ready_without_a_part(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lose_redis(monkeypatch)
    answer = TestClient(Starlette(routes=operations.routes())).get("/readyz")
    assert (answer.status_code, answer.json()["queue"]) == (503, "does not answer")


def test_probes_are_never_counted(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAINYARD_ANONYMOUS_LIMIT_PER_MINUTE", "1")
    get_settings.cache_clear()
    assert [client.get("/healthz").status_code for _ in range(5)] == [200] * 5


def test_the_parts_are_asked_once_a_second_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr("app.api.v1.health.parts", lambda: asked.append(1) or {"database": "ok"})
    readiness = Readiness(seconds=3600)
    assert [readiness.ask() for _ in range(20)] == [{"database": "ok"}] * 20
    assert len(asked) == 1


def test_metrics_are_for_who_may_read_them(
    client: TestClient,
    as_person: Callable[..., TestClient],
    super_admin: Person,
    enterprise_admin: Person,
    member: Person,
) -> None:
    refused = client.get("/metrics")
    assert refused.status_code == 401
    assert refused.headers["content-type"] == "application/problem+json"
    assert "trainyard_" not in refused.text
    assert [as_person(person).get("/metrics").status_code for person in (enterprise_admin, member)] == [403, 403]
    assert as_person(super_admin, "read").get("/metrics").status_code == 200


def test_requests_are_counted_by_route_and_never_by_path(admin: TestClient) -> None:
    before = read(admin)
    for number in range(3):
        admin.get(f"/api/v1/training/jobs/00000000-0000-4000-8000-00000000000{number}?secret=x")
        admin.get(f"/api/v1/made-up-{number}")
    admin.request("BREW", "/api/v1/users")
    after = read(admin)
    name = "trainyard_http_requests_total"
    grown = {
        key[1:]: after[key] - before.get(key, 0) for key in after if key[0] == name and after[key] != before.get(key)
    }
    assert grown[("GET", "/api/v1/training/jobs/{job_id}", "404")] == 3
    assert grown[("GET", "unmatched", "404")] == 3
    assert grown[("other", "/api/v1/users", "405")] == 1
    assert "made-up" not in str(after)
    assert after[("trainyard_http_request_seconds_count", "GET", "/api/v1/training/jobs/{job_id}")] >= 3


def test_failed_sign_ins_and_refusals_are_counted(
    client: TestClient, admin: TestClient, as_person: Callable[..., TestClient], member: Person
) -> None:
    before = read(admin)
    wrong = {"email": member.email, "password": "wrong"}
    assert client.post("/api/v1/auth/sign-in", json=wrong, headers=OWN).status_code == 401
    assert as_person(member).get("/api/v1/training/datasets").status_code == 403
    after = read(admin)
    for code in ("sign-in-failed", "forbidden"):
        key = ("trainyard_refusals_total", code)
        assert after[key] == before.get(key, 0) + 1


def test_gauges_are_of_this_moment(admin: TestClient, super_admin: Person, edge_client: EdgeClient) -> None:
    before = read(admin)
    job = make_job(super_admin, make_dataset(super_admin), JobStatus.QUEUED)
    enqueue_training(job.id, 1)
    edge_client.heartbeat()
    now = read(admin)
    assert now[("trainyard_jobs", "queued")] == before[("trainyard_jobs", "queued")] + 1
    assert now[("trainyard_jobs", "running")] == 0
    assert now[("trainyard_queue_depth", "training")] == 1
    assert now[("trainyard_edge_servers", "ok")] == 1
    assert now[("trainyard_audit_events_unchained",)] > 0
    assert now[("trainyard_webhook_deliveries_pending",)] == 0
    with transaction() as session:
        row = session.get_one(EdgeServer, edge_client.id)
        row.last_heartbeat_at = utcnow() - timedelta(days=1)
    assert read(admin)[("trainyard_edge_servers", "offline")] == 1


def test_a_lost_queue_hides_its_gauge_and_nothing_else(admin: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    lose_redis(monkeypatch)
    found = read(admin)
    assert ("trainyard_queue_depth", "training") not in found
    assert ("trainyard_jobs", "running") in found


def test_openmetrics_is_spoken_where_it_is_asked_for(admin: TestClient) -> None:
    answer = admin.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.count("# EOF") == 1
    assert "trainyard_jobs" in {family.name for family in open_families(answer.text)}


def test_an_unexpected_failure_has_a_line_a_count_and_a_request_id(
    api: Starlette, super_admin: Person, as_person: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.services.metrics.measure", lambda *_: 1 / 0)
    caller = as_person(super_admin)
    quiet = TestClient(api, base_url=str(caller.base_url), headers=caller.headers, raise_server_exceptions=False)
    answer = quiet.get("/metrics")
    assert answer.status_code == 500
    assert re.fullmatch(r"[0-9a-f]{32}", answer.json()["request_id"])
    assert answer.headers["x-request-id"] == answer.json()["request_id"]
    assert metrics.REQUESTS.labels("GET", "/metrics", "500")._value.get() >= 1


def test_a_browser_session_works_too(client: TestClient, super_admin: Person) -> None:
    body = {"email": super_admin.email, "password": PASSWORD}
    assert client.post("/api/v1/auth/sign-in", json=body, headers=OWN).status_code == 200
    assert client.get("/metrics").status_code == 200
