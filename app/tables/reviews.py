"""What reviewers decided, as they decided it; and the truth that is known about some samples beforehand."""

from typing import Any

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from app.tables.base import UUID, datetime, jsonb, one_of, text_column, timestamp, uuid_key

DECISIONS = ("accepted", "rejected", "fixed")


class ReviewDecision(SQLModel, table=True):
    """One decision about one label. The label is copied: it is what was decided about, whatever follows.

    `region` is x, y, width, height in pixels; `fixed_*` is the label that the reviewer put in place of the author's.
    """

    __tablename__ = "review_decisions"
    __table_args__ = (
        one_of("decision", DECISIONS),
        CheckConstraint("(decision = 'rejected') = (reason IS NOT NULL)", name="rejected_has_reason"),
        Index("ix_review_decisions_sample", "sample_id", "created_at", "id"),
        Index("ix_review_decisions_order", "dataset_id", "created_at", "id"),
        Index("ix_review_decisions_author", "dataset_id", "author_id", "decision"),
    )

    id: UUID = uuid_key()
    dataset_id: UUID = Field(foreign_key="training_datasets.id", ondelete="CASCADE", nullable=False)
    sample_id: UUID = Field(foreign_key="training_samples.id", ondelete="CASCADE", nullable=False)
    reviewer_id: int = Field(foreign_key="users.id", nullable=False, index=True)
    author_id: int | None = Field(default=None, foreign_key="users.id", index=True)
    decision: str = text_column()
    reason: str | None = text_column(nullable=True)
    region: list[float] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    labels: dict[str, Any] = jsonb()
    annotations: list[Any] = jsonb(list)
    fixed_labels: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    fixed_annotations: list[Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    created_at: datetime = timestamp(nullable=False)


class GroundTruth(SQLModel, table=True):
    """What a sample really shows, known beforehand; the sample itself bears no trace of it."""

    __tablename__ = "ground_truths"
    __table_args__ = (Index("ix_ground_truths_dataset", "dataset_id", "planted_at"),)

    sample_id: UUID = Field(foreign_key="training_samples.id", ondelete="CASCADE", primary_key=True)
    dataset_id: UUID = Field(foreign_key="training_datasets.id", ondelete="CASCADE", nullable=False)
    labels: dict[str, Any] = jsonb()
    annotations: list[Any] = jsonb(list)
    planted_by: int = Field(foreign_key="users.id", nullable=False, index=True)
    planted_at: datetime = timestamp(nullable=False)
