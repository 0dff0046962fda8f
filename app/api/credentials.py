"""From a request to the actor behind it: an API token, a session cookie, or an edge server's signature.

A request that brings a credential which is not valid is refused, also where none was needed. A change that is
authenticated by a cookie must come from our own pages (`Origin`, or `Sec-Fetch-Site` where a browser sends no origin).
"""

from fastapi import Request

from app.api.cookies import cookie_name
from app.api.marks import EDGE, PUBLIC, Mark
from app.api.origins import is_own
from app.auth import edge_keys, sessions, tokens
from app.domain.permissions import Actor
from app.errors import Forbidden, Unauthenticated
from app.infra.db import transaction

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def actor_of(request: Request, mark: Mark | None, body: bytes) -> Actor:
    """Who sends this request; None for a caller without a credential. `body` is read for edge servers only."""
    if mark is EDGE:
        return _edge(request, body)
    cookie = request.cookies.get(cookie_name())
    if mark is PUBLIC:  # a stale cookie must not keep anybody from signing in again
        if request.method not in SAFE_METHODS:
            _same_origin(request, certain=bool(cookie))
        return None
    scheme, _, credential = request.headers.get("authorization", "").partition(" ")
    if credential:
        return _of_token(scheme, credential.strip())
    if not cookie:
        return None
    if request.method not in SAFE_METHODS:
        _same_origin(request, certain=True)
    with transaction() as session:
        actor = sessions.actor_of_session(session, cookie)
    if actor is None:
        raise Unauthenticated("This session has ended. Sign in again.", code="session-ended")
    return actor


def _of_token(scheme: str, credential: str) -> Actor:
    if scheme.lower() != "bearer" or not credential.startswith(tokens.TOKEN_PREFIX):
        raise Unauthenticated("The Authorization header must be: Bearer tyat_… (an API token).", code="token-invalid")
    with transaction() as session:
        return tokens.actor_of_token(session, credential)


def _edge(request: Request, body: bytes) -> Actor:
    scheme, _, credential = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not credential:
        raise Unauthenticated("An edge server signs its requests: Authorization: Bearer <JWT>.")
    with transaction() as session:
        return edge_keys.actor_of_jwt(session, credential.strip(), request.method, request.url.path, body)


def _same_origin(request: Request, *, certain: bool) -> None:
    """Refuse what comes from another site. `certain`: also refuse what does not say where it comes from."""
    origin = request.headers.get("origin")
    site = request.headers.get("sec-fetch-site")
    if origin is not None:
        ours = is_own(origin, request.headers.get("host"))
    elif site is not None:
        ours = site in {"same-origin", "none"}
    else:
        ours = not certain
    if not ours:
        raise Forbidden(
            "This change came from another site, or did not say where from (header Origin). Scripts use an API token.",
            code="cross-site",
        )
