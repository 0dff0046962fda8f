"""Datasets on their way in or out as archives."""

from typing import Any

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from app.domain.machines import TransferStatus
from app.tables.base import UUID, datetime, in_range, jsonb, one_of, text_column, timestamp, uuid_key

KINDS = ("import", "export")


class DatasetTransfer(SQLModel, table=True):
    """One import from an archive, or one export to one.

    `attempt` counts the attempts that were begun, and fences: what an earlier one has to say counts no more.
    `lease_until` is when the running attempt is given up as lost. `report` is bounded; every fault is in `faults_url`.
    """

    __tablename__ = "dataset_transfers"
    __table_args__ = (
        one_of("kind", KINDS),
        one_of("status", TransferStatus),
        in_range("attempt", 0),
        in_range("done", 0),
        CheckConstraint("status <> 'failed' OR error IS NOT NULL", name="failed_has_reason"),
        CheckConstraint("status <> 'running' OR lease_until IS NOT NULL", name="running_has_lease"),
        Index("ix_dataset_transfers_order", "dataset_id", "created_at", "id"),
        Index(
            "ix_dataset_transfers_unfinished", "created_at", postgresql_where=text("status IN ('queued', 'running')")
        ),
    )

    id: UUID = uuid_key()
    dataset_id: UUID = Field(foreign_key="training_datasets.id", ondelete="CASCADE", nullable=False)
    kind: str = text_column()
    format: str = text_column()
    options: dict[str, Any] = jsonb()
    status: str = text_column(default=TransferStatus.QUEUED)
    attempt: int = Field(default=0, nullable=False)
    lease_until: datetime | None = timestamp()
    done: int = Field(default=0, nullable=False)
    total: int | None = None
    report: dict[str, Any] = jsonb()
    faults_url: str | None = text_column(nullable=True)
    archive_url: str | None = text_column(nullable=True)
    error: str | None = text_column(nullable=True)
    created_by: int = Field(foreign_key="users.id", nullable=False, index=True)
    created_at: datetime = timestamp(nullable=False)
    completed_at: datetime | None = timestamp()
