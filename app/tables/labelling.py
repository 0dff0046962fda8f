"""What labelling needs beside the samples: who has one open, and how a person likes to work."""

from typing import Any

from sqlmodel import Field, SQLModel

from app.tables.base import UUID, datetime, in_range, jsonb, text_column, timestamp


class SampleLease(SQLModel, table=True):
    """Somebody has a sample open and will probably change it. It ends by itself; a row whose time is over is nothing.

    `slot` says what it is a lease of: 0 is the agreed label, which one person at a time works on.
    """

    __tablename__ = "sample_leases"
    __table_args__ = (in_range("slot", 0),)

    sample_id: UUID = Field(foreign_key="training_samples.id", ondelete="CASCADE", primary_key=True)
    slot: int = Field(default=0, primary_key=True)
    holder_id: int = Field(foreign_key="users.id", ondelete="CASCADE", nullable=False, index=True)
    token_hash: str = text_column()
    taken_at: datetime = timestamp(nullable=False)
    expires_at: datetime = timestamp(nullable=False)


class UserPreference(SQLModel, table=True):
    """One thing that a person set for themselves, such as the keys of the editor."""

    __tablename__ = "user_preferences"

    user_id: int = Field(foreign_key="users.id", ondelete="CASCADE", primary_key=True)
    name: str = text_column(primary_key=True)
    value: dict[str, Any] = jsonb()
    updated_at: datetime = timestamp(nullable=False)
