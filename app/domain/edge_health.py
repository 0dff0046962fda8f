"""How an edge server is doing, from the age of its last heartbeat."""

from datetime import datetime, timedelta
from enum import StrEnum

LATE_AFTER_INTERVALS = 3
OFFLINE_AFTER_INTERVALS = 12


class EdgeHealth(StrEnum):
    """What the map shows; never the colour alone."""

    NEVER = "never"
    OK = "ok"
    LATE = "late"
    OFFLINE = "offline"


def edge_health(last_heartbeat_at: datetime | None, now: datetime, interval_seconds: int) -> EdgeHealth:
    """`ok` within three intervals, `late` within twelve, then `offline`; `never` before the first heartbeat."""
    if last_heartbeat_at is None:
        return EdgeHealth.NEVER
    interval = timedelta(seconds=interval_seconds)
    age = now - last_heartbeat_at
    if age <= LATE_AFTER_INTERVALS * interval:
        return EdgeHealth.OK
    return EdgeHealth.LATE if age <= OFFLINE_AFTER_INTERVALS * interval else EdgeHealth.OFFLINE


def heard_between(health: EdgeHealth, now: datetime, interval_seconds: int) -> tuple[datetime | None, datetime | None]:
    """When the last heartbeat of a server with this `health` came: from the first moment on, before the second.

    The same bounds as in `edge_health`; None is no bound. A server that is `never` has no heartbeat to ask about.
    """
    interval = timedelta(seconds=interval_seconds)
    late, offline = now - LATE_AFTER_INTERVALS * interval, now - OFFLINE_AFTER_INTERVALS * interval
    return {EdgeHealth.OK: (late, None), EdgeHealth.LATE: (offline, late), EdgeHealth.OFFLINE: (None, offline)}[health]
