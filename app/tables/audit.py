"""What happened, by whom, to what, and the chain that proves that nothing of it was changed since.

Writers add events and never wait for each other: the chain is made afterwards, by one process at a time, of the events
that wait in `audit_pending` (`app/services/audit_chain.py`). Triggers of the database refuse to update, delete or
truncate events and links, whoever asks (migration 0002).
"""

from typing import Any

from sqlalchemy import BigInteger, Identity, Index
from sqlmodel import Field, SQLModel

from app.tables.base import datetime, in_range, jsonb, one_of, text_column, timestamp

OUTCOMES = ("done", "refused")


class AuditEvent(SQLModel, table=True):
    """Written in the transaction of the change itself. No foreign keys: the log outlives what it speaks of.

    A refused attempt (`outcome`) is written in a transaction of its own, so that it survives the refusal's rollback.
    """

    __tablename__ = "audit_events"
    __table_args__ = (
        one_of("outcome", OUTCOMES),
        Index("ix_audit_events_subject", "subject_type", "subject_id", "id"),
        Index("ix_audit_events_owner", "organization_id", "id"),
        Index("ix_audit_events_actor", "actor", "id"),
        # Also finds how an action begins, whatever the database's collation.
        Index("ix_audit_events_action", "action", "id", postgresql_ops={"action": "text_pattern_ops"}),
        Index("ix_audit_events_outcome", "outcome", "id"),
        Index("ix_audit_events_request", "request_id", "id"),
        Index("ix_audit_events_time", "occurred_at", "id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=(Identity(always=True),))
    occurred_at: datetime = timestamp(nullable=False)
    outcome: str = text_column(default="done")
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


class AuditPending(SQLModel, table=True):
    """An event that the chain does not hold yet. A trigger adds it with the event; the chain's maker removes it."""

    __tablename__ = "audit_pending"

    event_id: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})


class AuditLink(SQLModel, table=True):
    """One link: `chain_sha256` covers the event, the number and the link before. Numbers have no gaps."""

    __tablename__ = "audit_links"
    __table_args__ = (in_range("number", 1),)

    number: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    event_id: int = Field(nullable=False, unique=True, sa_type=BigInteger)
    event_sha256: str = text_column()
    chain_sha256: str = text_column()
    sealed_at: datetime = timestamp(nullable=False)
