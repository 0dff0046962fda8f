"""Webhooks: who is told of what, and the log of what was sent (docs/webhooks.md)."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response, status

from app.api.deps import PageQuery, Run
from app.api.etags import CHECKS_TAG, SHOWS_TAG, IfMatchIn, tagged
from app.api.guard import guarded_router
from app.api.marks import allow
from app.domain.permissions import Permission
from app.schemas.base import Page
from app.schemas.webhooks import (
    WebhookCreate,
    WebhookCreated,
    WebhookDeliveryFilter,
    WebhookDeliveryView,
    WebhookFilter,
    WebhookSecret,
    WebhookUpdate,
    WebhookView,
)
from app.services import webhook_deliveries, webhooks

router = guarded_router(prefix="/webhooks", tags=["webhooks"])


class WebhookQuery(WebhookFilter, PageQuery):
    """Which ones, and which page of them."""


class DeliveryQuery(WebhookDeliveryFilter, PageQuery):
    """Which ones, and which page of them."""


@router.get("", summary="List webhooks")
@allow(Permission.WEBHOOKS_READ)
def list_webhooks(run: Run, query: Annotated[WebhookQuery, Query()]) -> Page[WebhookView]:
    return run(webhooks.list_webhooks, query.part(WebhookFilter), query.cursor, query.limit)


@router.post("", summary="Create a webhook; its secret is shown this once", status_code=status.HTTP_201_CREATED)
@allow(Permission.WEBHOOKS_WRITE)
def create_webhook(run: Run, request: WebhookCreate) -> WebhookCreated:
    return run.create_secret(webhooks.create, request)


@router.get("/{webhook_id}", summary="Show a webhook", responses=SHOWS_TAG)
@allow(Permission.WEBHOOKS_READ)
def get_webhook(run: Run, response: Response, webhook_id: UUID) -> WebhookView:
    return tagged(response, run(webhooks.get, webhook_id))


@router.put("/{webhook_id}", summary="Change, pause or resume a webhook", responses=CHECKS_TAG)
@allow(Permission.WEBHOOKS_WRITE)
def update_webhook(
    run: Run, response: Response, webhook_id: UUID, request: WebhookUpdate, if_match: IfMatchIn
) -> WebhookView:
    return tagged(response, run(webhooks.update, webhook_id, request, if_match))


@router.delete("/{webhook_id}", summary="Delete a webhook and its log", status_code=status.HTTP_204_NO_CONTENT)
@allow(Permission.WEBHOOKS_WRITE)
def delete_webhook(run: Run, webhook_id: UUID) -> None:
    run(webhooks.delete, webhook_id)


@router.post(
    "/{webhook_id}/rotate-secret", summary="A new secret, shown this once", status_code=status.HTTP_201_CREATED
)
@allow(Permission.WEBHOOKS_WRITE)
def rotate_secret(run: Run, webhook_id: UUID) -> WebhookSecret:
    return run.create_secret(webhooks.rotate_secret, webhook_id)


@router.post("/{webhook_id}/ping", summary="Send a test message", status_code=status.HTTP_201_CREATED)
@allow(Permission.WEBHOOKS_WRITE)
def ping(run: Run, webhook_id: UUID) -> WebhookDeliveryView:
    return run.create(webhook_deliveries.ping, webhook_id)


@router.get("/{webhook_id}/deliveries", summary="What was sent in the last 30 days")
@allow(Permission.WEBHOOKS_READ)
def list_deliveries(run: Run, webhook_id: UUID, query: Annotated[DeliveryQuery, Query()]) -> Page[WebhookDeliveryView]:
    wanted = query.part(WebhookDeliveryFilter)
    return run(webhook_deliveries.list_deliveries, webhook_id, wanted, query.cursor, query.limit)


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/replay",
    summary="Send a message again, under its own id",
    status_code=status.HTTP_201_CREATED,
)
@allow(Permission.WEBHOOKS_WRITE)
def replay(run: Run, webhook_id: UUID, delivery_id: UUID) -> WebhookDeliveryView:
    return run.create(webhook_deliveries.replay, webhook_id, delivery_id)
