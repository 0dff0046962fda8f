"""Signing in and out with a password, and the API tokens of whoever is signed in."""

from uuid import UUID

from fastapi import Request, Response, status

from app.api.cookies import cookie_name, delete_session_cookie, set_session_cookie
from app.api.deps import Run
from app.api.guard import guarded_router
from app.api.marks import PUBLIC, allow
from app.auth import sessions
from app.domain.permissions import Permission
from app.infra.db import transaction
from app.schemas.people import ApiTokenCreate, ApiTokenCreated, ApiTokenView, Me, SignIn
from app.services.request_context import request_context

router = guarded_router(prefix="/auth", tags=["sign-in"])


@router.post("/sign-in", summary="Sign in with a password")
@allow(PUBLIC)
def sign_in(request: Request, response: Response, credentials: SignIn) -> Me:
    with transaction() as session:
        agent = request.headers.get("user-agent", "")
        secret, me = sessions.sign_in(session, credentials, agent, request_context.get().ip_address)
    set_session_cookie(response, secret)
    return me


@router.post("/sign-out", summary="Sign out", status_code=status.HTTP_204_NO_CONTENT)
@allow(PUBLIC)
def sign_out(request: Request, response: Response) -> None:
    secret = request.cookies.get(cookie_name())
    if secret:
        with transaction() as session:
            sessions.sign_out(session, secret)
    delete_session_cookie(response)


@router.get("/me", summary="Who am I")
@allow(Permission.OWN_READ)
def me(run: Run) -> Me:
    return run(sessions.show_me)


@router.get("/tokens", summary="List own API tokens")
@allow(Permission.OWN_READ)
def list_tokens(run: Run) -> list[ApiTokenView]:
    return run(sessions.list_tokens)


@router.post("/tokens", summary="Create an API token", status_code=status.HTTP_201_CREATED)
@allow(Permission.OWN_WRITE)
def create_token(run: Run, request: ApiTokenCreate) -> ApiTokenCreated:
    return run.create_secret(sessions.create_token, request)


@router.post("/tokens/{token_id}/revoke", summary="Revoke an API token")
@allow(Permission.OWN_WRITE)
def revoke_token(run: Run, token_id: UUID) -> ApiTokenView:
    return run(sessions.revoke_token, token_id)
