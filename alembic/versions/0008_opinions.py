"""Several opinions about one sample: who is asked, what was said before, where people differ, what was decided.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None

TABLES = ("consensus_decisions", "sample_disagreements", "replaced_opinions", "sample_assignments")


def _sample(**more: bool) -> sa.Column:
    return sa.Column("sample_id", sa.Uuid(), sa.ForeignKey("training_samples.id", ondelete="CASCADE"), nullable=False, **more)


def _dataset() -> sa.Column:
    return sa.Column("dataset_id", sa.Uuid(), sa.ForeignKey("training_datasets.id", ondelete="CASCADE"), nullable=False)


def _person(name: str, *, nullable: bool = False, **more: bool) -> sa.Column:
    return sa.Column(name, sa.Integer(), sa.ForeignKey("users.id"), nullable=nullable, **more)


def _moment(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _json(name: str) -> sa.Column:
    return sa.Column(name, JSONB(), nullable=False)


def _id() -> sa.Column:
    return sa.Column("id", sa.Uuid(), primary_key=True)


def upgrade() -> None:
    op.create_table(
        "sample_assignments",
        _sample(primary_key=True),
        _person("annotator_id", primary_key=True, index=True),
        _moment("assigned_at"),
        _moment("done_at", nullable=True),
    )
    op.create_table(
        "replaced_opinions",
        _id(),
        _sample(),
        _person("annotator_id", index=True),
        _json("labels"),
        _json("annotations"),
        _moment("given_at"),
        _moment("replaced_at"),
        sa.Index("ix_replaced_opinions_sample", "sample_id", "annotator_id", "replaced_at"),
    )
    op.create_table(
        "sample_disagreements",
        _id(),
        sa.Column(
            "sample_id",
            sa.Uuid(),
            sa.ForeignKey("training_samples.id", ondelete="CASCADE"),
            nullable=False,
            unique=True,
        ),
        _dataset(),
        sa.Column("agreement_percent", sa.Integer(), nullable=False),
        sa.Column("difference_count", sa.Integer(), nullable=False),
        _moment("created_at"),
        sa.CheckConstraint("agreement_percent >= 0 AND agreement_percent <= 100", name="agreement_percent_range"),
        sa.Index("ix_sample_disagreements_order", "dataset_id", "created_at", "id"),
        sa.Index("ix_sample_disagreements_agreement", "dataset_id", "agreement_percent", "id"),
    )
    op.create_table(
        "consensus_decisions",
        _id(),
        _sample(),
        _dataset(),
        sa.Column("kind", sa.Text(), nullable=False),
        _json("labels"),
        _json("annotations"),
        _json("sources"),
        sa.Column("reason", sa.Text(), nullable=False),
        _person("decided_by", nullable=True, index=True),
        _json("previous"),
        _moment("created_at"),
        _moment("ended_at", nullable=True),
        _moment("undone_at", nullable=True),
        _person("undone_by", nullable=True, index=True),
        sa.CheckConstraint(
            "kind IN ('automatic', 'proposal', 'opinion', 'edited', 'corrected')", name="kind_known"
        ),
        sa.CheckConstraint("kind = 'automatic' OR decided_by IS NOT NULL", name="decided_by_someone"),
        sa.CheckConstraint("num_nulls(undone_at, undone_by) IN (0, 2)", name="undone_by_someone"),
        sa.Index(
            "ix_consensus_decisions_standing",
            "sample_id",
            unique=True,
            postgresql_where=sa.text("undone_at IS NULL AND ended_at IS NULL"),
        ),
        sa.Index("ix_consensus_decisions_order", "dataset_id", "created_at", "id"),
        sa.Index("ix_consensus_decisions_sample", "sample_id", "created_at", "id"),
    )


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
