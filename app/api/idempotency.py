"""`Idempotency-Key` on requests that create (draft-ietf-httpapi-idempotency-key-header).

The guard looks the key up before the endpoint runs; `Runner.create` claims it in the transaction of the change, so a
crash in between can neither lose the change nor make it twice.
"""

import hashlib
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from app.errors import Invalid
from app.infra.db import transaction
from app.services.idempotency import AnsweredBefore, Claim, answer_of

HEADER = "Idempotency-Key"
MAX_LENGTH = 200

pending: ContextVar[Claim | None] = ContextVar("idempotency_claim", default=None)


async def answer_once(request: Request, inner: Callable[[Request], Awaitable[Response]]) -> Response:
    """The answer of `inner`, or the one that an equal request got before."""
    wanted = await _claim_of(request)
    if wanted is None:
        return await inner(request)
    before = await run_in_threadpool(_look_up, wanted)
    if before is None:
        reset = pending.set(wanted)
        try:
            return await inner(request)
        except AnsweredBefore:
            before = await run_in_threadpool(_look_up, wanted)
        finally:
            pending.reset(reset)
    return JSONResponse(before, status_code=201, headers={"Idempotency-Replayed": "true"})


async def _claim_of(request: Request) -> Claim | None:
    key = request.headers.get(HEADER)
    if key is None or request.state.actor is None:
        return None
    if not 1 <= len(key) <= MAX_LENGTH or not key.isascii() or not key.isprintable():
        raise Invalid(f"{HEADER} must be 1 to {MAX_LENGTH} printable ASCII characters.", field=f"header.{HEADER}")
    asked = f"{request.method} {request.url.path}?{request.url.query}\n".encode() + await request.body()
    return Claim(request.state.actor.label, key, hashlib.sha256(asked).hexdigest())


def _look_up(wanted: Claim) -> dict[str, Any] | None:
    with transaction() as session:
        return answer_of(session, wanted)
