"""Traces: nothing without a collector, and with one the whole way of a request, decoded from what was really sent."""

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.domain.machines import JobStatus
from app.domain.permissions import Permission
from app.errors import Forbidden
from app.infra import tracing
from app.infra.queue import TRACE, enqueue_training, queue, queue_id
from app.logs import JsonLines
from app.services import overview
from state import base
from tests.support.collector import Collector, collecting
from tests.support.people import Person
from tests.support.records import make_dataset, make_job

ROOT = Path(__file__).resolve().parents[2]
CALLERS_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLERS_SPAN = "00f067aa0ba902b7"


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with collecting() as listening:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", listening.url)
        tracing.start("web")
        yield listening
        tracing.stop()


def test_without_a_collector_nothing_is_loaded_or_started() -> None:
    code = """
import json, sys, threading
from app.api.app import create_standalone
from app.infra import tracing
import workers.jobs
create_standalone()
tracing.start("web")
with tracing.span("x") as span:
    span.set({"a": 1})
heavy = [name for name in sys.modules if name.startswith(("opentelemetry.sdk.trace.export", "opentelemetry.exporter"))]
print(json.dumps([heavy, tracing.carrier(), [thread.name for thread in threading.enumerate()]]))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == [[], {}, ["MainThread"]]


@pytest.mark.parametrize("name", ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"])
def test_either_standard_variable_names_the_collector(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert not tracing.configured()
    monkeypatch.setenv(name, "http://127.0.0.1:4318")
    assert tracing.configured()
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert not tracing.configured()


def test_a_request_continues_the_trace_of_its_caller(collector: Collector, admin: TestClient) -> None:
    traceparent = f"00-{CALLERS_TRACE}-{CALLERS_SPAN}-01"
    answer = admin.get("/api/v1/training/jobs?ai_module=private_word", headers={"traceparent": traceparent})
    tracing.flush()
    (span,) = collector.named("GET /api/v1/training/jobs")
    assert (span.trace_id, span.parent_id) == (CALLERS_TRACE, CALLERS_SPAN)
    assert (span.service, span.kind, span.failed) == ("trainyard-web", "server", False)
    assert span.attributes["trainyard.request_id"] == answer.headers["x-request-id"]
    assert span.attributes["http.response.status_code"] == 200
    # A word, because a request id is hexadecimal and now and then holds any two digits.
    assert "private_word" not in json.dumps(span.attributes)


def test_a_trace_that_is_rubbish_begins_a_new_one(collector: Collector, admin: TestClient) -> None:
    admin.get("/api/v1/training/jobs", headers={"traceparent": "00-rubbish", "baggage": "tenant=evil"})
    tracing.flush()
    (span,) = collector.named("GET /api/v1/training/jobs")
    assert span.parent_id == ""
    assert "evil" not in str(collector.spans)


def test_a_service_called_by_a_page_is_a_span(collector: Collector, super_admin: Person) -> None:
    base.caller.set(super_admin.actor)
    asyncio.run(base.call(overview.show))
    tracing.flush()
    assert collector.named("overview.show")


def test_a_fault_marks_the_span_and_a_refusal_does_not(collector: Collector) -> None:
    def refused() -> None:
        raise Forbidden("no", permission=str(Permission.JOBS_READ))

    def broken() -> None:
        raise ZeroDivisionError("with something private")

    for function, error in ((refused, Forbidden), (broken, ZeroDivisionError)):
        with pytest.raises(error), tracing.service(function):
            function()
    tracing.flush()
    assert [collector.named(f"test_tracing.{name}")[0].failed for name in ("refused", "broken")] == [False, True]
    assert collector.named("test_tracing.broken")[0].attributes["error.type"] == "ZeroDivisionError"
    assert "private" not in str(collector.spans)


def test_a_job_is_linked_to_the_request_that_queued_it(
    collector: Collector, super_admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workers import jobs

    job = make_job(super_admin, make_dataset(super_admin), JobStatus.QUEUED)
    with tracing.span("request"):
        enqueue_training(job.id, 1)
    queued = queue().fetch_job(queue_id(job.id, 1))
    assert queued
    monkeypatch.setattr("app.infra.queue.get_current_job", lambda: queued)
    monkeypatch.setattr(jobs, "_train", lambda *_: JsonLines("worker").format(logging.makeLogRecord({"msg": "x"})))
    assert json.loads(jobs.train(str(job.id), 1))["job_id"] == str(job.id)
    tracing.flush()
    (request,), (work,) = collector.named("request"), collector.named("train")
    assert work.links == [request.span_id]
    assert work.trace_id != request.trace_id
    assert work.attributes["trainyard.job_id"] == str(job.id)
    assert queued.meta[TRACE]["traceparent"].split("-")[1] == request.trace_id


def test_a_lost_collector_disturbs_nobody(
    monkeypatch: pytest.MonkeyPatch, admin: TestClient, as_person: Callable[..., TestClient]
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    tracing.start("web")
    try:
        assert admin.get("/api/v1/training/jobs").status_code == 200
    finally:
        tracing.stop()
