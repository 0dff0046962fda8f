"""Nothing is at an address with control characters in it, and routers that read to the end of a line would disagree."""

from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.base import RequestContextMiddleware
from app.api.problems import problem
from app.errors import NotFound

_TEXT = "The address holds a control character, and nothing is there."


class PrintablePaths:
    """Answers 404 to a path with a control character, before any router reads it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.refusal = RequestContextMiddleware(_nothing_there)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        strange = scope["type"] == "http" and any(ord(character) < 32 for character in scope["path"])
        await (self.refusal if strange else self.app)(scope, receive, send)


async def _nothing_there(scope: Scope, receive: Receive, send: Send) -> None:
    await problem(NotFound.status, NotFound.code, NotFound.title, _TEXT)(scope, receive, send)
