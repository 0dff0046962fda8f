"""Training jobs and their metric points."""

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Float, Index
from sqlmodel import Field, SQLModel

from app.domain.machines import JobStatus
from app.tables.base import UUID, datetime, in_range, jsonb, one_of, text_column, timestamp, uuid_key


class TrainingJob(SQLModel, table=True):
    """`training_jobs` of the specification; the queue carries only its id."""

    __tablename__ = "training_jobs"
    __table_args__ = (
        one_of("status", JobStatus),
        in_range("progress_percent", 0, 100),
        in_range("attempt", 0),
        CheckConstraint("current_epoch BETWEEN 0 AND total_epochs", name="current_epoch_range"),
        CheckConstraint("status <> 'completed' OR output_model_version IS NOT NULL", name="completed_has_output"),
        CheckConstraint("status <> 'failed' OR error_message IS NOT NULL", name="failed_has_reason"),
        Index("ix_training_jobs_order", "created_at", "id"),
        Index("ix_training_jobs_owner", "organization_id", "created_at", "id"),
        Index("ix_training_jobs_status", "status", "created_at", "id"),
        Index("ix_training_jobs_name", "name", "id"),
        Index("ix_training_jobs_updated", "updated_at", "id"),
        Index("ix_training_jobs_ended", "completed_at", "id"),
    )

    id: UUID = uuid_key()
    organization_id: int | None = Field(default=None, foreign_key="organizations.id")
    name: str = text_column()
    description: str = text_column(default="")
    ai_module: str = text_column(index=True)
    dataset_id: UUID = Field(foreign_key="training_datasets.id", nullable=False, index=True)
    dataset_version_id: UUID | None = Field(default=None, foreign_key="dataset_versions.id", index=True)
    base_model_version: UUID | None = Field(default=None, foreign_key="ai_model_versions.id", index=True)
    training_config: dict[str, Any] = jsonb()
    hyperparameters: dict[str, Any] = jsonb()
    status: str = text_column(default=JobStatus.PENDING)
    progress_percent: int = Field(default=0, nullable=False)
    current_epoch: int = Field(default=0, nullable=False)
    total_epochs: int = Field(nullable=False)
    metrics: dict[str, Any] = jsonb()
    training_logs: str = text_column(default="")
    output_model_version: UUID | None = Field(default=None, foreign_key="ai_model_versions.id", index=True)
    started_at: datetime | None = timestamp()
    completed_at: datetime | None = timestamp()
    estimated_completion: datetime | None = timestamp()
    error_message: str | None = text_column(nullable=True)
    created_by: int = Field(foreign_key="users.id", nullable=False, index=True)
    attempt: int = Field(default=0, nullable=False)
    heartbeat_at: datetime | None = timestamp()
    cancel_requested_at: datetime | None = timestamp()
    created_at: datetime = timestamp(nullable=False)
    updated_at: datetime = timestamp(nullable=False)


class MetricPoint(SQLModel, table=True):
    """One value of one curve."""

    __tablename__ = "metric_points"
    __table_args__ = (in_range("step", 0), in_range("epoch", 0))

    job_id: UUID = Field(foreign_key="training_jobs.id", ondelete="CASCADE", primary_key=True)
    name: str = text_column(primary_key=True)
    step: int = Field(primary_key=True, sa_type=BigInteger)
    epoch: int = Field(nullable=False)
    value: float = Field(nullable=False, sa_type=Float(53))
    recorded_at: datetime = timestamp(nullable=False)
