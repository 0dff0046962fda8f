"""How often somebody may: sliding windows in Redis, by the `limits` library. A lost Redis limits nobody."""

import logging
import math
import time
from dataclasses import dataclass
from functools import lru_cache

import redis
from limits import RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from app.infra.queue import get_redis
from app.settings import get_settings

log = logging.getLogger(__name__)

WINDOW_SECONDS = 60


@dataclass(frozen=True)
class Share:
    """What is left of somebody's requests. `reset` is in seconds from now."""

    allowed: bool
    quota: int
    remaining: int
    reset: int


@lru_cache(maxsize=1)
def _limiter(client: "redis.Redis") -> SlidingWindowCounterRateLimiter:
    storage = RedisStorage(get_settings().redis_url, connection_pool=client.connection_pool, wrap_exceptions=True)
    return SlidingWindowCounterRateLimiter(storage)


def admits(who: str, per_minute: int) -> bool:
    """Count one request of `who` against `per_minute`, where nobody asks how many are left."""
    try:
        return bool(_limiter(get_redis()).hit(RateLimitItemPerMinute(per_minute), who))
    except (redis.RedisError, StorageError) as error:
        log.warning("requests are not being counted: %s", type(error).__name__)
        return True


def take(who: str, per_minute: int) -> Share:
    """Count one request of `who` against `per_minute`."""
    item = RateLimitItemPerMinute(per_minute)
    try:
        limiter = _limiter(get_redis())
        allowed = limiter.hit(item, who)
        stats = limiter.get_window_stats(item, who)
    except (redis.RedisError, StorageError) as error:
        log.warning("requests are not being counted: %s", type(error).__name__)
        return Share(True, per_minute, per_minute, WINDOW_SECONDS)
    reset = min(WINDOW_SECONDS, max(1, math.ceil(stats.reset_time - time.time())))
    return Share(allowed, per_minute, stats.remaining, reset)
