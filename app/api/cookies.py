"""The session cookie: HttpOnly, so that no script reads it, and SameSite, so that no other site sends it along."""

from starlette.responses import Response

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
