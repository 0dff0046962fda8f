"""The live channel: one WebSocket per browser tab, many topics.

The browser sends `{"subscribe": [topics]}` or `{"unsubscribe": [topics]}` and gets `{"topic", "data"}`. A subscription
is answered by `{"subscribed": [topics that are watched from now on], "now"}`, so that a page can read again what it
showed before and misses nothing, and knows the server's clock.

Every topic needs a permission, every message is of an owner that the person may see (`app/infra/live.py`), and the
handshake must come from our own origin. The person is looked up again with every subscription and twice a minute: a
session that ended, another role, organization or plan closes the socket.
"""

import asyncio
import json
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from sqlmodel import Session

from app.api.cookies import cookie_name
from app.api.origins import is_own
from app.auth import sessions
from app.domain.permissions import Actor, Permission, require
from app.errors import Forbidden, NotFound, Unavailable
from app.infra.db import transaction
from app.infra.live import broker
from app.services import datasets, training_jobs
from app.services.access import may_see

router = APIRouter()

MAX_TOPICS = 64
POLICY_VIOLATION = 1008
TRY_AGAIN_LATER = 1013
RECHECK_SECONDS = 30
SHARED_TOPICS = {
    "jobs": Permission.JOBS_READ,
    "models": Permission.MODELS_READ,
    "deployments": Permission.DEPLOYMENTS_READ,
    "edges": Permission.EDGE_SERVERS_READ,
    "webhooks": Permission.WEBHOOKS_READ,
}
# Topics of one record: who may read it may watch it.
OF_ONE: dict[str, Callable[[Session, Actor, UUID], object]] = {"job": training_jobs.get, "dataset": datasets.get}


@router.websocket("/live")
async def live(socket: WebSocket) -> None:
    """Serve one tab until it goes away or what its person may see changes."""
    origin = socket.headers.get("origin")
    if origin is not None and not is_own(origin, socket.headers.get("host")):
        await socket.close(POLICY_VIOLATION)
        return
    try:
        actor = await asyncio.to_thread(_actor, socket)
    except Unavailable:
        await socket.close(TRY_AGAIN_LATER)
        return
    if actor is None:
        await socket.close(POLICY_VIOLATION)
        return
    await socket.accept()
    await Tab(socket, actor).serve()


class Tab:
    """One browser tab: its socket, the person behind it, and what it watches."""

    def __init__(self, socket: WebSocket, actor: Actor) -> None:
        self.socket = socket
        self.actor = actor
        self.subscription = broker.open(partial(may_see, actor))
        self.sending = asyncio.Lock()

    async def serve(self) -> None:
        """Send and receive until one of both ends."""
        tasks = [asyncio.create_task(_code_of(job)) for job in (self._send_messages(), self._receive())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            await self.socket.close(min(task.result() for task in done))
        except (WebSocketDisconnect, RuntimeError):
            return  # the tab is gone
        finally:
            for task in tasks:
                task.cancel()
            broker.close(self.subscription)

    async def _send_messages(self) -> int:
        """Hand on what is published; returns the code to close with."""
        checked = time.monotonic()
        while True:
            try:
                topic, text = await asyncio.wait_for(self.subscription.queue.get(), RECHECK_SECONDS)
            except TimeoutError:
                topic, text = "ping", "{}"
            # Also while messages keep coming: whose rights ended must not go on watching a busy topic.
            if time.monotonic() - checked >= RECHECK_SECONDS:
                checked = time.monotonic()
                if not await self._is_the_same():
                    return POLICY_VIOLATION
            await self._send(f'{{"topic":{json.dumps(topic)},"data":{text}}}')

    async def _receive(self) -> int:
        """Do what the browser asks; returns the code to close with."""
        watched = self.subscription.topics
        while True:
            try:
                added, removed = _asked(await self.socket.receive_text())
            except (ValueError, AttributeError, RecursionError):
                return POLICY_VIOLATION
            watched.difference_update(removed or [])
            if added is None:
                continue
            if not await self._is_the_same():
                return POLICY_VIOLATION
            allowed = [topic for topic in added[:MAX_TOPICS] if await asyncio.to_thread(_may_watch, self.actor, topic)]
            watched.update(allowed[: MAX_TOPICS - len(watched)])
            answer = {
                "subscribed": [topic for topic in allowed if topic in watched],
                "now": datetime.now(UTC).isoformat(),
            }
            await self._send(json.dumps(answer))

    async def _is_the_same(self) -> bool:
        """True while the session lasts and its person has the role, the organization and the plan of the beginning."""
        if await asyncio.to_thread(_actor, self.socket) == self.actor:
            return True
        self.subscription.topics.clear()
        return False

    async def _send(self, text: str) -> None:
        async with self.sending:
            await self.socket.send_text(text)


async def _code_of(job: Coroutine[None, None, int]) -> int:
    """What `job` closes the socket with; a database that does not answer is no reason to refuse for good."""
    try:
        return await job
    except Unavailable:
        return TRY_AGAIN_LATER


def _asked(message: str) -> tuple[list[str] | None, list[str] | None]:
    """The topics to add and to remove; None where nothing is asked. Raises ValueError for rubbish."""
    wanted = json.loads(message[:20_000])
    added, removed = wanted.get("subscribe"), wanted.get("unsubscribe")
    for topics in (added, removed):
        if topics is not None and not (isinstance(topics, list) and all(isinstance(topic, str) for topic in topics)):
            raise ValueError("topics are a list of strings")
    return added, removed


def _actor(socket: WebSocket) -> Actor:
    cookie = socket.cookies.get(cookie_name())
    if not cookie:
        return None
    with transaction() as session:
        return sessions.actor_of_session(session, cookie)


def _may_watch(actor: Actor, topic: str) -> bool:
    try:
        if topic in SHARED_TOPICS:
            require(actor, SHARED_TOPICS[topic])
            return True
        noun, _, key = topic.partition(":")
        if noun not in OF_ONE:
            return False
        with transaction() as session:
            OF_ONE[noun](session, actor, UUID(key))
    except (Forbidden, NotFound, ValueError):
        return False
    return True
