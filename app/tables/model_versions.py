"""Versions of machine-learning models."""

from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Numeric, Text, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from app.domain.machines import ModelVersionStatus
from app.tables.base import UUID, datetime, each_time, in_range, jsonb, one_of, text_column, timestamp, uuid_key

SCORES = ("accuracy", "precision_score", "recall_score", "f1_score")


def _score() -> Any:
    return Field(default=None, sa_type=Numeric(7, 6))


class AiModelVersion(SQLModel, table=True):
    """`ai_model_versions` of the specification. `is_approved` records an approval; the approver's signature *is* it."""

    __tablename__ = "ai_model_versions"
    __table_args__ = (
        one_of("status", ModelVersionStatus),
        *(in_range(score, 0, 1) for score in SCORES),
        in_range("inference_time_ms", 0),
        in_range("model_file_size", 1),
        CheckConstraint("status NOT IN ('draft', 'testing') OR NOT is_approved", name="unapproved_before_approval"),
        CheckConstraint("status NOT IN ('approved', 'released') OR is_approved", name="approved_is_approved"),
        CheckConstraint(
            "NOT is_approved OR (approved_by IS NOT NULL AND approved_at IS NOT NULL)", name="approval_has_person"
        ),
        CheckConstraint("status <> 'released' OR is_released", name="released_is_released"),
        CheckConstraint("NOT is_released OR (is_approved AND released_at IS NOT NULL)", name="release_after_approval"),
        UniqueConstraint("organization_id", "ai_module", "version", postgresql_nulls_not_distinct=True),
        Index("ix_ai_model_versions_order", "created_at", "id"),
        Index("ix_ai_model_versions_owner", "organization_id", "created_at", "id"),
        Index("ix_ai_model_versions_module", "ai_module", "created_at", "id"),
        Index("ix_ai_model_versions_name", "name", "id"),
        Index("ix_ai_model_versions_updated", "updated_at", "id"),
    )

    id: UUID = uuid_key()
    organization_id: int | None = Field(default=None, foreign_key="organizations.id")
    ai_module: str = text_column()
    version: str = text_column()
    name: str = text_column()
    description: str = text_column(default="")
    # use_alter: jobs point at versions and versions at jobs, so this key is added after both tables exist.
    training_job_id: UUID | None = Field(
        default=None,
        sa_type=Uuid,
        index=True,
        sa_column_args=(ForeignKey("training_jobs.id", use_alter=True, name="fk_ai_model_versions_training_job_id"),),
    )
    base_version_id: UUID | None = Field(default=None, foreign_key="ai_model_versions.id", index=True)
    model_file_url: str = text_column()
    model_file_size: int = Field(nullable=False, sa_type=BigInteger)
    config_file_url: str | None = text_column(nullable=True)
    bundle_sha256: str = text_column()
    checkpoint_url: str | None = text_column(nullable=True)
    accuracy: Decimal | None = _score()
    precision_score: Decimal | None = _score()
    recall_score: Decimal | None = _score()
    f1_score: Decimal | None = _score()
    metrics: dict[str, Any] = jsonb()
    inference_time_ms: int | None = None
    min_edge_version: str = text_column(default="0.1.0")
    supported_platforms: list[str] = Field(default_factory=each_time(list), nullable=False, sa_type=ARRAY(Text))
    status: str = text_column(default=ModelVersionStatus.DRAFT)
    is_approved: bool = Field(default=False, nullable=False)
    approved_by: int | None = Field(default=None, foreign_key="users.id", index=True)
    approved_at: datetime | None = timestamp()
    is_released: bool = Field(default=False, nullable=False)
    released_at: datetime | None = timestamp()
    release_notes: str = text_column(default="")
    created_at: datetime = timestamp(nullable=False)
    updated_at: datetime = timestamp(nullable=False)
