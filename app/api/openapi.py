"""The contract: what FastAPI describes, and what it cannot know.

Who may call (from the mark), every status that the guard and the layers around it can answer, the problem document and
its types, the headers of every answer, and an example for every body (`app/api/examples.py`). `docs/openapi.json` is
the committed copy; a test compares the two, so that no change of the contract goes unseen.
"""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from app.api.cookies import cookie_name
from app.api.examples import EXAMPLES
from app.api.guard import endpoints
from app.api.idempotency import HEADER, MAX_LENGTH
from app.api.marks import EDGE, PUBLIC, Mark, mark_of
from app.api.problems import MEDIA_TYPE, TYPE_PREFIX
from app.domain.permissions import Permission, PersonActor, Plan, Role, permissions_of

PREFIX = "/api/v1"
STATUSES = {
    400: ("bad-request", "The request could not be read"),
    401: ("unauthenticated", "Not signed in, or the credential is wrong, expired or revoked"),
    403: ("forbidden", "The caller may not do this, or a limit of the plan is reached"),
    404: ("not-found", "It does not exist, or belongs to another organization"),
    409: ("conflict", "The present state does not admit it"),
    412: ("precondition-failed", "Changed meanwhile: `If-Match` names an older state"),
    413: ("too-large", "The body is larger than allowed"),
    422: ("invalid", "A field is missing, unknown or wrong; `errors` names each"),
    429: ("too-many-requests", "Too often; `Retry-After` says when to come again"),
    503: ("unavailable", "A part of the system does not answer; nothing was changed"),
}
PROBLEM = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457. `type` is stable for each error; more members may follow.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri", "examples": [f"{TYPE_PREFIX}not-found"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What was wrong, where, and what to do"},
        "request_id": {"type": "string", "description": "Also in the header X-Request-Id and in the server's log"},
        "errors": {
            "description": "Which fields were wrong: a list of field and message, or an object of names and messages",
        },
    },
}
SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "description": "A personal API token, `tyat_…`, read-only or full"},
    "edge": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "docs/edge-protocol.md"},
}
HEADERS = {
    "X-Request-Id": {"schema": {"type": "string"}, "description": "Names this request in the server's log"},
    "RateLimit-Policy": {"schema": {"type": "string"}, "description": "The quota and its window in seconds"},
    "RateLimit": {"schema": {"type": "string"}, "description": "What is left, and in how many seconds it is renewed"},
}
_REPRESENTATIVES = {
    "super admins": PersonActor(1, "", "", Role.SUPER_ADMIN),
    "organization admins on Enterprise (own organization and global records)": PersonActor(
        1, "", "", Role.ORGANIZATION_ADMIN, 1, Plan.ENTERPRISE
    ),
    "everybody who can sign in": PersonActor(1, "", "", Role.MEMBER, 1, Plan.ENTERPRISE),
}


def install(api: FastAPI) -> None:
    """Let `api` describe itself by `describe`."""

    def openapi() -> dict[str, Any]:
        if api.openapi_schema is None:
            api.openapi_schema = describe(api)
        return api.openapi_schema

    api.openapi = openapi  # type: ignore[method-assign]


def operation_id(route: APIRoute) -> str:
    """Stable names for generated clients: the noun and what is done, `datasets_create_dataset`."""
    tag = str(route.tags[0]) if route.tags else "api"
    return f"{tag}_{route.name}".replace(" ", "_").replace("-", "_")


def describe(api: FastAPI) -> dict[str, Any]:
    """The whole OpenAPI document."""
    document = get_openapi(
        title=api.title,
        version=api.version,
        description=api.description,
        routes=api.routes,
        servers=[{"url": PREFIX}],
    )
    components = document["components"]
    cookie = {"type": "apiKey", "in": "cookie", "name": cookie_name(), "description": "The session of a browser"}
    components["securitySchemes"] = {"session": cookie, **SCHEMES}
    components["schemas"]["Problem"] = PROBLEM
    components["responses"] = {str(status): _problem(status) for status in STATUSES}
    for name in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(name, None)
    for name, example in EXAMPLES.items():
        components["schemas"][name]["examples"] = [example]
    marks = {(route.path, m): mark_of(route.endpoint) for route in endpoints(api.routes) for m in route.methods}
    for path, method, operation in _operations(document):
        _complete(operation, path, method, marks[path, method])
    return document


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def _complete(operation: dict[str, Any], path: str, method: str, mark: Mark | None) -> None:
    operation["security"] = _security(mark)
    operation["description"] = " ".join(filter(None, [operation.get("description", ""), _who(mark)]))
    creates = "201" in operation["responses"]
    if creates and mark is not PUBLIC:
        operation.setdefault("parameters", []).append(_idempotency_key())
    for answer in operation["responses"].values():
        answer.setdefault("headers", {}).update(HEADERS)
    for status in sorted(_statuses(operation, path, method, mark)):
        operation["responses"][str(status)] = {"$ref": f"#/components/responses/{status}"}


def _statuses(operation: dict[str, Any], path: str, method: str, mark: Mark | None) -> set[int]:
    """The failures that this operation can answer with."""
    found = {400, 422, 429, 503}
    if mark is not PUBLIC or method != "GET":
        found |= {401, 403}
    names = {parameter["name"] for parameter in operation.get("parameters", [])}
    if "{" in path or method == "POST" or any(name.endswith("_id") for name in names):
        found.add(404)
    if method != "GET" or path.endswith("/approval"):
        found.add(409)
    if "requestBody" in operation or mark is EDGE:
        found.add(413)
    if "412" in operation["responses"]:
        found.add(412)
    return found


def _security(mark: Mark | None) -> list[dict[str, list[str]]]:
    if mark is PUBLIC:
        return []
    return [{"edge": []}] if mark is EDGE else [{"token": []}, {"session": []}]


def _who(mark: Mark | None) -> str:
    if mark is PUBLIC:
        return "Open to everybody."
    if mark is EDGE:
        return "For enrolled edge servers, each for itself only."
    assert isinstance(mark, Permission)
    people = [who for who, actor in _REPRESENTATIVES.items() if mark in permissions_of(actor)]
    return f"Needs `{mark}`: {'; '.join(people[-1:] if len(people) == 3 else people)}."


def _problem(status: int) -> dict[str, Any]:
    code, description = STATUSES[status]
    example = {"type": TYPE_PREFIX + code, "title": description.partition(",")[0], "status": status, "detail": "…"}
    headers: dict[str, Any] = dict(HEADERS)
    if status == 429:
        headers["Retry-After"] = {"schema": {"type": "integer"}, "description": "Seconds"}
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}}
    return {"description": description, "headers": headers, "content": content}


def _idempotency_key() -> dict[str, Any]:
    return {
        "name": HEADER,
        "in": "header",
        "required": False,
        "description": "A value of your own for each new thing: a repetition within a day gets the first answer again",
        "schema": {"type": "string", "minLength": 1, "maxLength": MAX_LENGTH, "pattern": "^[ -~]+$"},
    }
