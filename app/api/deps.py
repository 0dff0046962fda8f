"""What every endpoint is given: `Run`, which runs one use case in one transaction as the actor behind the request."""

from collections.abc import Callable
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar

from fastapi import Depends, Query, Request
from pydantic import BaseModel, Field
from sqlmodel import Session

from app.api.idempotency import pending
from app.domain.permissions import Actor
from app.infra import tracing
from app.infra.db import transaction
from app.infra.object_store import S3ObjectStore, get_object_store
from app.schemas.base import Request as Request_
from app.services import idempotency

P = ParamSpec("P")
R = TypeVar("R")
Made = TypeVar("Made", bound=BaseModel)


class Runner:
    """Runs `service(session, actor, …)` in a transaction of its own."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor

    def __call__(self, service: Callable[Concatenate[Session, Actor, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        with tracing.service(service), transaction() as session:
            return service(session, self.actor, *args, **kwargs)

    def create(
        self, service: Callable[Concatenate[Session, Actor, P], Made], *args: P.args, **kwargs: P.kwargs
    ) -> Made:
        """As a call, for what creates: the request's Idempotency-Key is claimed and answered in the transaction."""
        return self._create(service, args, kwargs, keep=True)

    def create_secret(
        self, service: Callable[Concatenate[Session, Actor, P], Made], *args: P.args, **kwargs: P.kwargs
    ) -> Made:
        """As `create`, for an answer that shows a secret: it is not kept, and a repetition is told so."""
        return self._create(service, args, kwargs, keep=False)

    def _create(self, service: Callable[..., Made], args: Any, kwargs: Any, *, keep: bool) -> Made:
        wanted = pending.get()
        with tracing.service(service), transaction() as session:
            if wanted is not None:
                idempotency.claim(session, wanted)
            made = service(session, self.actor, *args, **kwargs)
            if wanted is not None and keep:
                idempotency.keep(session, wanted, made.model_dump(mode="json"))
            return made


# Asynchronous, so that what takes no time is not handed to a thread.
async def _run(request: Request) -> Runner:
    return Runner(request.state.actor)


async def store() -> S3ObjectStore:
    """The object store."""
    return get_object_store()


F = TypeVar("F", bound=Request_)


# A cursor holds the sorted value of the page's last row: a name or an address, of up to 254 characters in UTF-8.
CURSOR_LENGTH = 2_000


class PageQuery(Request_):
    """The query of a paged list. Mix it with a filter, so that unknown query parameters are refused."""

    FROM_ADDRESS = True

    cursor: str | None = Field(
        None, max_length=CURSOR_LENGTH, description="`next_cursor` of the page before, asked with the same filter"
    )
    limit: int = Field(50, ge=1, le=200, description="How many items at most")

    def part(self, kind: type[F]) -> F:
        """The filter in this query."""
        return kind(**{name: getattr(self, name) for name in kind.model_fields})


Run = Annotated[Runner, Depends(_run)]
Store = Annotated[S3ObjectStore, Depends(store)]
PageIn = Annotated[PageQuery, Query()]

__all__ = ["Any", "PageIn", "PageQuery", "Run", "Runner", "Store"]
