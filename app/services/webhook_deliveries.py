"""Messages on their way to webhooks, as people see them and as changes write them. Sending is in `webhook_attempts`."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from sqlmodel import Session, select

from app.domain.machines import DeliveryStatus
from app.domain.permissions import Actor, Permission, require
from app.domain.webhooks import PING, message
from app.errors import Conflict, NotFound
from app.infra.db import after_commit
from app.infra.live import publish
from app.infra.queue import enqueue_delivery
from app.schemas.base import Page
from app.schemas.webhooks import WebhookDeliveryFilter, WebhookDeliveryView
from app.services import audit
from app.services.access import fetch
from app.services.filtering import equal
from app.services.paging import paged
from app.settings import get_settings
from app.tables import Webhook, WebhookDelivery
from app.tables.base import utcnow


def list_deliveries(
    session: Session,
    actor: Actor,
    webhook_id: UUID,
    wanted: WebhookDeliveryFilter,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[WebhookDeliveryView]:
    """One page of what was sent to a webhook in the last 30 days."""
    require(actor, Permission.WEBHOOKS_READ)
    fetch(session, Webhook, webhook_id, actor, "webhook")
    query = select(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook_id, *equal(WebhookDelivery, wanted))
    show = WebhookDeliveryView.model_validate
    return paged(session, query, WebhookDelivery, show, wanted, cursor, limit, scope=webhook_id)


def ping(session: Session, actor: Actor, webhook_id: UUID) -> WebhookDeliveryView:
    """Send a message that tells of nothing, to see whether it arrives."""
    require(actor, Permission.WEBHOOKS_WRITE)
    hook = _active(session, actor, webhook_id)
    url = f"{get_settings().base_url}/api/v1/webhooks/{hook.id}"
    data = {"id": str(hook.id), "name": hook.name, "organization_id": hook.organization_id, "url": url}
    row = write(session, hook, PING, data)
    audit.record(session, actor, "webhook.ping", hook, after={"delivery_id": str(row.id)})
    return WebhookDeliveryView.model_validate(row)


def replay(session: Session, actor: Actor, webhook_id: UUID, delivery_id: UUID) -> WebhookDeliveryView:
    """Send a message again under its own id, so that a receiver that has it already can tell."""
    require(actor, Permission.WEBHOOKS_WRITE)
    hook = _active(session, actor, webhook_id)
    old = session.get(WebhookDelivery, delivery_id)
    if old is None or old.webhook_id != hook.id:
        raise NotFound(f"There is no delivery {delivery_id} of webhook {hook.name!r}.")
    if old.status == DeliveryStatus.PENDING:
        raise Conflict("This message is still on its way. Wait until it is delivered or has failed.")
    row = WebhookDelivery(
        webhook_id=hook.id,
        message_id=old.message_id,
        event_type=old.event_type,
        payload=old.payload,
        next_attempt_at=utcnow(),
    )
    _hand_out(session, hook, row)
    audit.record(session, actor, "webhook.replay", hook, after={"delivery_id": str(row.id), "of": str(old.id)})
    return WebhookDeliveryView.model_validate(row)


def write(session: Session, hook: Webhook, event_type: str, data: Mapping[str, Any]) -> WebhookDelivery:
    """A new message for `hook`: durable with the change that it tells of, in the queue after the commit."""
    message_id, now = uuid4(), utcnow()
    row = WebhookDelivery(
        webhook_id=hook.id,
        message_id=message_id,
        event_type=event_type,
        payload=message(message_id, event_type, now, data),
        next_attempt_at=now,
    )
    _hand_out(session, hook, row)
    return row


def tell_browsers(session: Session, hook: Webhook, row: WebhookDelivery) -> None:
    """Tell who looks at the log, after the commit, how a delivery stands."""
    data = {"webhook_id": str(hook.id), "delivery_id": str(row.id), "status": str(row.status)}
    owner = hook.organization_id
    after_commit(session, lambda: publish("webhooks", data, owner=owner))


def _hand_out(session: Session, hook: Webhook, row: WebhookDelivery) -> None:
    session.add(row)
    session.flush()
    delivery_id, attempt = row.id, row.attempt
    after_commit(session, lambda: enqueue_delivery(delivery_id, attempt))
    tell_browsers(session, hook, row)


def _active(session: Session, actor: Actor, webhook_id: UUID) -> Webhook:
    hook = fetch(session, Webhook, webhook_id, actor, "webhook")
    if not hook.is_active:
        raise Conflict(f"Webhook {hook.name!r} is paused and is sent nothing. Let it go on first.")
    return hook
