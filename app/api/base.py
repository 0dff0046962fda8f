"""What every FastAPI application here is made of: request ids, a line per request, problems, limits of size."""

import uuid
from typing import Any

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api import problems, rate_limits
from app.api.access_log import AccessLog
from app.api.limits import BodyLimitMiddleware
from app.services.request_context import RequestContext, request_context

NO_STORE = (b"cache-control", b"no-store")
# Files of the documentation's pages: everybody's, and worth keeping.
STATIC = "/docs-assets/"


class Api(FastAPI):
    """FastAPI whose outermost layers are ours, so that an unexpected failure, too, has a request id and a line."""

    def __init__(self, **options: Any) -> None:
        # FastAPI's own spans would hold query strings; ours are in `access_log` and `infra/tracing`.
        silent: TelemetryConfig = {"auto_configure": False, "tracing": False, "metrics": False, "logs": False}
        super().__init__(docs_url=None, redoc_url=None, telemetry=silent, **options)
        problems.install(self)
        self.add_middleware(BodyLimitMiddleware)

    def build_middleware_stack(self) -> ASGIApp:
        """What FastAPI builds, inside the request's context."""
        return RequestContextMiddleware(AccessLog(super().build_middleware_stack()))


class RequestContextMiddleware:
    """Gives every request an id, keeps where it came from, and returns the id as `X-Request-Id`.

    Answers are for their caller: no cache may keep them, unless they say so themselves.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        client = scope.get("client")
        state = scope.setdefault("state", {})
        context = RequestContext(uuid.uuid4().hex, client[0] if client else "", state)
        reset = request_context.set(context)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                share = rate_limits.headers(scope.get(rate_limits.SCOPE_KEY))
                present = [*message["headers"], (b"x-request-id", context.request_id.encode()), *share]
                cached = STATIC in scope["path"] or any(name.lower() == b"cache-control" for name, _ in present)
                message["headers"] = present if cached else [*present, NO_STORE]
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        finally:
            request_context.reset(reset)
