"""Videos that are cut into frames.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None

TABLE = "frame_cuts"
CHECKS = (
    ("one_wish", "num_nulls(every_ms, scene_change) = 1"),
    ("every_ms_range", "every_ms >= 1"),
    ("scene_change_range", "scene_change >= 0 AND scene_change <= 1"),
    ("most_range", "most >= 1"),
    ("made_range", "made >= 0"),
    ("known_range", "known >= 0"),
)


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("video_id", sa.Uuid(), nullable=False),
        sa.Column("every_ms", sa.Integer(), nullable=True),
        sa.Column("scene_change", sa.Numeric(4, 3), nullable=True),
        sa.Column("most", sa.Integer(), nullable=False),
        sa.Column("made", sa.Integer(), nullable=False),
        sa.Column("known", sa.Integer(), nullable=False),
        sa.Column("at_ms", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        *(sa.CheckConstraint(rule, name=op.f(f"ck_{TABLE}_{name}")) for name, rule in CHECKS),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["training_datasets.id"], name=op.f(f"fk_{TABLE}_dataset_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["video_id"], ["training_samples.id"], name=op.f(f"fk_{TABLE}_video_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f(f"fk_{TABLE}_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{TABLE}")),
    )
    for column in ("dataset_id", "created_by", "finished_at"):
        op.create_index(op.f(f"ix_{TABLE}_{column}"), TABLE, [column], unique=False)
    op.create_index("ix_frame_cuts_video", TABLE, ["video_id", "created_at", "id"], unique=False)


def downgrade() -> None:
    op.drop_table(TABLE)
