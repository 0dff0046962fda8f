"""Several people about one sample: who is asked, what they said before, where they differ, and what was decided.

The opinions themselves are `sample_annotations`. Rules about them are in `app/services/opinions.py`.
"""

from typing import Any

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from app.tables.base import UUID, datetime, in_range, jsonb, one_of, text_column, timestamp, uuid_key

DECISIONS = ("automatic", "proposal", "opinion", "edited", "corrected")


class SampleAssignment(SQLModel, table=True):
    """A person was given a sample to say what it shows, and when they said it."""

    __tablename__ = "sample_assignments"

    sample_id: UUID = Field(foreign_key="training_samples.id", ondelete="CASCADE", primary_key=True)
    annotator_id: int = Field(foreign_key="users.id", primary_key=True, index=True)
    assigned_at: datetime = timestamp(nullable=False)
    done_at: datetime | None = timestamp()


class ReplacedOpinion(SQLModel, table=True):
    """What a person said of a sample before they said something else, or took it back."""

    __tablename__ = "replaced_opinions"
    __table_args__ = (Index("ix_replaced_opinions_sample", "sample_id", "annotator_id", "replaced_at"),)

    id: UUID = uuid_key()
    sample_id: UUID = Field(foreign_key="training_samples.id", ondelete="CASCADE", nullable=False)
    annotator_id: int = Field(foreign_key="users.id", nullable=False, index=True)
    labels: dict[str, Any] = jsonb()
    annotations: list[Any] = jsonb(list)
    given_at: datetime = timestamp(nullable=False)
    replaced_at: datetime = timestamp(nullable=False)


class SampleDisagreement(SQLModel, table=True):
    """All opinions of a sample are in, they differ, and nobody decided yet: an entry of the adjudicator's queue."""

    __tablename__ = "sample_disagreements"
    __table_args__ = (
        in_range("agreement_percent", 0, 100),
        Index("ix_sample_disagreements_order", "dataset_id", "created_at", "id"),
        Index("ix_sample_disagreements_agreement", "dataset_id", "agreement_percent", "id"),
    )

    id: UUID = uuid_key()
    sample_id: UUID = Field(foreign_key="training_samples.id", ondelete="CASCADE", nullable=False, unique=True)
    dataset_id: UUID = Field(foreign_key="training_datasets.id", ondelete="CASCADE", nullable=False)
    agreement_percent: int = Field(nullable=False)
    difference_count: int = Field(nullable=False)
    created_at: datetime = timestamp(nullable=False)


class ConsensusDecision(SQLModel, table=True):
    """How opinions became the label of a sample, and what the sample said before, so that it can be undone.

    It stands until it is undone, or until another label ends it. `sources` are the people whose opinions went in;
    none of them may verify it. `decided_by` is empty where all said the same and nobody had to decide.
    """

    __tablename__ = "consensus_decisions"
    __table_args__ = (
        one_of("kind", DECISIONS),
        CheckConstraint("kind = 'automatic' OR decided_by IS NOT NULL", name="decided_by_someone"),
        CheckConstraint("num_nulls(undone_at, undone_by) IN (0, 2)", name="undone_by_someone"),
        Index(
            "ix_consensus_decisions_standing",
            "sample_id",
            unique=True,
            postgresql_where=text("undone_at IS NULL AND ended_at IS NULL"),
        ),
        Index("ix_consensus_decisions_order", "dataset_id", "created_at", "id"),
        Index("ix_consensus_decisions_sample", "sample_id", "created_at", "id"),
    )

    id: UUID = uuid_key()
    sample_id: UUID = Field(foreign_key="training_samples.id", ondelete="CASCADE", nullable=False)
    dataset_id: UUID = Field(foreign_key="training_datasets.id", ondelete="CASCADE", nullable=False)
    kind: str = text_column()
    labels: dict[str, Any] = jsonb()
    annotations: list[Any] = jsonb(list)
    sources: list[int] = jsonb(list)
    reason: str = text_column(default="")
    decided_by: int | None = Field(default=None, foreign_key="users.id", index=True)
    previous: dict[str, Any] = jsonb()
    created_at: datetime = timestamp(nullable=False)
    ended_at: datetime | None = timestamp()
    undone_at: datetime | None = timestamp()
    undone_by: int | None = Field(default=None, foreign_key="users.id", index=True)
