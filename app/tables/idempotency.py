"""What was answered to a request that carried an Idempotency-Key, so that a repetition changes nothing."""

from typing import Any

from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from app.tables.base import datetime, text_column, timestamp


class IdempotencyKey(SQLModel, table=True):
    """Written in the transaction of the change itself. `answer` is NULL where the answer held a secret."""

    __tablename__ = "idempotency_keys"

    actor: str = text_column(primary_key=True)
    key: str = text_column(primary_key=True)
    fingerprint: str = text_column()
    answer: dict[str, Any] | None = Field(default=None, nullable=True, sa_type=JSONB)
    created_at: datetime = timestamp(nullable=False, index=True)
