"""Sign-in, own tokens, people, organizations, audit, overview."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response, status

from app.api.deps import PageIn, Run, cookie_name
from app.api.guard import guarded_router
from app.api.lists import SortedQuery
from app.api.marks import PUBLIC, allow
from app.auth import sessions
from app.domain.permissions import Permission
from app.infra.db import transaction
from app.schemas.base import Page
from app.schemas.overview import AuditView, Overview
from app.schemas.people import (
    ApiTokenCreate,
    ApiTokenCreated,
    ApiTokenView,
    Me,
    OrganizationCreate,
    OrganizationFilter,
    OrganizationView,
    SignIn,
    UserCreate,
    UserFilter,
    UserView,
)
from app.services import audit, overview, users
from app.services.request_context import request_context
from app.settings import get_settings

router = guarded_router()


class UserQuery(UserFilter, SortedQuery):
    """Which people, and which page of them."""


class OrganizationQuery(OrganizationFilter, SortedQuery):
    """Which organizations, and which page of them."""


@router.post("/auth/sign-in", tags=["sign-in"], summary="Sign in with a password")
@allow(PUBLIC)
def sign_in(request: Request, response: Response, credentials: SignIn) -> Me:
    with transaction() as session:
        agent = request.headers.get("user-agent", "")
        secret, me = sessions.sign_in(session, credentials, agent, request_context.get().ip_address)
    settings = get_settings()
    response.set_cookie(
        cookie_name(),
        secret,
        max_age=settings.session_days * 86400,
        httponly=True,
        samesite="lax",
        secure=settings.secure_cookies,
        path="/",
    )
    return me


@router.post("/auth/sign-out", tags=["sign-in"], summary="Sign out", status_code=status.HTTP_204_NO_CONTENT)
@allow(PUBLIC)
def sign_out(request: Request, response: Response) -> None:
    secret = request.cookies.get(cookie_name())
    if secret:
        with transaction() as session:
            sessions.sign_out(session, secret)
    response.delete_cookie(cookie_name(), path="/", httponly=True, secure=get_settings().secure_cookies)


@router.get("/auth/me", tags=["sign-in"], summary="Who am I")
@allow(Permission.OWN_READ)
def me(run: Run) -> Me:
    return run(sessions.show_me)


@router.get("/auth/tokens", tags=["sign-in"], summary="List own API tokens")
@allow(Permission.OWN_READ)
def list_tokens(run: Run) -> list[ApiTokenView]:
    return run(sessions.list_tokens)


@router.post("/auth/tokens", tags=["sign-in"], summary="Create an API token", status_code=status.HTTP_201_CREATED)
@allow(Permission.OWN_WRITE)
def create_token(run: Run, request: ApiTokenCreate) -> ApiTokenCreated:
    return run.create_secret(sessions.create_token, request)


@router.post("/auth/tokens/{token_id}/revoke", tags=["sign-in"], summary="Revoke an API token")
@allow(Permission.OWN_WRITE)
def revoke_token(run: Run, token_id: UUID) -> ApiTokenView:
    return run(sessions.revoke_token, token_id)


@router.get("/users", tags=["people"], summary="List people")
@allow(Permission.USERS_READ)
def list_users(run: Run, query: Annotated[UserQuery, Query()]) -> Page[UserView]:
    return run(users.list_users, query.part(UserFilter), query.cursor, query.limit)


@router.post("/users", tags=["people"], summary="Create a person", status_code=status.HTTP_201_CREATED)
@allow(Permission.USERS_WRITE)
def create_user(run: Run, request: UserCreate) -> UserView:
    return run.create(users.create, request)


@router.get("/organizations", tags=["people"], summary="List organizations")
@allow(Permission.ORGANIZATIONS_READ)
def list_organizations(run: Run, query: Annotated[OrganizationQuery, Query()]) -> Page[OrganizationView]:
    return run(users.list_organizations, query.part(OrganizationFilter), query.cursor, query.limit)


@router.post("/organizations", tags=["people"], summary="Create an organization", status_code=status.HTTP_201_CREATED)
@allow(Permission.ORGANIZATIONS_WRITE)
def create_organization(run: Run, request: OrganizationCreate) -> OrganizationView:
    return run.create(users.create_organization, request)


@router.get("/training/overview", tags=["overview"], summary="Counts around the loop")
@allow(Permission.DATASETS_READ)
def show_overview(run: Run) -> Overview:
    return run(overview.show)


@router.get("/training/audit", tags=["audit"], summary="List audit events")
@allow(Permission.AUDIT_READ)
def list_audit(run: Run, page: PageIn) -> Page[AuditView]:
    return run(audit.list_events, page.cursor, page.limit)
