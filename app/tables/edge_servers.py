"""Edge servers: place, key, last heartbeat."""

from typing import Any

from sqlalchemy import CheckConstraint, Float, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from app.tables.base import datetime, in_range, jsonb, text_column, timestamp


class EdgeServer(SQLModel, table=True):
    """A box that runs models. `public_key`: base64url of its Ed25519 key, whose private half never leaves the box."""

    __tablename__ = "edge_servers"
    __table_args__ = (
        in_range("latitude", -90, 90),
        in_range("longitude", -180, 180),
        CheckConstraint("(public_key IS NULL) = (enrolled_at IS NULL)", name="enrolled_has_key"),
        UniqueConstraint("organization_id", "name", postgresql_nulls_not_distinct=True),
        Index("ix_edge_servers_order", "created_at", "id"),
        Index("ix_edge_servers_owner", "organization_id", "created_at", "id"),
        Index("ix_edge_servers_name", "name", "id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    organization_id: int | None = Field(default=None, foreign_key="organizations.id")
    name: str = text_column()
    site: str = text_column(default="")
    latitude: float | None = Field(default=None, sa_type=Float(53))
    longitude: float | None = Field(default=None, sa_type=Float(53))
    public_key: str | None = text_column(nullable=True, unique=True)
    enrolment_token_hash: str | None = text_column(nullable=True, unique=True)
    enrolment_expires_at: datetime | None = timestamp()
    enrolled_at: datetime | None = timestamp()
    revoked_at: datetime | None = timestamp()
    edge_version: str | None = text_column(nullable=True)
    platform: str | None = text_column(nullable=True)
    last_heartbeat_at: datetime | None = timestamp()
    loaded: list[dict[str, Any]] = jsonb(list)
    inference_count: int = Field(default=0, nullable=False)
    inference_p50_ms: float | None = Field(default=None, sa_type=Float(53))
    last_error: str | None = text_column(nullable=True)
    created_by: int = Field(foreign_key="users.id", nullable=False, index=True)
    created_at: datetime = timestamp(nullable=False)
