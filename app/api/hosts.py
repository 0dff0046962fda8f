"""Under which names this server answers. A request for any other is refused, whatever it wants.

A page of an attacker whose name was made to point here (DNS rebinding) would otherwise count as our own origin. Only
`/healthz` and `/readyz` answer to every name: probes ask by address, and learn nothing there that is secret.
"""

from functools import lru_cache
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.problems import problem
from app.settings import Settings, get_settings

THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 compared, not bound
OPEN_PATHS = ("/healthz", "/readyz")


class TrustedHosts:
    """Answers 400 to pages, API, event socket and live channel alike when the Host header names another server."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"} or scope["path"] in OPEN_PATHS:
            await self.app(scope, receive, send)
            return
        given = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if len(given) == 1 and _name(given[0]) in names_of(get_settings()):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1008})
        else:
            asked = ascii(given[0][:100]) if len(given) == 1 else f"{len(given)} names"
            await problem(
                400,
                "unknown-host",
                "This server does not answer to that name",
                f"The request's Host header is {asked}. Whoever runs this server can set TRAINYARD_PUBLIC_URL to the "
                "address that browsers and edge servers use, or add the name to TRAINYARD_ALLOWED_HOSTS.",
            )(scope, receive, send)


def names_of(settings: Settings) -> frozenset[str]:
    """Every name and address, without port, that the server of these settings answers to."""
    return _names(settings.public_url, settings.host, settings.allowed_hosts)


@lru_cache
def _names(public_url: str, host: str, allowed: str) -> frozenset[str]:
    own = [_name(urlsplit(public_url).netloc), *([] if host in EVERY_ADDRESS else [host])]
    more = [_name(part.strip()) for part in allowed.split(",")]
    return frozenset(name.lower() for name in (*THIS_MACHINE, *own, *more) if name)


def _name(host: str) -> str:
    """The name in a Host header: without port and brackets; nothing if it is no host at all."""
    try:
        parts = urlsplit(f"//{host}")
        valid = parts.netloc == host and not parts.username and not parts.path
        return (parts.hostname or "").rstrip(".") if valid else ""
    except ValueError:
        return ""
