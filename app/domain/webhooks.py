"""Webhooks as rules: what is told, in which words, how often it is tried, and how a message is signed.

The format is Standard Webhooks 1.0 (standardwebhooks.com): `webhook-id`, `webhook-timestamp` and `webhook-signature`,
an HMAC-SHA256 over `id.timestamp.body`. A message may arrive twice or out of order; its id and timestamp say so.
"""

import base64
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

SECRET_PREFIX = "whsec_"  # noqa: S105 a prefix, no secret
# The pause after each failed attempt; after the last one the delivery has failed.
BACKOFF = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=3),
    timedelta(hours=8),
)
MAX_ATTEMPTS = len(BACKOFF) + 1
# Pauses are stretched by up to a fifth, so that what failed together does not come back together.
JITTER = 0.2


class EventType(StrEnum):
    """What can be subscribed to: every status that a record can reach, each told once when it is reached."""

    JOB_QUEUED = "job.queued"
    JOB_RUNNING = "job.running"
    JOB_COMPLETED = "job.completed"
    JOB_FAILED = "job.failed"
    JOB_CANCELLED = "job.cancelled"
    MODEL_VERSION_CREATED = "model_version.created"
    MODEL_VERSION_DRAFT = "model_version.draft"
    MODEL_VERSION_TESTING = "model_version.testing"
    MODEL_VERSION_APPROVED = "model_version.approved"
    MODEL_VERSION_RELEASED = "model_version.released"
    MODEL_VERSION_DEPRECATED = "model_version.deprecated"
    DEPLOYMENT_PENDING = "deployment.pending"
    DEPLOYMENT_DOWNLOADING = "deployment.downloading"
    DEPLOYMENT_INSTALLING = "deployment.installing"
    DEPLOYMENT_COMPLETED = "deployment.completed"
    DEPLOYMENT_FAILED = "deployment.failed"


# Sent by hand to try a webhook; nobody subscribes to it.
PING = "webhook.ping"


def retry_at(attempt: int, now: datetime, jitter: float) -> datetime | None:
    """When to try again after the failed attempt number `attempt` (from 1); None after the last one.

    `jitter` is a random number from 0 to 1.
    """
    if attempt > len(BACKOFF):
        return None
    return now + BACKOFF[attempt - 1] * (1 + JITTER * jitter)


def message(message_id: UUID, event_type: str, at: datetime, data: Mapping[str, Any]) -> dict[str, Any]:
    """What is sent: small, without secrets, and the same however often it is sent."""
    return {"id": str(message_id), "type": event_type, "timestamp": at.isoformat(), "data": dict(data)}


def encode(payload: Mapping[str, Any]) -> bytes:
    """The exact bytes that are signed and sent."""
    return json.dumps(payload, separators=(",", ":"), sort_keys=True).encode()


def secret_text(key: bytes) -> str:
    """A signing key as its receiver is given it."""
    return SECRET_PREFIX + base64.b64encode(key).decode()


def signature(key: bytes, message_id: UUID, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def headers(key: bytes, message_id: UUID, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of a message that is sent at `at`."""
    timestamp = int(at.timestamp())
    return {
        "webhook-id": str(message_id),
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(key, message_id, timestamp, body),
    }


def was_accepted(status: int) -> bool:
    """True for the answers that end a delivery well: 200 to 299."""
    return 200 <= status < 300


def reason(status: int) -> str:
    """Why the answer `status` is no success, in words."""
    if 300 <= status < 400:
        return f"The receiver answered {status}, a redirect. Redirects are not followed: enter the final address."
    if status == 410:
        return "The receiver answered 410: it is gone for good. Remove this webhook or enter another address."
    return f"The receiver answered {status}; a message is accepted with 200 to 299."
