"""How much a caller may send: counted while it arrives, so that nothing grows with what somebody sends."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import problem
from app.errors import TooLarge

MAX_BODY_BYTES = 8 * 1024 * 1024
_TEXT = f"The body has more than the {MAX_BODY_BYTES:,} bytes allowed."


class BodyLimitMiddleware:
    """Refuses a body over `MAX_BODY_BYTES`: at once if its length is declared, otherwise as soon as it is over."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared[:20]) > MAX_BODY_BYTES:
            await problem(TooLarge.status, TooLarge.code, TooLarge.title, _TEXT)(scope, receive, send)
            return
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > MAX_BODY_BYTES:
                raise HTTPException(TooLarge.status, _TEXT)
            return message

        await self.app(scope, counted, send)
