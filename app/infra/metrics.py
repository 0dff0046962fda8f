"""Metrics of this process for Prometheus, and how they are written out together with numbers of the database.

Labels have few values on purpose: routes are templates, handlers and codes are names of the program; nothing that a
caller can invent becomes a label.
"""

from collections.abc import Iterator, Mapping

import redis
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.infra.queue import MEDIA_QUEUE, TRAINING_QUEUE, TRANSFER_QUEUE, WEBHOOK_QUEUE, queue
from app.schemas.metrics import Measured

disable_created_metrics()  # a second series for each, which no query here needs
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
QUEUES = (TRAINING_QUEUE, WEBHOOK_QUEUE, MEDIA_QUEUE, TRANSFER_QUEUE)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

REQUESTS = Counter(
    "trainyard_http_requests",
    "Requests of the API that were answered",
    ["method", "route", "status"],
    registry=REGISTRY,
)
REQUEST_SECONDS = Histogram(
    "trainyard_http_request_seconds",
    "How long the answers took",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    registry=REGISTRY,
)
REFUSALS = Counter(
    "trainyard_refusals", "Requests of the API that were refused, failed sign-ins too", ["code"], registry=REGISTRY
)
EVENTS = Counter(
    "trainyard_dashboard_events",
    "Events of pages, and whether the guard let them",
    ["handler", "outcome"],
    registry=REGISTRY,
)
EVENT_FAILURES = Counter("trainyard_dashboard_failures", "Handlers of events that broke", registry=REGISTRY)
SOCKETS = Gauge("trainyard_open_sockets", "WebSockets that are open", ["kind"], registry=REGISTRY)


def answered(method: str, route: str, status: int, seconds: float) -> None:
    """Count one answer of the API."""
    known = method if method in METHODS else "other"
    REQUESTS.labels(known, route, str(status)).inc()
    REQUEST_SECONDS.labels(known, route).observe(seconds)


def exposition(measured: Measured, accept: str) -> tuple[bytes, str]:
    """Everything in the format that the header `accept` asks for: (body, content type)."""
    encode, content_type = choose_encoder(accept)
    registry = CollectorRegistry()
    registry.register(_Now(measured))
    own, now = encode(REGISTRY), encode(registry)
    return own.removesuffix(b"# EOF\n") + now, content_type


class _Now(Collector):
    """Gauges of this moment: from the database, as `measured`, and from the queues."""

    def __init__(self, measured: Measured) -> None:
        self.measured = measured

    def collect(self) -> Iterator[Metric]:
        """One family after the other."""
        now = self.measured
        yield _family("trainyard_jobs", "Training jobs", "status", now.jobs)
        yield _family("trainyard_deployments", "Deployments", "status", now.deployments)
        yield _family("trainyard_edge_servers", "Edge servers", "health", now.edge_servers)
        yield _family("trainyard_queue_depth", "Entries that wait in a queue", "queue", queue_depths())
        yield GaugeMetricFamily(
            "trainyard_audit_events_unchained",
            "Audit events that the chain does not hold yet",
            value=now.audit_events_unchained,
        )
        yield GaugeMetricFamily(
            "trainyard_webhook_deliveries_pending",
            "Webhook deliveries that are not delivered or given up yet",
            value=now.webhook_deliveries_pending,
        )


def _family(name: str, text: str, label: str, values: Mapping[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=[label])
    for value, count in values.items():
        family.add_metric([value], count)
    return family


def queue_depths() -> dict[str, int]:
    """How many entries wait in each queue; nothing while Redis is away, so that the gauge is missing, not zero."""
    try:
        return {name: queue(name).count for name in QUEUES}
    except redis.RedisError:
        return {}
