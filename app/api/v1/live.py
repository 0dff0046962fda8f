"""The live channel: one WebSocket per browser tab, many topics.

The browser sends `{"subscribe": [topics]}` or `{"unsubscribe": [topics]}` and gets `{"topic", "data"}`. Every topic is
checked against what the signed-in person may see; the handshake must come from our own origin.
"""

import asyncio
import json
import time
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from app.api.deps import cookie_name
from app.auth import sessions
from app.domain.permissions import Actor, Permission, require
from app.errors import DomainError, NotFound
from app.infra.db import transaction
from app.infra.live import Subscription, broker
from app.services import training_jobs

router = APIRouter()

MAX_TOPICS = 64
POLICY_VIOLATION = 1008
RECHECK_SECONDS = 30
SHARED_TOPICS = {
    "jobs": Permission.JOBS_READ,
    "models": Permission.MODELS_READ,
    "deployments": Permission.DEPLOYMENTS_READ,
    "edges": Permission.EDGE_SERVERS_READ,
}


@router.websocket("/live")
async def live(socket: WebSocket) -> None:
    """Serve one tab until it goes away or its session ends."""
    origin = socket.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != socket.headers.get("host"):
        await socket.close(POLICY_VIOLATION)
        return
    actor = await asyncio.to_thread(_actor, socket)
    if actor is None:
        await socket.close(POLICY_VIOLATION)
        return
    await socket.accept()
    subscription = broker.open()
    tasks = [asyncio.create_task(job) for job in (_send(socket, subscription), _receive(socket, subscription))]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    except (WebSocketDisconnect, RuntimeError):
        return  # the tab is gone
    finally:
        for task in tasks:
            task.cancel()
        broker.close(subscription)


def _actor(socket: WebSocket) -> Actor:
    cookie = socket.cookies.get(cookie_name())
    if not cookie:
        return None
    with transaction() as session:
        return sessions.actor_of_session(session, cookie)


async def _send(socket: WebSocket, subscription: Subscription) -> None:
    checked = time.monotonic()
    while True:
        try:
            topic, text = await asyncio.wait_for(subscription.queue.get(), RECHECK_SECONDS)
        except TimeoutError:
            topic, text = "ping", "{}"
        # Also while messages keep coming: a session that ended must not go on watching a busy topic.
        if time.monotonic() - checked >= RECHECK_SECONDS:
            checked = time.monotonic()
            if await asyncio.to_thread(_actor, socket) is None:
                await socket.close(POLICY_VIOLATION)
                return
        await socket.send_text(f'{{"topic":{json.dumps(topic)},"data":{text}}}')


async def _receive(socket: WebSocket, subscription: Subscription) -> None:
    while True:
        message = await socket.receive_text()
        try:
            wanted = json.loads(message[:20_000])
            added = [str(topic) for topic in wanted.get("subscribe", [])]
            removed = [str(topic) for topic in wanted.get("unsubscribe", [])]
        except (ValueError, AttributeError, TypeError, RecursionError):
            await socket.close(POLICY_VIOLATION)
            return
        subscription.topics.difference_update(removed)
        for topic in added[:MAX_TOPICS]:
            if len(subscription.topics) < MAX_TOPICS and await asyncio.to_thread(_may_watch, socket, topic):
                subscription.topics.add(topic)


def _may_watch(socket: WebSocket, topic: str) -> bool:
    actor = _actor(socket)
    try:
        if topic in SHARED_TOPICS:
            require(actor, SHARED_TOPICS[topic])
            return True
        noun, _, job_id = topic.partition(":")
        if noun != "job":
            return False
        with transaction() as session:
            training_jobs.get(session, actor, UUID(job_id))
    except (NotFound, DomainError, ValueError):
        return False
    return True
