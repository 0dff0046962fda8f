"""What every endpoint is given: the actor behind the request, and `Run`, which runs one use case in one transaction."""

from collections.abc import Callable
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar
from urllib.parse import urlsplit

from fastapi import Depends, Query, Request
from pydantic import Field
from sqlmodel import Session

from app.auth import edge_keys, sessions
from app.domain.permissions import Actor
from app.errors import Forbidden, Unauthenticated
from app.infra.db import transaction
from app.infra.object_store import S3ObjectStore, get_object_store
from app.schemas.base import Request as Request_
from app.settings import get_settings

P = ParamSpec("P")
R = TypeVar("R")

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def cookie_name() -> str:
    """Behind https the `__Host-` prefix keeps other hosts from setting the cookie."""
    return "__Host-trainyard" if get_settings().secure_cookies else "trainyard_session"


class Runner:
    """Runs `service(session, actor, …)` in a transaction of its own."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor

    def __call__(self, service: Callable[Concatenate[Session, Actor, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        with transaction() as session:
            return service(session, self.actor, *args, **kwargs)


async def _body(request: Request) -> bytes:
    return await request.body()


def person(request: Request) -> Runner:
    """The person behind the session cookie or the API token; an anonymous runner if there is none."""
    scheme, _, credential = request.headers.get("authorization", "").partition(" ")
    if credential:
        if scheme.lower() != "bearer" or not credential.startswith(sessions.TOKEN_PREFIX):
            raise Unauthenticated("The Authorization header must be: Bearer tyat_… (an API token).")
        with transaction() as session:
            return Runner(sessions.actor_of_token(session, credential.strip()))
    cookie = request.cookies.get(cookie_name())
    if not cookie:
        return Runner(None)
    if request.method not in SAFE_METHODS:
        _same_origin(request)
    with transaction() as session:
        return Runner(sessions.actor_of_session(session, cookie))


def edge(request: Request, body: Annotated[bytes, Depends(_body)]) -> Runner:
    """The edge server that signed this request."""
    scheme, _, credential = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not credential:
        raise Unauthenticated("An edge server signs its requests: Authorization: Bearer <JWT>.")
    with transaction() as session:
        actor = edge_keys.actor_of_jwt(session, credential.strip(), request.method, request.url.path, body)
    return Runner(actor)


def _same_origin(request: Request) -> None:
    """A write that is authenticated by a cookie must come from our own pages."""
    origin = request.headers.get("origin")
    if origin is None:
        if request.headers.get("sec-fetch-site", "same-origin") in {"same-origin", "none"}:
            return
    elif urlsplit(origin).netloc == request.headers.get("host"):
        return
    raise Forbidden("This request came from another site.", code="cross-site")


def store() -> S3ObjectStore:
    """The object store."""
    return get_object_store()


F = TypeVar("F", bound=Request_)


class PageQuery(Request_):
    """The query of a paged list. Mix it with a filter, so that unknown query parameters are refused."""

    cursor: str | None = Field(None, max_length=300, description="`next_cursor` of the page before")
    limit: int = Field(50, ge=1, le=200, description="How many items at most")

    def part(self, kind: type[F]) -> F:
        """The filter in this query."""
        return kind(**{name: getattr(self, name) for name in kind.model_fields})


Run = Annotated[Runner, Depends(person)]
EdgeRun = Annotated[Runner, Depends(edge)]
Store = Annotated[S3ObjectStore, Depends(store)]
PageIn = Annotated[PageQuery, Query()]

__all__ = ["Any", "EdgeRun", "PageIn", "PageQuery", "Run", "Runner", "Store", "cookie_name"]
