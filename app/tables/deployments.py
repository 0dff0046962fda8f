"""Rollouts (what a person asked for) and deployments (one edge server each)."""

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel, text

from app.domain.machines import DeploymentStatus
from app.tables.base import UUID, datetime, in_range, one_of, text_column, timestamp, uuid_key

ROLLOUT_KINDS = ("single", "all", "rollback")


class Rollout(SQLModel, table=True):
    """One order to deploy: by whom, which version, to how many."""

    __tablename__ = "rollouts"
    __table_args__ = (
        one_of("kind", ROLLOUT_KINDS),
        in_range("target_count", 0),
        Index("ix_rollouts_order", "created_at", "id"),
    )

    id: UUID = uuid_key()
    model_version_id: UUID = Field(foreign_key="ai_model_versions.id", nullable=False, index=True)
    kind: str = text_column()
    target_count: int = Field(nullable=False)
    created_by: int = Field(foreign_key="users.id", nullable=False, index=True)
    created_at: datetime = timestamp(nullable=False)


class ModelDeployment(SQLModel, table=True):
    """`model_deployments` of the specification. At most one unfinished per edge server and module."""

    __tablename__ = "model_deployments"
    __table_args__ = (
        one_of("status", DeploymentStatus),
        in_range("progress_percent", 0, 100),
        in_range("retry_count", 0),
        CheckConstraint("status <> 'failed' OR error_message IS NOT NULL", name="failed_has_reason"),
        Index(
            "uq_model_deployments_unfinished",
            "edge_server_id",
            "ai_module",
            unique=True,
            postgresql_where=text("status IN ('pending', 'downloading', 'installing')"),
        ),
        Index("ix_model_deployments_order", "created_at", "id"),
        Index("ix_model_deployments_version", "model_version_id", "created_at", "id"),
        Index("ix_model_deployments_edge", "edge_server_id", "created_at", "id"),
        Index("ix_model_deployments_updated", "updated_at", "id"),
    )

    id: UUID = uuid_key()
    rollout_id: UUID = Field(foreign_key="rollouts.id", nullable=False, index=True)
    model_version_id: UUID = Field(foreign_key="ai_model_versions.id", nullable=False)
    ai_module: str = text_column()
    edge_server_id: int = Field(foreign_key="edge_servers.id", nullable=False)
    status: str = text_column(default=DeploymentStatus.PENDING)
    progress_percent: int = Field(default=0, nullable=False)
    scheduled_at: datetime | None = timestamp()
    started_at: datetime | None = timestamp()
    completed_at: datetime | None = timestamp()
    error_message: str | None = text_column(nullable=True)
    retry_count: int = Field(default=0, nullable=False)
    created_at: datetime = timestamp(nullable=False)
    updated_at: datetime = timestamp(nullable=False)
