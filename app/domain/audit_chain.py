"""How the links of the audit log are computed (docs/audit.md). No I/O here, so that anybody can do it again.

An event is hashed over its canonical JSON: keys sorted, no spaces, UTF-8, moments in UTC with six digits of a second.
A link is hashed over the link before, its own number, and the number and hash of its event.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

# What stands before the first link.
GENESIS = "0" * 64
# What is hashed of an event. A column that comes later must not join them: links that exist would no longer be right.
FIELDS = (
    "id",
    "occurred_at",
    "outcome",
    "actor",
    "actor_user_id",
    "action",
    "subject_type",
    "subject_id",
    "organization_id",
    "before",
    "after",
    "request_id",
    "ip_address",
)


def moment(value: datetime) -> str:
    """`2026-01-31T12:00:00.000000Z`: one way to write each moment."""
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def fields(row: Mapping[Any, Any]) -> dict[str, Any]:
    """The event in a row, as it is hashed and exported."""
    return {**{name: row[name] for name in FIELDS}, "occurred_at": moment(row["occurred_at"])}


def canonical(event: Mapping[str, Any]) -> bytes:
    """The bytes that stand for an event, given as `fields` gives it."""
    return json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def event_sha256(event: Mapping[str, Any]) -> str:
    """The hash of one event."""
    return hashlib.sha256(canonical(event)).hexdigest()


def chain_sha256(before: str, number: int, event_id: int, event: str) -> str:
    """The hash of link `number`, which binds the event's hash to the link `before`."""
    return hashlib.sha256(f"{before}|{number}|{event_id}|{event}".encode()).hexdigest()
