"""Signing in at an OpenID Connect provider: out to it and back, and which ways of signing in there are.

Browsers open `start` and `callback` as pages, so whatever happens they are led on: to where the person wanted to go, or
to the sign-in page with the code of what went wrong, which it explains. No word of the provider's reaches the page.
"""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query, Request, status
from fastapi.responses import RedirectResponse

from app.api.cookies import delete_flow_cookie, flow_cookie_name, set_flow_cookie, set_session_cookie
from app.api.guard import guarded_router
from app.api.marks import PUBLIC, allow
from app.auth import oidc, oidc_accounts
from app.auth.id_tokens import TokenRefused
from app.errors import DomainError, Unavailable
from app.infra import metrics
from app.infra.db import transaction
from app.infra.identity_provider import ProviderFault
from app.schemas.oidc import SignInMethods

router = guarded_router(prefix="/auth", tags=["sign-in"])

# What ends at the sign-in page instead of a problem document.
EXPLAINED = (oidc.SignInRefused, TokenRefused, Unavailable)
LEADS_ON = {303: {"description": "To the provider, into the dashboard, or to the sign-in page with a `problem`"}}
Text = Annotated[str, Query(max_length=8192)]


@router.get("/methods", summary="How can people sign in here")
@allow(PUBLIC)
def list_methods() -> SignInMethods:
    return oidc.methods()


@router.get(
    "/oidc/start",
    summary="Sign in at the identity provider",
    status_code=status.HTTP_303_SEE_OTHER,
    response_class=RedirectResponse,
    responses=LEADS_ON,
)
@allow(PUBLIC)
def start(next: Text = "/") -> RedirectResponse:
    """`next` is where to go after: a path of this server, anything else counts as `/`."""
    try:
        url, browser = oidc.begin(next)
    except EXPLAINED as error:
        return _explain(error, next)
    response = _lead_to(url)
    set_flow_cookie(response, browser)
    return response


@router.get(
    "/oidc/callback",
    summary="Where the identity provider leads back to",
    status_code=status.HTTP_303_SEE_OTHER,
    response_class=RedirectResponse,
    responses=LEADS_ON,
)
@allow(PUBLIC)
def callback(request: Request, state: Text = "", code: Text = "", error: Text = "", iss: Text = "") -> RedirectResponse:
    browser = request.cookies.get(flow_cookie_name(), "")
    verified = None
    try:
        verified = oidc.finish(browser, oidc.Answer(state, code, error, iss))
        with transaction() as session:
            secret, _ = oidc_accounts.admit(session, verified, request.headers.get("user-agent", ""))
    except EXPLAINED as refusal:
        with transaction() as session:
            oidc_accounts.refuse(session, verified, refusal)
        return _explain(refusal, verified.next_path if verified else "/")
    response = _lead_to(verified.next_path)
    set_session_cookie(response, secret)
    delete_flow_cookie(response)
    return response


def _explain(error: DomainError, next_path: str = "/") -> RedirectResponse:
    known = isinstance(error, oidc.SignInRefused | TokenRefused | ProviderFault)
    code = error.problem_code if known else ProviderFault.code
    metrics.REFUSALS.labels(code).inc()
    query = {"problem": code}
    if (wanted := oidc.own_path(next_path)) != "/":
        query["next"] = wanted
    response = _lead_to(f"/sign-in?{urlencode(query)}")
    delete_flow_cookie(response)
    return response


def _lead_to(url: str) -> RedirectResponse:
    return RedirectResponse(url, status.HTTP_303_SEE_OTHER, {"cache-control": "no-store"})
