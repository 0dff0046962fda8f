"""Imports from archives and exports to them.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None

TABLE = "dataset_transfers"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("options", postgresql.JSONB(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("report", postgresql.JSONB(), nullable=False),
        sa.Column("faults_url", sa.Text(), nullable=True),
        sa.Column("archive_url", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('import', 'export')", name=op.f("ck_dataset_transfers_kind_known")),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'completed', 'failed', 'cancelled')",
            name=op.f("ck_dataset_transfers_status_known"),
        ),
        sa.CheckConstraint("attempt >= 0", name=op.f("ck_dataset_transfers_attempt_range")),
        sa.CheckConstraint("done >= 0", name=op.f("ck_dataset_transfers_done_range")),
        sa.CheckConstraint(
            "status <> 'failed' OR error IS NOT NULL", name=op.f("ck_dataset_transfers_failed_has_reason")
        ),
        sa.CheckConstraint(
            "status <> 'running' OR lease_until IS NOT NULL", name=op.f("ck_dataset_transfers_running_has_lease")
        ),
        sa.ForeignKeyConstraint(
            ["dataset_id"],
            ["training_datasets.id"],
            name=op.f("fk_dataset_transfers_dataset_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_dataset_transfers_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataset_transfers")),
    )
    op.create_index(op.f("ix_dataset_transfers_created_by"), TABLE, ["created_by"])
    op.create_index("ix_dataset_transfers_order", TABLE, ["dataset_id", "created_at", "id"])
    op.create_index(
        "ix_dataset_transfers_unfinished",
        TABLE,
        ["created_at"],
        postgresql_where=sa.text("status IN ('queued', 'running')"),
    )


def downgrade() -> None:
    op.drop_table(TABLE)
