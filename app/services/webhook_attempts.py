"""Attempts to deliver, as couriers make them and as the reconciler keeps them going.

An attempt is begun in one transaction and concluded in another; none is open while a receiver is waited for. One
courier only can begin an attempt (row lock), and only the latest attempt can conclude (`attempt` fences). Who dies in
between loses nothing: the attempt is given up after `LEASE`, and the next one begins.
"""

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, update
from sqlmodel import Session, col, select

from app.domain import webhooks as rules
from app.domain.machines import DeliveryStatus, advance
from app.domain.permissions import Actor, Permission, require
from app.infra.db import after_commit
from app.infra.queue import enqueue_delivery, queue_id
from app.services.webhook_deliveries import tell_browsers
from app.services.webhooks import signing_key
from app.tables import Webhook, WebhookDelivery

# Longer than an attempt can take (`infra/outbound.py`): after it the courier is dead.
LEASE = timedelta(seconds=60)
# For so long a receiver that gives no answer holds back its own messages, and not those of others.
BREATHER = timedelta(seconds=30)
KEPT = timedelta(days=30)
BATCH = 1000
PENDING, DELIVERED, FAILED = DeliveryStatus.PENDING, DeliveryStatus.DELIVERED, DeliveryStatus.FAILED


@dataclass(frozen=True)
class Letter:
    """What a courier needs for one attempt."""

    delivery_id: UUID
    attempt: int
    url: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Outcome:
    """What came of an attempt: the status of an answer, or `error` says why there is none."""

    duration_ms: int
    response_status: int | None = None
    error: str | None = None


def begin(session: Session, actor: Actor, delivery_id: UUID, now: datetime) -> Letter | None:
    """Claim the next attempt, for `LEASE`. None if none is due, or another courier claims it at this moment."""
    require(actor, Permission.WEBHOOKS_WRITE)
    query = (
        select(WebhookDelivery, Webhook)
        .join(Webhook, col(Webhook.id) == WebhookDelivery.webhook_id)
        .where(WebhookDelivery.id == delivery_id, *_due(now))
        .with_for_update(skip_locked=True, of=WebhookDelivery)
    )
    found = session.exec(query.execution_options(populate_existing=True)).one_or_none()
    if found is None:
        return None
    row, hook = found
    session.add(row)
    if row.attempt >= rules.MAX_ATTEMPTS:
        row.error = "The courier was lost in the last attempt; whether the message arrived is not known."
        _end(row, FAILED, now)
        tell_browsers(session, hook, row)
        return None
    row.attempt += 1
    row.next_attempt_at = now + LEASE
    body = rules.encode(row.payload)
    return Letter(row.id, row.attempt, hook.url, rules.headers(signing_key(hook), row.message_id, now, body), body)


def conclude(
    session: Session, actor: Actor, letter: Letter, outcome: Outcome, now: datetime, jitter: float
) -> DeliveryStatus | None:
    """Write what came of an attempt and when the next one is. None if this attempt counts no more.

    `jitter` is a random number from 0 to 1.
    """
    require(actor, Permission.WEBHOOKS_WRITE)
    hook, row = _locked(session, letter.delivery_id)
    if hook is None or row is None or row.status != PENDING or row.attempt != letter.attempt:
        return None
    row.response_status, row.duration_ms = outcome.response_status, outcome.duration_ms
    if outcome.response_status is not None and rules.was_accepted(outcome.response_status):
        row.error = hook.failing_since = None
        hook.last_delivered_at = now
        _end(row, DELIVERED, now)
    else:
        _note_failure(hook, row, outcome, now, jitter)
    session.add_all((hook, row))
    session.flush()
    if outcome.response_status is None:
        _hold_back(session, hook, row, now)
    tell_browsers(session, hook, row)
    return DeliveryStatus(row.status)


def enqueue_due(session: Session, actor: Actor, waiting: Set[str], now: datetime) -> int:
    """Hand out every attempt that is due and not in the queue (`waiting`, as `queue_id` names them); returns how many.

    So retries begin, and so comes back what a lost queue or a killed courier left behind.
    """
    require(actor, Permission.WEBHOOKS_WRITE)
    query = (
        select(WebhookDelivery.id, WebhookDelivery.attempt)
        .join(Webhook, col(Webhook.id) == WebhookDelivery.webhook_id)
        .where(*_due(now))
        .order_by(col(WebhookDelivery.next_attempt_at))
        .limit(BATCH)
    )
    due = [found for found in session.exec(query) if queue_id(*found) not in waiting]
    for delivery_id, attempt in due:
        after_commit(session, partial(enqueue_delivery, delivery_id, attempt))
    return len(due)


def forget_old(session: Session, actor: Actor, now: datetime) -> int:
    """Remove what ended and is older than 30 days from the log; returns how many."""
    require(actor, Permission.WEBHOOKS_WRITE)
    old = (col(WebhookDelivery.created_at) < now - KEPT, col(WebhookDelivery.status) != PENDING)
    return int(session.exec(delete(WebhookDelivery).where(*old)).rowcount)  # type: ignore[call-overload]


def _due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """What may be sent now. A paused webhook is sent nothing, and loses nothing."""
    return (
        col(WebhookDelivery.status) == PENDING,
        col(WebhookDelivery.next_attempt_at) <= now,
        col(Webhook.is_active).is_(True),
    )


def _locked(session: Session, delivery_id: UUID) -> tuple[Webhook | None, WebhookDelivery | None]:
    """Webhook and delivery, locked in the order in which everybody locks them (deleting a webhook deletes its log)."""
    fresh: dict[str, Any] = {"populate_existing": True}
    mine = WebhookDelivery.id == delivery_id
    of_mine = col(Webhook.id).in_(select(WebhookDelivery.webhook_id).where(mine))
    # A new message for the webhook needs not wait: it locks the key only.
    hooks = select(Webhook).where(of_mine).with_for_update(key_share=True).execution_options(**fresh)
    hook = session.exec(hooks).one_or_none()
    return hook, session.exec(
        select(WebhookDelivery).where(mine).with_for_update().execution_options(**fresh)
    ).one_or_none()


def _note_failure(hook: Webhook, row: WebhookDelivery, outcome: Outcome, now: datetime, jitter: float) -> None:
    status = outcome.response_status
    row.error = rules.reason(status) if status is not None else outcome.error
    hook.failing_since = hook.failing_since or now
    again = rules.retry_at(row.attempt, now, jitter)
    if again is None:
        _end(row, FAILED, now)
    else:
        row.next_attempt_at = again


def _end(row: WebhookDelivery, status: DeliveryStatus, now: datetime) -> None:
    row.status = advance(DeliveryStatus(row.status), status, f"Delivery {row.id}")
    row.next_attempt_at, row.completed_at = None, now


def _hold_back(session: Session, hook: Webhook, row: WebhookDelivery, now: datetime) -> None:
    others = select(WebhookDelivery.id).where(
        WebhookDelivery.webhook_id == hook.id,
        WebhookDelivery.status == PENDING,
        WebhookDelivery.id != row.id,
        col(WebhookDelivery.next_attempt_at) < now + BREATHER,
    )
    # Those that another courier has at this moment are left to it.
    free = col(WebhookDelivery.id).in_(others.with_for_update(skip_locked=True))
    session.exec(update(WebhookDelivery).where(free).values(next_attempt_at=now + BREATHER))  # type: ignore[call-overload]
