"""Assembles the API. `create_api` is mounted by the dashboard; `create_standalone` serves it alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib import resources

from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from app import __version__
from app.api import openapi, operations
from app.api.base import Api
from app.api.entrance import entrance
from app.api.guard import refuse_unguarded
from app.api.openapi import PREFIX
from app.api.v1 import (
    audit,
    auth,
    dataset_versions,
    datasets,
    deployments,
    edge,
    edge_servers,
    health,
    labelling,
    live,
    model_versions,
    oidc,
    opinions,
    organizations,
    overview,
    plans,
    preferences,
    quality,
    reviews,
    schema_changes,
    status,
    training_jobs,
    transfers,
    trust,
    usage,
    users,
    videos,
    webhooks,
)
from app.infra import tracing
from app.infra.live import broker
from app.web.headers import policy_of_page

ROUTERS = (
    auth,
    oidc,
    preferences,
    users,
    organizations,
    plans,
    reviews,
    usage,
    overview,
    status,
    datasets,
    videos,
    dataset_versions,
    labelling,
    opinions,
    quality,
    schema_changes,
    transfers,
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


def create_api() -> FastAPI:
    """The API with everything under `/api/v1`, to be mounted there."""
    api = Api(
        title="Trainyard",
        version=__version__,
        description=DESCRIPTION,
        generate_unique_id_function=openapi.operation_id,
    )
    for module in ROUTERS:
        api.include_router(module.router)
    api.include_router(live.router)
    api.include_router(health.router)
    refuse_unguarded(api)
    openapi.install(api)
    _serve_docs(api)
    return api


def _serve_docs(api: FastAPI) -> None:
    api.mount("/docs-assets", StaticFiles(directory=str(resources.files("fastapi_swagger") / "resources")))

    def docs(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "")
        page = get_swagger_ui_html(
            openapi_url=f"{root}/openapi.json",
            title="Trainyard API",
            swagger_js_url=f"{root}/docs-assets/swagger-ui-bundle.js",
            swagger_css_url=f"{root}/docs-assets/swagger-ui.css",
            swagger_favicon_url=f"{root}/docs-assets/favicon-32x32.png",
        )
        page.headers["content-security-policy"] = policy_of_page(bytes(page.body))
        return page

    api.add_route("/docs", docs, include_in_schema=False)


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
        await asyncio.to_thread(tracing.stop)


def _routes() -> list[BaseRoute]:
    return [Mount(PREFIX, app=create_api()), *operations.routes()]


def mounted() -> Starlette:
    """The API under its prefix, for another ASGI application to put in front of its own routes."""
    return Starlette(routes=_routes())


def create_standalone() -> Starlette:
    """The API alone: `granian --interface asgi --factory app.api.app:create_standalone`."""
    tracing.start("web")
    return Starlette(routes=_routes(), lifespan=lifespan, middleware=[Middleware(entrance)])
