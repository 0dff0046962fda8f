"""The guard in front of every route: who calls, may they, how often, and is it the same request again?

Deny by default, as for event handlers (`state/guard.py`): a route is answered only if it is a `GuardedRoute` whose
endpoint carries a mark (`app/api/marks.py`). In this order, before the body is parsed:

1. the credential is exchanged for an actor (`app/api/credentials.py`), and a refusal is written to the audit log;
2. the credential's, or the address's, share of requests is counted (`app/api/rate_limits.py`);
3. the mark's permission is required. Objects and tenants are decided in the services, which ask again;
4. parameters that were given twice, and JSON that is ambiguous or too deep, are refused (`app/api/strict.py`);
5. a creating request with an Idempotency-Key that was answered before gets the same answer (`app/api/idempotency.py`).
"""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from app.api import credentials, idempotency, rate_limits, refusals
from app.api.marks import EDGE, PUBLIC, Mark, mark_of
from app.api.strict import StrictRequest, refuse_repeated_parameters
from app.domain.permissions import Actor, Permission, require
from app.errors import DomainError, Forbidden

Handler = Callable[[Request], Awaitable[Response]]


class GuardedRoute(APIRoute):
    """A route whose endpoint says what it needs."""

    def get_route_handler(self) -> Handler:
        """The endpoint behind the guard."""
        inner, mark = super().get_route_handler(), mark_of(self.endpoint)
        lists = frozenset(name for name, many in _query_parameters(self) if many)
        creates = self.status_code == 201

        async def guarded(request: Request) -> Response:
            strict = StrictRequest(request.scope, request.receive)
            try:
                counted = await _admit(strict, mark)
                refuse_repeated_parameters(strict, lists)
                if creates:
                    answer = await idempotency.answer_once(strict, inner)
                else:
                    answer = await inner(strict)
            except DomainError as error:
                await run_in_threadpool(refusals.record, strict, self.endpoint, error)
                raise
            answer.headers.update(counted.headers())
            return answer

        return guarded


async def _admit(request: Request, mark: Mark | None) -> rate_limits.Share:
    """Let the request through with its actor in `request.state.actor`, or raise."""
    request.state.actor = None
    body = await request.body() if mark is EDGE else b""
    try:
        actor: Actor = await run_in_threadpool(credentials.actor_of, request, mark, body)
    except DomainError:
        await run_in_threadpool(rate_limits.count, request, None)
        raise
    request.state.actor = actor
    share = await run_in_threadpool(rate_limits.count, request, actor)
    if mark is None:
        raise Forbidden("This route is open to nobody.")
    if isinstance(mark, Permission):
        require(actor, mark)
    return share


def _query_parameters(route: APIRoute) -> list[tuple[str, bool]]:
    from app.api.strict import query_parameters

    return query_parameters(route.dependant)


def guarded_router(**options: Any) -> APIRouter:
    """A router of guarded routes."""
    return APIRouter(route_class=GuardedRoute, **options)


def refuse_unguarded(api: FastAPI) -> None:
    """Fail at start-up if a route stands outside the guard or carries no mark."""
    for route in api.routes:
        if isinstance(route, APIRoute) and not (isinstance(route, GuardedRoute) and mark_of(route.endpoint)):
            raise AssertionError(f"{route.path} is not guarded: mark its endpoint and use guarded_router()")


__all__ = ["EDGE", "PUBLIC", "GuardedRoute", "guarded_router", "refuse_unguarded"]
