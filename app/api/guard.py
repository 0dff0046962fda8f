"""The guard in front of every route: who calls, may they, how often, and is it the same request again?

Deny by default, as for event handlers (`state/guard.py`): a route is answered only if it is a `GuardedRoute` whose
endpoint carries a mark (`app/api/marks.py`). In this order, before anything of the body is believed:

1. the credential is exchanged for an actor (`app/api/credentials.py`);
2. the request is counted for its credential or address (`app/api/rate_limits.py`);
3. the mark's permission is required; objects and tenants are decided in the services, which ask again;
4. bodies that are too large, parameters that were given twice and ambiguous JSON are refused (`app/api/strict.py`);
5. a repeated Idempotency-Key gets the answer that the first got (`app/api/idempotency.py`).

A refusal is written to the audit log (`app/api/refusals.py`).
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.routing import BaseRoute

from app.api import credentials, idempotency, rate_limits, refusals
from app.api.limits import MAX_BODY_BYTES
from app.api.marks import EDGE, PUBLIC, Mark, mark_of
from app.api.strict import StrictRequest, list_parameters, refuse_repeated_parameters
from app.domain.permissions import Permission, require
from app.errors import DomainError, Forbidden

# What nobody, or everybody with an account, may send has a few fields. To read more would be work for strangers.
ANYBODYS = frozenset({PUBLIC, Permission.OWN_READ, Permission.OWN_WRITE})
SMALL_BODY_BYTES = 16 * 1024


class GuardedRoute(APIRoute):
    """A route whose endpoint says what it needs."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:
        """The endpoint behind the guard."""
        inner, mark = super().get_route_handler(), mark_of(self.endpoint)
        lists, creates = list_parameters(self.dependant), self.status_code == 201
        most = SMALL_BODY_BYTES if mark in ANYBODYS else MAX_BODY_BYTES

        async def guarded(request: Request) -> Response:
            strict = StrictRequest(request.scope, request.receive, most)
            try:
                await _admit(strict, mark)
                refuse_repeated_parameters(strict, lists)
                if self.body_field is not None:
                    await strict.read()
                return await idempotency.answer_once(strict, inner) if creates else await inner(strict)
            except DomainError as error:
                await run_in_threadpool(refusals.record, strict, self.name, error)
                raise

        return guarded


async def _admit(request: Request, mark: Mark | None) -> None:
    """Put the actor into `request.state.actor`, or raise."""
    request.state.actor = None
    body = await request.body() if mark is EDGE else b""
    await run_in_threadpool(_identify, request, mark, body)
    if isinstance(mark, Permission):
        require(request.state.actor, mark)
    elif mark is None:
        raise Forbidden("This route says nobody who may use it, so nobody may.")


def _identify(request: Request, mark: Mark | None, body: bytes) -> None:
    try:
        request.state.actor = credentials.actor_of(request, mark, body)
    finally:
        # Counted in any case: guessing credentials is what a limit is for. Who is unknown is counted by address.
        rate_limits.count(request, request.state.actor)


def guarded_router(**options: Any) -> APIRouter:
    """A router whose routes are guarded."""
    return APIRouter(route_class=GuardedRoute, **options)


def endpoints(routes: Iterable[BaseRoute]) -> Iterator[APIRoute]:
    """Every route that has an endpoint, those of included routers too."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        elif (router := getattr(route, "original_router", None)) is not None:
            yield from endpoints(router.routes)


def refuse_unguarded(api: FastAPI) -> None:
    """Fail at start-up if a route of `api` stands outside the guard or carries no mark."""
    for route in endpoints(api.routes):
        if not (isinstance(route, GuardedRoute) and mark_of(route.endpoint)):
            raise RuntimeError(f"{route.path} is not guarded: use guarded_router() and mark its endpoint with @allow")
