"""Signing in and out with a password, and the sessions, API tokens and password of whoever is signed in."""

from uuid import UUID

from fastapi import Request, Response, status

from app.api.cookies import cookie_name, delete_session_cookie, set_session_cookie
from app.api.deps import Run
from app.api.guard import guarded_router
from app.api.marks import PUBLIC, allow
from app.auth import actors, own_password, sessions, tokens
from app.domain.permissions import Permission
from app.errors import SignInFailed, TooManyRequests
from app.infra.db import transaction
from app.schemas.people import ApiTokenCreate, ApiTokenCreated, ApiTokenView, Me, SignIn
from app.schemas.sessions import PasswordChange, SessionView, SignedOut, SignOutEverywhere

router = guarded_router(prefix="/auth", tags=["sign-in"])


@router.post("/sign-in", summary="Sign in with a password")
@allow(PUBLIC)
def sign_in(request: Request, response: Response, credentials: SignIn) -> Me:
    try:
        with transaction() as session:
            agent = request.headers.get("user-agent", "")
            secret, actor = own_password.sign_in(session, credentials, agent)
            me = actors.show_me(session, actor)
    except (SignInFailed, TooManyRequests) as error:
        with transaction() as session:
            own_password.sign_in_refused(session, credentials.email, error)
        raise
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


@router.post("/sign-out-everywhere", summary="End all own sessions, this one too")
@allow(Permission.OWN_WRITE)
def sign_out_everywhere(run: Run, response: Response, request: SignOutEverywhere) -> SignedOut:
    ended = run(sessions.sign_out_everywhere, request)
    delete_session_cookie(response)
    return ended


@router.post("/password", summary="Change the own password; all other sessions end")
@allow(Permission.OWN_WRITE)
def change_password(run: Run, request: PasswordChange) -> SignedOut:
    return run(own_password.change_password, request)


@router.get("/me", summary="Who am I")
@allow(Permission.OWN_READ)
def me(run: Run) -> Me:
    return run(actors.show_me)


@router.get("/sessions", summary="Where am I signed in")
@allow(Permission.OWN_READ)
def list_sessions(run: Run) -> list[SessionView]:
    return run(sessions.list_sessions)


@router.post("/sessions/{session_id}/revoke", summary="End one of the own sessions")
@allow(Permission.OWN_WRITE)
def revoke_session(run: Run, session_id: UUID) -> SessionView:
    return run(sessions.revoke_session, session_id)


@router.get("/tokens", summary="List own API tokens")
@allow(Permission.OWN_READ)
def list_tokens(run: Run) -> list[ApiTokenView]:
    return run(tokens.list_tokens)


@router.post("/tokens", summary="Create an API token", status_code=status.HTTP_201_CREATED)
@allow(Permission.OWN_WRITE)
def create_token(run: Run, request: ApiTokenCreate) -> ApiTokenCreated:
    return run.create_secret(tokens.create_token, request)


@router.post("/tokens/{token_id}/revoke", summary="Revoke an API token")
@allow(Permission.OWN_WRITE)
def revoke_token(run: Run, token_id: UUID) -> ApiTokenView:
    return run(tokens.revoke_token, token_id)
