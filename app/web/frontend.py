"""Small corrections in front of the built front end.

- `RuntimeAddress`: Reflex bakes the address of the event socket into one script of the build. It is replaced by the
  host that the browser really used, so that one build serves any host and port.
- `PlainAddresses`: a page is served under `/jobs`, without a redirect to `/jobs/`.
- `ClosedPaths`: what Reflex would serve besides, and nobody needs, does not exist here, whoever asks.
- `SignInFirst`: who has no session cookie at all is sent to the sign-in page before anything is loaded, instead of
  seeing an empty frame first. It protects nothing: that is the guard's and the services' work.
"""

import re
from pathlib import Path
from urllib.parse import quote

from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

_BAKED = re.compile(rb"(ws|http)(s?)://localhost:\d+")
_HOST = re.compile(r"^(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$")
_ENVIRONMENT = "/assets/reflex-env-"
_NOT_PAGES = ("/api/", "/assets/", "/_event", "/ping", "/metrics", "/healthz", "/readyz")
# Addresses of Reflex that this product does not use: uploads without a limit and open to everybody, a list of all
# pages, the sign-in of a development environment, a health check of its own.
_CLOSED = ("/_upload", "/_all_routes", "/auth-codespace", "/_health")


class RuntimeAddress:
    """Serves the environment script with the browser's own host in it."""

    def __init__(self, app: ASGIApp, *, client: Path, https: bool) -> None:
        self.app = app
        self.folder = (client / "assets").resolve()
        self.secure = b"s" if https else b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(_ENVIRONMENT):
            body = self._rewritten(scope)
            if body is not None:
                answer = Response(body, media_type="text/javascript", headers={"cache-control": "no-store"})
                await answer(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _rewritten(self, scope: Scope) -> bytes | None:
        host = HTTPConnection(scope).headers.get("host", "")
        file = self.folder / Path(scope["path"]).name
        if not _HOST.match(host) or file.suffix != ".js" or not file.is_file():
            return None
        return _BAKED.sub(rb"\1" + self.secure + b"://" + host.encode(), file.read_bytes())


class PlainAddresses:
    """Serves each prerendered page under its address without a slash at the end."""

    def __init__(self, app: ASGIApp, *, client: Path) -> None:
        self.app = app
        pages = (page.relative_to(client).with_suffix("") for page in client.rglob("*.html"))
        self.pages = {f"/{page.as_posix()}" for page in pages if page.name not in {"index", "404", "__spa-fallback"}}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] in self.pages:
            path = f"{scope['path']}.html"
            scope = {**scope, "path": path, "raw_path": path.encode()}
        await self.app(scope, receive, send)


class ClosedPaths:
    """Answers 404 under the addresses that are closed."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and f"{scope['path']}/".startswith(tuple(f"{path}/" for path in _CLOSED)):
            await Response("There is nothing here.\n", 404, media_type="text/plain")(scope, receive, send)
            return
        await self.app(scope, receive, send)


class SignInFirst:
    """Sends page loads without a session cookie to the sign-in page."""

    def __init__(self, app: ASGIApp, *, cookie_name: str) -> None:
        self.app = app
        self.cookie_name = cookie_name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._is_stranger(scope):
            query = scope["query_string"].decode("latin-1")
            there = scope["path"] + (f"?{query}" if query else "")
            to = "/sign-in" if there == "/" else "/sign-in?next=" + quote(there, safe="")
            await RedirectResponse(to, 303, {"cache-control": "no-store"})(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _is_stranger(self, scope: Scope) -> bool:
        path: str = scope["path"]
        if scope["method"] != "GET" or path.startswith(_NOT_PAGES) or path.rstrip("/") == "/sign-in":
            return False
        connection = HTTPConnection(scope)
        wants_page = "text/html" in connection.headers.get("accept", "")
        return wants_page and self.cookie_name not in connection.cookies
