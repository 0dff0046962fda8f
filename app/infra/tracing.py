"""Traces by OpenTelemetry, once an address to send them to is configured. Without one nothing is started or sent.

The standard variables count: OTEL_EXPORTER_OTLP_ENDPOINT (or …_TRACES_ENDPOINT; OTLP over http/protobuf),
OTEL_EXPORTER_OTLP_HEADERS, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER, OTEL_SDK_DISABLED. From
callers only the W3C trace context is believed, never baggage. The exporter is imported on the first use: it is heavy.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from app import __version__
from app.errors import DomainError

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_FLUSH_MS = 3_000
Value = str | int | float | bool

_provider: Any = None
_tracer: Any = None


class Span:
    """A span under way, or nothing where nobody collects them."""

    def __init__(self, inner: Any = None) -> None:
        self._inner = inner

    def rename(self, name: str) -> None:
        """A better name, once it is known."""
        if self._inner is not None:
            self._inner.update_name(name)

    def set(self, attributes: Mapping[str, Value]) -> None:
        """What is known of it by now."""
        if self._inner is not None:
            self._inner.set_attributes(attributes)

    def fail(self, kind: str) -> None:
        """Mark it as failed. No message goes along: it may hold what belongs to a customer."""
        if self._inner is not None:
            from opentelemetry.trace import StatusCode

            self._inner.set_attribute("error.type", kind)
            self._inner.set_status(StatusCode.ERROR)


def configured() -> bool:
    """True when the environment names a collector."""
    disabled = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    return not disabled and any(os.environ.get(name) for name in _ENDPOINTS)


def start(process: str) -> None:
    """Send the spans of this process as `trainyard-<process>`. Without a collector, or a second time: nothing."""
    global _provider, _tracer
    if _provider is not None or not configured():
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    name = os.environ.get("OTEL_SERVICE_NAME") or f"trainyard-{process}"
    provider = TracerProvider(resource=Resource.create({"service.name": name, "service.version": __version__}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    # Not made the global provider: libraries would begin to send spans of their own, with queries and addresses.
    _provider, _tracer = provider, provider.get_tracer("trainyard", __version__)


def flush() -> None:
    """Send what is waiting; before a process ends that runs no exit handlers."""
    if _provider is not None:
        _provider.force_flush(_FLUSH_MS)


def stop() -> None:
    """Send what is waiting and forget the collector."""
    global _provider, _tracer
    if _provider is not None:
        flush()
        _provider.shutdown()
    _provider = _tracer = None


@contextmanager
def span(
    name: str,
    kind: str = "internal",
    *,
    parent: Mapping[str, str] | None = None,
    link: Mapping[str, str] | None = None,
    attributes: Mapping[str, Value] | None = None,
) -> Iterator[Span]:
    """Measure a block. `parent` and `link` are carriers (see `carrier`); a fault that is no refusal marks it failed."""
    if _tracer is None:
        yield Span()
        return
    from opentelemetry.trace import Link, SpanKind, get_current_span

    context = _extract(parent) if parent else None
    far = get_current_span(_extract(link)).get_span_context() if link else None
    with _tracer.start_as_current_span(
        name,
        context,
        SpanKind[kind.upper()],
        attributes=dict(attributes or {}),
        links=[Link(far)] if far is not None and far.is_valid else [],
        record_exception=False,
        set_status_on_exception=False,
    ) as inner:
        measured = Span(inner)
        try:
            yield measured
        except BaseException as error:
            if not isinstance(error, DomainError):
                measured.fail(type(error).__name__)
            raise


def service(function: Callable[..., Any]) -> Any:
    """A span around one call of a service, named `noun.verb`."""
    noun = getattr(function, "__module__", "").rpartition(".")[2]
    return span(f"{noun}.{getattr(function, '__name__', 'call')}")


def carrier() -> dict[str, str]:
    """The span under way as the W3C field `traceparent`, to be continued or linked elsewhere; empty without one."""
    found: dict[str, str] = {}
    if _tracer is not None:
        _propagator().inject(found)
    return found


def _extract(fields: Mapping[str, str]) -> Any:
    return _propagator().extract(fields)


def _propagator() -> Any:
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator()
