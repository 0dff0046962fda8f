"""Errors as `application/problem+json` (RFC 9457), translated once, here.

`type` is `https://trainyard.dev/problems/<code>` and stable per code; nothing internal ever leaves.
"""

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from app.errors import DomainError
from app.infra import metrics
from app.services.request_context import request_context

log = logging.getLogger(__name__)

TYPE_PREFIX = "https://trainyard.dev/problems/"
MEDIA_TYPE = "application/problem+json"
REFUSED = frozenset({401, 403, 429})


def problem(status: int, code: str, title: str, detail: str, **fields: Any) -> JSONResponse:
    """One problem document."""
    body = {"type": TYPE_PREFIX + code, "title": title, "status": status, "detail": detail, **fields}
    request_id = request_context.get().request_id
    if request_id:
        body["request_id"] = request_id
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if "retry_after" in fields:
        headers["Retry-After"] = str(fields["retry_after"])
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def install(api: FastAPI) -> None:
    """Let `api` answer every failure as a problem document."""
    api.add_exception_handler(DomainError, _domain)
    api.add_exception_handler(RequestValidationError, _validation)
    api.add_exception_handler(HTTPException, _http)
    api.add_exception_handler(SQLAlchemyError, _database)
    api.add_exception_handler(Exception, _unexpected)


def _domain(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, DomainError)
    if error.status in REFUSED:
        metrics.REFUSALS.labels(error.problem_code).inc()
    return problem(error.status, error.problem_code, error.title, error.message, **error.fields)


def _validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    faults = [
        {"field": ".".join(str(part) for part in fault["loc"]), "message": fault["msg"].removeprefix("Value error, ")}
        for fault in error.errors()[:50]
    ]
    detail = "; ".join(f"{fault['field']}: {fault['message']}" for fault in faults[:5])
    return problem(422, "invalid", "The request is not valid", detail, errors=faults)


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    codes = {400: "bad-request", 404: "not-found", 405: "method-not-allowed", 413: "too-large"}
    code, detail = codes.get(error.status_code, "http-error"), f"{request.method} {request.url.path}: {error.detail}"
    answer = problem(error.status_code, code, str(error.detail), detail)
    answer.headers.update(error.headers or {})  # such as Allow
    return answer


def _database(request: Request, error: Exception) -> JSONResponse:
    log.error("%s %s: %s", request.method, request.url.path, type(error).__name__, exc_info=error)
    return problem(
        503, "unavailable", "A part of the system does not answer", "The database refused this. Try again in a moment."
    )


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    # The server logs the trace as well, but knows no request id, which is what the caller asks with.
    log.error("%s %s: %s", request.method, request.url.path, type(error).__name__, exc_info=error)
    detail = "This should not have happened and was logged. Ask with the request id if it happens again."
    return problem(500, "internal-error", "Something went wrong here", detail)
