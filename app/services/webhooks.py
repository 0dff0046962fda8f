"""Webhooks as people manage them. What is told is in `webhook_events`, how it gets there in `webhook_deliveries`."""

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlmodel import Session, select

from app.domain.permissions import Actor, Permission, PersonActor, require
from app.domain.webhooks import secret_text
from app.infra import server_key
from app.infra.outbound import outbound
from app.schemas.base import Page
from app.schemas.webhooks import (
    WebhookCreate,
    WebhookCreated,
    WebhookFilter,
    WebhookSecret,
    WebhookUpdate,
    WebhookView,
)
from app.services import audit, etags
from app.services.access import fetch, visible_to
from app.services.datasets import organization_must_exist
from app.services.etags import IfMatch
from app.services.filtering import equal
from app.services.paging import paged
from app.tables import Webhook
from app.tables.base import utcnow


def list_webhooks(
    session: Session, actor: Actor, wanted: WebhookFilter, cursor: str | None = None, limit: int = 50
) -> Page[WebhookView]:
    """One page of the webhooks that fit."""
    require(actor, Permission.WEBHOOKS_READ)
    query = select(Webhook).where(visible_to(actor, Webhook.organization_id), *equal(Webhook, wanted))
    return paged(session, query, Webhook, WebhookView.model_validate, wanted, cursor, limit)


def get(session: Session, actor: Actor, webhook_id: UUID) -> WebhookView:
    """One webhook."""
    require(actor, Permission.WEBHOOKS_READ)
    return WebhookView.model_validate(fetch(session, Webhook, webhook_id, actor, "webhook"))


def create(session: Session, actor: Actor, request: WebhookCreate) -> WebhookCreated:
    """A new webhook; its secret is in this answer and nowhere else."""
    require(actor, Permission.WEBHOOKS_WRITE)
    assert isinstance(actor, PersonActor)
    outbound().check(request.url)
    organization_must_exist(session, request.organization_id)
    row = Webhook(**request.model_dump(), created_by=actor.user_id)
    session.add(row)
    session.flush()
    audit.record(session, actor, "webhook.create", row, after=_in_the_log(request.model_dump()))
    return WebhookCreated(webhook=WebhookView.model_validate(row), secret=secret_text(signing_key(row)))


def update(
    session: Session, actor: Actor, webhook_id: UUID, request: WebhookUpdate, if_match: IfMatch = None
) -> WebhookView:
    """Change it, pause it or let it go on. Messages that wait go to the address that holds when they are sent."""
    require(actor, Permission.WEBHOOKS_WRITE)
    if request.url is not None:
        outbound().check(request.url)  # before the row is locked: name servers take their time
    row = fetch(session, Webhook, webhook_id, actor, "webhook", lock=True)
    etags.check(WebhookView.model_validate(row), if_match)
    changes: dict[str, Any] = request.model_dump(exclude_none=True)
    before = {name: getattr(row, name) for name in changes}
    row.sqlmodel_update(changes)
    row.updated_at = utcnow()
    session.add(row)
    session.flush()
    audit.record(session, actor, "webhook.update", row, before=_in_the_log(before), after=_in_the_log(changes))
    return WebhookView.model_validate(row)


def delete(session: Session, actor: Actor, webhook_id: UUID) -> None:
    """Remove it with its log; what waits is not sent."""
    require(actor, Permission.WEBHOOKS_WRITE)
    row = fetch(session, Webhook, webhook_id, actor, "webhook", lock=True)
    audit.record(session, actor, "webhook.delete", row, before=_in_the_log({"name": row.name, "url": row.url}))
    session.delete(row)


def rotate_secret(session: Session, actor: Actor, webhook_id: UUID) -> WebhookSecret:
    """A new secret, in this answer and nowhere else. Everything that is sent from now on is signed with it."""
    require(actor, Permission.WEBHOOKS_WRITE)
    row = fetch(session, Webhook, webhook_id, actor, "webhook", lock=True)
    row.secret_generation += 1
    row.updated_at = utcnow()
    session.add(row)
    session.flush()
    audit.record(session, actor, "webhook.rotate_secret", row, after={"secret_generation": row.secret_generation})
    return WebhookSecret(webhook_id=row.id, secret=secret_text(signing_key(row)))


def signing_key(row: Webhook) -> bytes:
    """What the webhook's messages are signed with: derived from the server's key, kept nowhere."""
    return server_key.derive(f"webhook:{row.id}:{row.secret_generation}")


def _in_the_log(values: dict[str, Any]) -> dict[str, Any]:
    """`values` without what may be a secret: some receivers put one into path or query of their address."""
    shown = {name: value for name, value in values.items() if name != "url"}
    return shown | {"host": urlsplit(values["url"]).hostname} if "url" in values else shown
