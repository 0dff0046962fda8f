"""How an edge server is doing, from the age of its last heartbeat."""

from datetime import datetime, timedelta
from enum import StrEnum


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
    age = now - last_heartbeat_at
    if age <= timedelta(seconds=3 * interval_seconds):
        return EdgeHealth.OK
    return EdgeHealth.LATE if age <= timedelta(seconds=12 * interval_seconds) else EdgeHealth.OFFLINE
