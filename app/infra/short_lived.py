"""What must be remembered for minutes and used once, in Redis: losing it costs somebody a second try, nothing more."""

import json
from typing import Any

import redis

from app.errors import Unavailable
from app.infra.queue import get_redis

PREFIX = "short:"
# Read and removed in one step, so that two requests at the same time cannot both have it.
_TAKE = "local found = redis.call('GET', KEYS[1]); redis.call('DEL', KEYS[1]); return found"


def put(name: str, value: dict[str, Any], seconds: int) -> None:
    """Remember `value` under `name` for `seconds`."""
    try:
        get_redis().set(PREFIX + name, json.dumps(value), ex=seconds)
    except redis.RedisError as error:
        raise _away() from error


def take(name: str) -> dict[str, Any] | None:
    """What is remembered under `name`, and forget it; None if there is nothing (any more)."""
    try:
        found = get_redis().eval(_TAKE, 1, PREFIX + name)
    except redis.RedisError as error:
        raise _away() from error
    return dict(json.loads(found)) if found else None


def _away() -> Unavailable:
    return Unavailable("What was begun cannot be remembered right now. Try again in a moment.")
