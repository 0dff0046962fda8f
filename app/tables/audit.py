"""What happened, by whom, to what."""

from typing import Any

from sqlalchemy import BigInteger, Identity, Index
from sqlmodel import Field, SQLModel

from app.tables.base import datetime, jsonb, text_column, timestamp


class AuditEvent(SQLModel, table=True):
    """Written in the transaction of the change itself. No foreign keys: the log outlives what it speaks of."""

    __tablename__ = "audit_events"
    __table_args__ = (
        Index("ix_audit_events_subject", "subject_type", "subject_id", "id"),
        Index("ix_audit_events_owner", "organization_id", "id"),
        Index("ix_audit_events_actor", "actor", "id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=(Identity(always=True),))
    occurred_at: datetime = timestamp(nullable=False)
    actor: str = text_column()
    actor_user_id: int | None = None
    action: str = text_column()
    subject_type: str = text_column()
    subject_id: str = text_column()
    organization_id: int | None = None
    before: dict[str, Any] = jsonb()
    after: dict[str, Any] = jsonb()
    request_id: str = text_column(default="")
    ip_address: str = text_column(default="")
