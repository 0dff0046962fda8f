"""Webhooks and the log of what was sent to them."""

from typing import Any

from sqlalchemy import CheckConstraint, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from app.domain.machines import DeliveryStatus
from app.tables.base import UUID, datetime, each_time, in_range, jsonb, one_of, text_column, timestamp, uuid_key


class Webhook(SQLModel, table=True):
    """Where to tell of what. Its signing secret is derived from the server's key and stands in no table.

    `failing_since` is the first failed attempt after the last delivered message.
    """

    __tablename__ = "webhooks"
    __table_args__ = (
        in_range("secret_generation", 1),
        Index("ix_webhooks_order", "created_at", "id"),
        Index("ix_webhooks_owner", "organization_id", "created_at", "id"),
    )

    id: UUID = uuid_key()
    organization_id: int | None = Field(default=None, foreign_key="organizations.id")
    name: str = text_column()
    url: str = text_column()
    events: list[str] = Field(default_factory=each_time(list), nullable=False, sa_type=ARRAY(Text))
    is_active: bool = Field(default=True, nullable=False)
    secret_generation: int = Field(default=1, nullable=False)
    last_delivered_at: datetime | None = timestamp()
    failing_since: datetime | None = timestamp()
    created_by: int = Field(foreign_key="users.id", nullable=False, index=True)
    created_at: datetime = timestamp(nullable=False)
    updated_at: datetime = timestamp(nullable=False)


class WebhookDelivery(SQLModel, table=True):
    """One message on its way to one webhook, written in the transaction of the change that it tells of.

    `attempt` counts the attempts that were begun, and fences: what an earlier attempt has to say counts no more.
    `next_attempt_at` is when the next one may begin; while one is under way, when it is given up as lost.
    """

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        one_of("status", DeliveryStatus),
        in_range("attempt", 0),
        CheckConstraint("status <> 'failed' OR error IS NOT NULL", name="failed_has_reason"),
        CheckConstraint("status <> 'pending' OR next_attempt_at IS NOT NULL", name="pending_has_time"),
        Index("ix_webhook_deliveries_order", "webhook_id", "created_at", "id"),
        Index("ix_webhook_deliveries_due", "next_attempt_at", postgresql_where=text("status = 'pending'")),
    )

    id: UUID = uuid_key()
    webhook_id: UUID = Field(foreign_key="webhooks.id", ondelete="CASCADE", nullable=False)
    message_id: UUID = Field(nullable=False)
    event_type: str = text_column()
    payload: dict[str, Any] = jsonb()
    status: str = text_column(default=DeliveryStatus.PENDING)
    attempt: int = Field(default=0, nullable=False)
    next_attempt_at: datetime | None = timestamp()
    response_status: int | None = None
    error: str | None = text_column(nullable=True)
    duration_ms: int | None = None
    created_at: datetime = timestamp(nullable=False, index=True)
    completed_at: datetime | None = timestamp()
