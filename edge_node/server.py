"""What the node answers locally: `/healthz`, `/v1/status`, `/v1/modules/{ai_module}/infer`. No cloud is needed.

Rules: a request is never trusted: its size, its number of images and their pixels are limited before anything is
decoded; every error is problem+json (RFC 9457) with a sentence; decoding and inference run in threads.
"""

import contextlib
import functools
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import anyio
import anyio.to_thread
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from edge_node import __version__
from edge_node.agent import Agent
from edge_node.config import Settings
from edge_node.enrolment import Enrolment
from edge_node.errors import BadImage
from edge_node.model import Models
from edge_node.status import NodeStatus

logger = logging.getLogger(__name__)


class Problem(Exception):
    """An error to answer with: HTTP status, short code, sentence."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail

    def response(self) -> Response:
        body = {"type": f"about:blank#{self.code}", "title": self.code.replace("-", " "), "status": self.status}
        return JSONResponse({**body, "detail": self.detail}, self.status, media_type="application/problem+json")


class LocalApi:
    """The endpoints, bound to one node."""

    def __init__(self, settings: Settings, enrolment: Enrolment, models: Models, status: NodeStatus) -> None:
        self._settings = settings
        self._enrolment = enrolment
        self._models = models
        self._status = status
        self._threads: anyio.CapacityLimiter | None = None

    async def healthz(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok", "loaded": len(self._models.all())})

    async def status(self, _request: Request) -> Response:
        count, median = self._models.statistics()
        return JSONResponse(
            {
                "edge_version": __version__,
                "edge_server_id": self._enrolment.edge_server_id,
                "name": self._enrolment.name,
                "cloud_url": self._enrolment.cloud_url,
                "platform": self._enrolment.platform,
                "loaded": [{**model.describe(), "labels": list(model.labels)} for model in self._models.all()],
                "inference_count": count,
                "inference_p50_ms": median,
                **self._status.snapshot(),
            }
        )

    async def infer(self, request: Request) -> Response:
        name = request.path_params["ai_module"]
        model = self._models.get(name)
        if model is None:
            raise self._not_loaded(name)
        images = await read_images(request, self._settings.max_body_bytes, self._settings.max_images)
        if self._threads is None:
            self._threads = anyio.CapacityLimiter(self._settings.infer_threads)
        try:
            predictions, milliseconds = await anyio.to_thread.run_sync(
                functools.partial(self._models.infer, model, images), limiter=self._threads
            )
        except BadImage as error:
            raise Problem(422, "bad-image", str(error)) from error
        return JSONResponse(
            {
                "ai_module": model.ai_module,
                "version": model.version,
                "bundle_sha256": model.bundle_sha256,
                "results": [vars(prediction) for prediction in predictions],
                "milliseconds": round(milliseconds, 3),
            }
        )

    def _not_loaded(self, name: str) -> Problem:
        loaded = ", ".join(model.ai_module for model in self._models.all()) or "none"
        return Problem(
            503, "no-model", f"No model is loaded for the module {name!r} (loaded: {loaded}). Deploy one to it."
        )


async def read_images(request: Request, max_bytes: int, max_images: int) -> list[bytes]:
    """The image files of a request: its body, or its multipart fields `image`. Raises Problem."""
    kind = request.headers.get("Content-Type", "").split(";")[0].strip().lower()
    if kind.startswith("image/"):
        return [await _read_body(request, max_bytes)]
    if kind != "multipart/form-data":
        raise Problem(
            415, "unsupported-media-type", "Send one image as image/*, or several as multipart fields 'image'."
        )
    body = await _read_body(request, max_bytes)
    try:
        form = await MultiPartParser(request.headers, _once(body), max_files=max_images, max_fields=8).parse()
    except MultiPartException as error:
        raise Problem(400, "bad-multipart", f"The multipart body cannot be read: {error.message}") from error
    try:
        files = [value for value in form.getlist("image") if isinstance(value, UploadFile)]
        if not files:
            raise Problem(422, "no-image", "The form has no file in a field named 'image'.")
        return [await file.read() for file in files]
    finally:
        await form.close()


async def _read_body(request: Request, max_bytes: int) -> bytes:
    too_large = Problem(
        413, "body-too-large", f"The body is larger than {max_bytes} bytes; send smaller or fewer images."
    )
    declared = request.headers.get("Content-Length", "")
    if declared.isdigit() and int(declared) > max_bytes:
        raise too_large
    parts: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > max_bytes:
            raise too_large
        parts.append(chunk)
    return b"".join(parts)


async def _once(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body


def make_app(api: LocalApi, agent: Agent) -> Starlette:
    """The ASGI application; the agent's threads live as long as it does."""

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        agent.start()
        try:
            yield
        finally:
            await anyio.to_thread.run_sync(agent.stop)

    handlers: dict[Any, Any] = {
        Problem: _answer_problem,
        HTTPException: _answer_http_error,
        ClientDisconnect: _answer_gone,
        Exception: _answer_fault,
    }
    routes = [
        Route("/healthz", api.healthz),
        Route("/v1/status", api.status),
        Route("/v1/modules/{ai_module}/infer", api.infer, methods=["POST"]),
    ]
    return Starlette(routes=routes, lifespan=lifespan, exception_handlers=handlers)


async def _answer_problem(_request: Request, error: Problem) -> Response:
    return error.response()


async def _answer_http_error(request: Request, error: HTTPException) -> Response:
    code = {404: "not-found", 405: "method-not-allowed"}.get(error.status_code, "http-error")
    return Problem(error.status_code, code, f"{request.method} {request.url.path}: {error.detail}.").response()


async def _answer_gone(_request: Request, _error: ClientDisconnect) -> Response:
    return Problem(400, "client-disconnected", "The request ended before its body did.").response()


async def _answer_fault(request: Request, error: Exception) -> Response:
    logger.error("%s %s failed: %r", request.method, request.url.path, error)
    return Problem(500, "internal-error", f"The node failed to answer: {type(error).__name__}. See its log.").response()
