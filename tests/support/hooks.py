"""Webhooks, their deliveries, and couriers without a queue."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from app.domain.webhooks import EventType
from app.infra.db import transaction
from app.infra.outbound import Outbound
from app.schemas.webhooks import WebhookCreate, WebhookCreated
from app.services import webhook_attempts, webhooks
from app.tables import WebhookDelivery
from tests.support.people import Person
from workers.webhooks import COURIER, send

EVERYTHING = tuple(EventType)


def make_webhook(
    owner: Person,
    url: str,
    events: Sequence[EventType] = EVERYTHING,
    *,
    organization_id: int | None = None,
    name: str = "chat",
) -> WebhookCreated:
    """A webhook as a person makes it."""
    request = WebhookCreate(name=name, url=url, events=list(events), organization_id=organization_id)
    with transaction() as session:
        return webhooks.create(session, owner.actor, request)


def deliveries(webhook_id: UUID | None = None) -> list[WebhookDelivery]:
    """What is in the log, oldest first."""
    query = select(WebhookDelivery).order_by(col(WebhookDelivery.created_at), col(WebhookDelivery.id))
    if webhook_id is not None:
        query = query.where(WebhookDelivery.webhook_id == webhook_id)
    with transaction() as session:
        return list(session.exec(query))


def told(webhook_id: UUID) -> list[str]:
    """The types of the messages to a webhook."""
    return [row.event_type for row in deliveries(webhook_id)]


def attempt(delivery_id: UUID, now: datetime, way: Outbound) -> str | None:
    """One attempt at the moment `now`, as a courier makes it, without jitter. None if there was none to make."""
    with transaction() as session:
        letter = webhook_attempts.begin(session, COURIER, delivery_id, now)
    if letter is None:
        return None
    outcome = send(letter, way)
    with transaction() as session:
        return webhook_attempts.conclude(session, COURIER, letter, outcome, now, jitter=0.0)
