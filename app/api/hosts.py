"""Under which names this server answers. A request for any other is refused, whatever it wants.

A page of an attacker whose name was made to point here (DNS rebinding) would otherwise count as our own origin. Only
`/healthz` and `/readyz` answer to every name: probes ask by address, and learn nothing there that is secret.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.problems import problem
from app.settings import get_settings, host_name

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
        if len(given) == 1 and host_name(given[0]) in get_settings().host_names:
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
