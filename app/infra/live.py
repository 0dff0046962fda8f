"""The live channel: short messages to whoever may look. Lossy on purpose; the truth is in Postgres.

Publishing is sync (services, workers). The web process holds one subscription (`Broker`) and fans out to bounded
queues that drop the oldest message of a slow browser. Every message names its owner, and what a person may not see is
dropped before it reaches that person's queue. On the wire: the owner (organization id or `global`), a space, JSON.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

import redis
import redis.asyncio as async_redis

from app.infra.queue import get_redis
from app.settings import get_settings

log = logging.getLogger(__name__)

PREFIX = "live:"
QUEUE_SIZE = 256
GLOBAL = "global"


def publish(topic: str, data: dict[str, Any], *, owner: int | None) -> None:
    """Tell everyone who watches `topic` and may see what `owner` (an organization's id; None is global) has.

    A lost Redis loses the message and nothing else.
    """
    whose = GLOBAL if owner is None else str(owner)
    try:
        get_redis().publish(PREFIX + topic, f"{whose} {json.dumps(data, default=str)}")
    except redis.RedisError as error:
        log.warning("live message on %s was lost: %s", topic, type(error).__name__)


class Subscription:
    """One browser: the topics it watches, whose messages it may see, and a bounded queue of `(topic, json text)`."""

    def __init__(self, may_see: Callable[[int | None], bool]) -> None:
        self.may_see = may_see
        self.topics: set[str] = set()
        self.queue: asyncio.Queue[tuple[str, str]] = asyncio.Queue(QUEUE_SIZE)

    def offer(self, topic: str, text: str) -> None:
        """Queue a message, dropping the oldest when full."""
        if self.queue.full():
            self.queue.get_nowait()
        self.queue.put_nowait((topic, text))


class Broker:
    """One Redis subscription per process, fanned out."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()

    def open(self, may_see: Callable[[int | None], bool]) -> Subscription:
        """A new, empty subscription of somebody who may see the owners for which `may_see` is true."""
        subscription = Subscription(may_see)
        self._subscriptions.add(subscription)
        return subscription

    def close(self, subscription: Subscription) -> None:
        """Forget it."""
        self._subscriptions.discard(subscription)

    async def run(self) -> None:
        """Pump until cancelled; reconnects with back-off when Redis goes away."""
        delay = 0.2
        while True:
            try:
                await self._pump()
            except (redis.RedisError, OSError) as error:
                log.warning("live channel lost (%s); again in %.1f s", type(error).__name__, delay)
            await asyncio.sleep(delay)
            delay = min(delay * 2, 5.0)

    async def _pump(self) -> None:
        client = async_redis.Redis.from_url(get_settings().redis_url)
        try:
            async with client.pubsub() as channel:
                await channel.psubscribe(PREFIX + "*")
                async for message in channel.listen():
                    if message["type"] == "pmessage":
                        self._fan_out(message["channel"].decode().removeprefix(PREFIX), message["data"].decode())
        finally:
            await client.aclose()

    def _fan_out(self, topic: str, message: str) -> None:
        whose, _, text = message.partition(" ")
        if whose != GLOBAL and not whose.isdecimal():
            log.warning("a live message on %s names no owner and was dropped", topic)
            return
        owner = None if whose == GLOBAL else int(whose)
        for subscription in self._subscriptions:
            if topic in subscription.topics and subscription.may_see(owner):
                subscription.offer(topic, text)


broker = Broker()
