"""Requests that have one meaning: no parameter and no JSON member twice, nothing deep or many only to cost.

Readers disagree about which of two equal names counts; what one of them checks, another may then not do. Bytes are
cheap to send and values dear to read: eight megabytes of empty lists take half a minute.
"""

import json
from collections.abc import AsyncGenerator
from typing import Any, get_args, get_origin

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.types import Receive, Scope

from app.errors import TooLarge

MAX_DEPTH = 32
# Commas and opening brackets, those within texts too: more than any request here needs, and read in a moment.
MAX_PARTS = 100_000


class StrictRequest(Request):
    """Reads at most `most` bytes, and JSON strictly; a fault names its place."""

    def __init__(self, scope: Scope, receive: Receive, most: int) -> None:
        super().__init__(scope, receive)
        self.most = most

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The body as it comes, refused as soon as it is over."""
        size = 0
        async for part in super().stream():
            size += len(part)
            if size > self.most:
                raise TooLarge(f"The body has more than the {self.most:,} bytes allowed here.")
            yield part

    async def read(self) -> None:
        """Parse the body, if it says that it is JSON, before anybody asks for it: here a fault keeps its words."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json")):
            body = await self.body()
            self._json = parse(body) if body else None

    async def json(self) -> Any:
        """The body's JSON value, read once."""
        if not hasattr(self, "_json"):
            await self.read()
        return self._json


def parse(body: bytes) -> Any:
    """The JSON value in `body`, or `RequestValidationError`."""
    if sum(body.count(mark) for mark in b",[{") > MAX_PARTS:
        raise invalid("body", f"more than {MAX_PARTS:,} values, counted by commas and brackets")
    try:
        value = json.loads(body.decode(), object_pairs_hook=_members, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise invalid("body", f"the body is not UTF-8 (byte {error.start})") from error
    except RecursionError as error:
        raise invalid("body", f"nested more than {MAX_DEPTH} levels deep") from error
    except json.JSONDecodeError as error:
        raise invalid("body", f"not JSON: {error.msg} (line {error.lineno}, column {error.colno})") from error
    except ValueError as error:
        raise invalid("body", str(error)) from error
    if _depth(value) > MAX_DEPTH:
        raise invalid("body", f"nested more than {MAX_DEPTH} levels deep")
    return value


def refuse_repeated_parameters(request: Request, lists: frozenset[str]) -> None:
    """Raise if a query parameter that is no list stands more than once."""
    for name in dict.fromkeys(request.query_params.keys()):
        if name not in lists and len(request.query_params.getlist(name)) > 1:
            raise invalid(f"query.{name[:60]}", "given more than once")


def list_parameters(dependant: Dependant) -> frozenset[str]:
    """The query parameters of an endpoint that may be repeated, its dependencies' included."""
    names: set[str] = set()
    for part in dependant.dependencies:
        names |= list_parameters(part)
    for parameter in dependant.query_params:
        annotation = parameter.field_info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            names |= {name for name, field in annotation.model_fields.items() if _is_list(field.annotation)}
        elif _is_list(annotation):
            names.add(parameter.alias)
    return frozenset(names)


def invalid(place: str, message: str) -> RequestValidationError:
    """A fault as FastAPI's own."""
    return RequestValidationError(
        [{"type": "value_error", "loc": tuple(place.split(".")), "msg": message, "input": None}]
    )


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) is list or any(_is_list(part) for part in get_args(annotation))


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"the member {twice[:60]!a} stands twice in one object")
    return members


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is not JSON")


def _depth(value: Any) -> int:
    deepest, waiting = 0, [(value, 1)]
    while waiting:
        part, depth = waiting.pop()
        deepest = max(deepest, depth)
        if isinstance(part, dict | list):
            inside = part.values() if isinstance(part, dict) else part
            waiting += [(item, depth + 1) for item in inside]
    return deepest
