"""Assembles the API. `create_api` is mounted by the dashboard; `create_standalone` serves it alone."""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib import resources

from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import __version__
from app.api import problems, rate_limits
from app.api.guard import refuse_unguarded
from app.api.limits import BodyLimitMiddleware
from app.api.v1 import (
    audit,
    auth,
    datasets,
    deployments,
    edge,
    edge_servers,
    health,
    live,
    model_versions,
    organizations,
    overview,
    plans,
    status,
    training_jobs,
    trust,
    usage,
    users,
    webhooks,
)
from app.infra.live import broker
from app.services.request_context import RequestContext, request_context

log = logging.getLogger(__name__)

PREFIX = "/api/v1"
ROUTERS = (
    auth,
    users,
    organizations,
    plans,
    usage,
    overview,
    status,
    datasets,
    training_jobs,
    model_versions,
    deployments,
    edge_servers,
    trust,
    webhooks,
    audit,
    edge,
)
DESCRIPTION = """Train models in the cloud, approve them as a person, run them at the edge.

The cloud never performs inference, the edge never trains, and nothing deploys without a person's signature.
Errors are `application/problem+json` (RFC 9457); lists are paged by an opaque cursor."""


class RequestContextMiddleware:
    """Gives every request an id, keeps where it came from, and returns the id as `X-Request-Id`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        client = scope.get("client")
        context = RequestContext(request_id=uuid.uuid4().hex, ip_address=client[0] if client else "")
        reset = request_context.set(context)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                share = rate_limits.headers(scope.get(rate_limits.SCOPE_KEY))
                message["headers"] = [*message["headers"], (b"x-request-id", context.request_id.encode()), *share]
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        finally:
            request_context.reset(reset)


def create_api() -> FastAPI:
    """The API with everything under `/api/v1`, to be mounted there."""
    api = FastAPI(
        title="Trainyard",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        responses={
            code: {"description": text, "content": {problems.MEDIA_TYPE: {}}}
            for code, text in ((401, "Not signed in"), (403, "Not allowed"), (404, "Not found"), (409, "Conflict"))
        },
    )
    problems.install(api)
    for module in ROUTERS:
        api.include_router(module.router)
    api.include_router(live.router)
    api.include_router(health.router)
    refuse_unguarded(api)
    _serve_docs(api)
    api.add_middleware(BodyLimitMiddleware)
    api.add_middleware(RequestContextMiddleware)
    return api


def _serve_docs(api: FastAPI) -> None:
    api.mount("/docs-assets", StaticFiles(directory=str(resources.files("fastapi_swagger") / "resources")))

    @api.get("/docs", include_in_schema=False)
    def docs(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "")
        return get_swagger_ui_html(
            openapi_url=f"{root}/openapi.json",
            title="Trainyard API",
            swagger_js_url=f"{root}/docs-assets/swagger-ui-bundle.js",
            swagger_css_url=f"{root}/docs-assets/swagger-ui.css",
            swagger_favicon_url=f"{root}/docs-assets/favicon-32x32.png",
        )


@asynccontextmanager
async def lifespan(_: object = None) -> AsyncIterator[None]:
    """What runs beside the requests: the live channel's one subscription."""
    pump = asyncio.create_task(broker.run(), name="live")
    try:
        yield
    finally:
        pump.cancel()
        with suppress(asyncio.CancelledError):
            await pump


def mounted() -> Starlette:
    """The API under its prefix, for another ASGI application to put in front of its own routes."""
    return Starlette(routes=[Mount(PREFIX, app=create_api())])


def create_standalone() -> Starlette:
    """The API alone: `granian --interface asgi --factory app.api.app:create_standalone`."""
    return Starlette(routes=[Mount(PREFIX, app=create_api())], lifespan=lifespan)
