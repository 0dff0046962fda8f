"""The cookies of signing in: HttpOnly, so that no script reads them; SameSite, so that other sites send none along."""

from starlette.responses import Response

from app.auth.oidc import FLOW_SECONDS
from app.auth.sessions import LIFETIME
from app.settings import get_settings


def cookie_name() -> str:
    """Behind https the `__Host-` prefix keeps other hosts from setting the cookie."""
    return "__Host-trainyard" if get_settings().secure_cookies else "trainyard_session"


def set_session_cookie(response: Response, secret: str) -> None:
    """Sign the browser in."""
    settings = get_settings()
    response.set_cookie(
        cookie_name(),
        secret,
        max_age=int(LIFETIME.total_seconds()),  # the server decides when it ends, which moves with every use
        httponly=True,
        samesite="lax",
        secure=settings.secure_cookies,
        path="/",
    )


def delete_session_cookie(response: Response) -> None:
    """Sign the browser out."""
    response.delete_cookie(cookie_name(), path="/", httponly=True, secure=get_settings().secure_cookies)


def flow_cookie_name() -> str:
    """The cookie of a sign-in at the identity provider that is under way."""
    return "__Host-trainyard_oidc" if get_settings().secure_cookies else "trainyard_oidc"


def set_flow_cookie(response: Response, secret: str) -> None:
    """Let the browser prove, when it comes back from the provider, that the sign-in began in it.

    Lax, because coming back is a navigation from another site.
    """
    secure = get_settings().secure_cookies
    response.set_cookie(
        flow_cookie_name(), secret, max_age=FLOW_SECONDS, httponly=True, samesite="lax", secure=secure, path="/"
    )


def delete_flow_cookie(response: Response) -> None:
    """The sign-in is over."""
    response.delete_cookie(flow_cookie_name(), path="/", httponly=True, secure=get_settings().secure_cookies)
