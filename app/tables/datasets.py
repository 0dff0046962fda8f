"""Datasets. Their frozen versions are in `dataset_versions`."""

from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, Numeric, UniqueConstraint
from sqlmodel import Field, SQLModel

from app.domain.machines import DatasetStatus
from app.tables.base import UUID, datetime, in_range, jsonb, one_of, prefix_index, text_column, timestamp, uuid_key

ENVIRONMENTS = ("dev", "staging", "production")


class TrainingDataset(SQLModel, table=True):
    """`training_datasets` of the specification; the counts are kept by the services, under the row's lock.

    How it is labelled: `opinions_share` percent of its samples ask for `opinions_per_sample` independent opinions;
    `consensus_quorum` of them (more than half, if empty) make a label, boxes being the same from `consensus_iou` on;
    `single_person_review` lets people verify their own labels, `keeps_location` keeps where a picture was taken.
    """

    __tablename__ = "training_datasets"
    __table_args__ = (
        one_of("environment", ENVIRONMENTS),
        one_of("status", DatasetStatus),
        in_range("sample_count", 0),
        in_range("size_bytes", 0),
        CheckConstraint("labeled_count BETWEEN 0 AND sample_count", name="labeled_count_range"),
        CheckConstraint("verified_count BETWEEN 0 AND labeled_count", name="verified_count_range"),
        in_range("opinions_per_sample", 1, 10),
        in_range("opinions_share", 0, 100),
        in_range("consensus_quorum", 1, 10),
        in_range("consensus_iou", 0.05, 1),
        UniqueConstraint("organization_id", "name", "version", postgresql_nulls_not_distinct=True),
        Index("ix_training_datasets_order", "created_at", "id"),
        Index("ix_training_datasets_owner", "organization_id", "created_at", "id"),
        Index("ix_training_datasets_name", "name", "id"),
        prefix_index("ix_training_datasets_prefix", "name"),
        Index("ix_training_datasets_updated", "updated_at", "id"),
    )

    id: UUID = uuid_key()
    organization_id: int | None = Field(default=None, foreign_key="organizations.id")
    name: str = text_column()
    description: str = text_column(default="")
    ai_module: str = text_column(index=True)
    sample_count: int = Field(default=0, nullable=False)
    labeled_count: int = Field(default=0, nullable=False)
    verified_count: int = Field(default=0, nullable=False)
    size_bytes: int = Field(default=0, nullable=False, sa_type=BigInteger)
    label_schema: dict[str, Any] = jsonb()
    environment: str = text_column(default="dev")
    version: str = text_column(default="1.0.0")
    status: str = text_column(default=DatasetStatus.DRAFT)
    opinions_per_sample: int = Field(default=1, nullable=False)
    opinions_share: int = Field(default=100, nullable=False)
    consensus_quorum: int | None = None
    consensus_iou: Decimal = Field(default=Decimal("0.5"), nullable=False, sa_type=Numeric(4, 3))
    single_person_review: bool = Field(default=False, nullable=False)
    keeps_location: bool = Field(default=False, nullable=False)
    created_by: int = Field(foreign_key="users.id", nullable=False, index=True)
    created_at: datetime = timestamp(nullable=False)
    updated_at: datetime = timestamp(nullable=False)
