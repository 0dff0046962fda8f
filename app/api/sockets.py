"""How many WebSockets one session and one address may hold, how large a message may be, and how fast they come in.

Counted for the event socket of pages and the live channel together, so that one browser (or somebody with a script)
cannot take all connections, or fill the memory with one message, or with many that wait for their answer. Who sends
faster is not cut off but read later: the connection itself slows its sender down. Pages send text only: Socket.IO would
keep attachments until as many have come as were announced, and any number may be announced.
"""

import asyncio
import hashlib
import time
from collections import Counter

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.cookies import cookie_name
from app.domain.addresses import counted_as
from app.infra import metrics
from app.web.serving import MAX_EVENT_BYTES

# A tab holds two. A made-up cookie costs nothing, so addresses are counted too, and whole offices share one.
MAX_PER_SESSION = 64
MAX_PER_ADDRESS = 512
# What a socket may send all the time, and for how many seconds' worth it may run ahead.
MESSAGES_A_SECOND, BYTES_A_SECOND, AHEAD_SECONDS = 20, MAX_EVENT_BYTES, 10.0
UNSUPPORTED, POLICY_VIOLATION, TOO_BIG = 1003, 1008, 1009
KINDS = {"/_event": "events", "/api/v1/live": "live"}


class SocketLimits:
    """Refuses a handshake beyond the limits and closes a socket that sends too much at once."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.open: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self.app(scope, receive, send)
            return
        limits = _limits(scope)
        if any(self.open[who] >= most for who, most in limits.items()):
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
            return
        gauge = metrics.SOCKETS.labels(KINDS.get(scope["path"].rstrip("/"), "other"))
        self.open.update(limits.keys())
        gauge.inc()
        try:
            await self.app(scope, _Bounded(receive, send), send)
        finally:
            gauge.dec()
            self.open.subtract(limits.keys())
            self.open += Counter()  # forgets those with none


class Pace:
    """When the next message of one socket may be read."""

    def __init__(self) -> None:
        self._paid_until = 0.0

    def wait(self, size: int, now: float) -> float:
        """The seconds to wait before a message of `size` bytes, which came at `now`, is handed on."""
        self._paid_until = max(now, self._paid_until) + 1 / MESSAGES_A_SECOND + size / BYTES_A_SECOND
        return max(0.0, self._paid_until - now - AHEAD_SECONDS)


class _Bounded:
    """`receive` that ends the socket instead of handing on what is too large or no text, and hands on none too fast."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self.receive, self.send = receive, send
        self.closed = False
        self.pace = Pace()

    async def __call__(self) -> Message:
        gone = {"type": "websocket.disconnect", "code": TOO_BIG}
        message = await self.receive() if not self.closed else gone
        text, data = str(message.get("text") or ""), bytes(message.get("bytes") or b"")
        size = len(text) + len(data)
        # Engine.IO also takes binary data as text, in base64 behind a "b".
        refusal = TOO_BIG if size > MAX_EVENT_BYTES else UNSUPPORTED if data or text.startswith("b") else None
        if refusal is None:
            if seconds := self.pace.wait(size, time.monotonic()):
                await asyncio.sleep(seconds)
            return message
        self.closed = True
        await self.send({"type": "websocket.close", "code": refusal})
        return gone


def _limits(scope: Scope) -> dict[str, int]:
    """Whom this socket is counted for, and how many they may have."""
    connection = HTTPConnection(scope)
    address = connection.client.host if connection.client else ""
    limits = {f"address {counted_as(address)}": MAX_PER_ADDRESS}
    if cookie := connection.cookies.get(cookie_name()):
        limits[f"session {hashlib.sha256(cookie.encode()).hexdigest()}"] = MAX_PER_SESSION
    return limits
