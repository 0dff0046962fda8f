"""Counters in Redis that forget by themselves: how often something was tried within a window of time.

A place is taken in all counters of an attempt or in none, in one step, so that attempts at the same time cannot pass a
limit together.
"""

from collections.abc import Sequence
from typing import Any

import redis

from app.errors import Unavailable
from app.infra.queue import get_redis

PREFIX = "count:"

# The first argument is the window in seconds, the others are the limits of the keys in their order.
_TAKE = """
local wait = 0
for i, key in ipairs(KEYS) do
  if tonumber(redis.call('GET', key) or '0') >= tonumber(ARGV[i + 1]) then
    wait = math.max(wait, redis.call('TTL', key), 1)
  end
end
if wait > 0 then return wait end
for _, key in ipairs(KEYS) do
  if redis.call('INCR', key) == 1 then redis.call('EXPIRE', key, ARGV[1]) end
end
return 0
"""
# A counter that has run out meanwhile stays away: one below zero would give a place too many, and for ever.
_GIVE_BACK = """
for _, key in ipairs(KEYS) do
  if tonumber(redis.call('GET', key) or '0') > 0 then redis.call('DECR', key) end
end
"""


def take(limits: Sequence[tuple[str, int]], window_seconds: int) -> int:
    """Count one attempt in each counter `(name, limit)`: 0; or the seconds to wait, and then nothing is counted."""
    names = [name for name, _ in limits]
    return int(_run(_TAKE, names, window_seconds, *[limit for _, limit in limits]) or 0)


def give_back(names: Sequence[str]) -> None:
    """Count one attempt less in each counter."""
    _run(_GIVE_BACK, names)


def forget(name: str) -> None:
    """Begin a counter anew."""
    _run("redis.call('DEL', KEYS[1])", [name])


def _run(script: str, names: Sequence[str], *arguments: Any) -> Any:
    try:
        return get_redis().eval(script, len(names), *[PREFIX + name for name in names], *arguments)
    except redis.RedisError as error:
        raise Unavailable("Attempts cannot be counted right now, so none is made. Try again in a moment.") from error
