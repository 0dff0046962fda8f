"""How fast the live channel is: from a worker's report to a browser's socket, with many browsers watching."""

import asyncio
import json
import statistics
import time
from typing import Any

from app.infra.live import Broker, publish

BROWSERS, PER_SECOND, SECONDS = 100, 10, 10


def measure_live() -> dict[str, Any]:
    """Milliseconds from publishing to every subscriber's queue; percentiles over all deliveries."""
    return asyncio.run(_measure())


async def _measure() -> dict[str, Any]:
    broker = Broker()
    pump = asyncio.create_task(broker.run())
    delays: list[float] = []
    watchers = [asyncio.create_task(_watch(broker, delays)) for _ in range(BROWSERS)]
    await asyncio.sleep(1.0)
    before = time.process_time()
    for number in range(PER_SECOND * SECONDS):
        await asyncio.to_thread(publish, "bench", {"sent": time.time(), "number": number}, owner=None)
        await asyncio.sleep(1 / PER_SECOND)
    await asyncio.sleep(0.5)
    busy = time.process_time() - before
    for task in (*watchers, pump):
        task.cancel()
    delays.sort()
    sent = PER_SECOND * SECONDS
    return {
        "browsers": BROWSERS,
        "messages_per_second": PER_SECOND,
        "delivered_share": round(len(delays) / (sent * BROWSERS), 4),
        "p50_ms": round(statistics.median(delays), 2),
        "p95_ms": round(delays[int(len(delays) * 0.95)], 2),
        "max_ms": round(delays[-1], 2),
        "cpu_share_of_one_core": round(busy / (SECONDS + 0.5), 3),
    }


async def _watch(broker: Broker, delays: list[float]) -> None:
    subscription = broker.open(lambda _: True)
    subscription.topics.add("bench")
    while True:
        _, text = await subscription.queue.get()
        delays.append((time.time() - json.loads(text)["sent"]) * 1000)
