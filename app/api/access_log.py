"""One line, one measurement and one span for each request of the API.

They say method, route (the template, never the path), status, milliseconds and bytes. Query strings and bodies may
hold what is private and are never told. Who asked stands in the line's `actor`, once the credential was believed.
"""

import logging
import time
from typing import Any

from starlette.datastructures import Headers
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.infra import metrics, tracing
from app.services.request_context import request_context

log = logging.getLogger(__name__)

UNMATCHED = "unmatched"
# Asked for every few seconds by machines; told only where everything is.
QUIET = ("/healthz", "/readyz", "/metrics")


class AccessLog:
    """Stands inside the request's context and outside everything that answers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun, status, size = time.perf_counter(), 500, 0
        root = scope.get("root_path", "")

        async def counted(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = int(message["status"])
            size += len(message.get("body", b""))
            await send(message)

        with tracing.span(scope["method"], "server", parent=_trace(scope)) as span:
            try:
                await self.app(scope, receive, counted)
            finally:
                route = template(scope, root)
                _tell(scope["method"], route, status, time.perf_counter() - begun, size)
                _describe(span, scope, route, status)


def template(scope: Scope, root: str) -> str:
    """The route that answered, with its parameters' names in place of values."""
    if (mounted := scope.get("root_path", "")) != root:  # a folder of files
        return str(mounted)
    route = scope.get("route")
    return root + route.path if isinstance(route, Route) else UNMATCHED


def _tell(method: str, route: str, status: int, seconds: float, size: int) -> None:
    metrics.answered(method, route, status, seconds)
    fields: dict[str, Any] = {
        "method": method[:16],
        "route": route,
        "status": status,
        "ms": round(seconds * 1000, 1),
        "bytes": size,
    }
    level = logging.DEBUG if route.endswith(QUIET) and status < 400 else logging.INFO
    log.log(level, "%(method)s %(route)s %(status)d, %(ms)s ms, %(bytes)d bytes", fields, extra={"fields": fields})


def _describe(span: tracing.Span, scope: Scope, route: str, status: int) -> None:
    span.rename(f"{scope['method']} {route}")
    span.set(
        {
            "http.request.method": scope["method"],
            "http.route": route,
            "http.response.status_code": status,
            "url.scheme": scope.get("scheme", "http"),
            "trainyard.request_id": request_context.get().request_id,
        }
    )
    if status >= 500:
        span.fail(str(status))


def _trace(scope: Scope) -> dict[str, str]:
    headers = Headers(scope=scope)
    return {name: headers[name] for name in ("traceparent", "tracestate") if name in headers}
