"""Uploads: what was opened and when, originals that were changed, and near-duplicates found by bands of their hashes.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None

SAMPLES, FOLDERS = "training_samples", "upload_folders"
BANDS = ((0, 8191), (13, 8191), (26, 8191), (39, 8191), (52, 4095))


def upgrade() -> None:
    op.create_table(
        FOLDERS,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("multipart_id", sa.Text(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("slots >= 1", name=op.f(f"ck_{FOLDERS}_slots_range")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{FOLDERS}")),
    )
    op.create_index(op.f(f"ix_{FOLDERS}_opened_at"), FOLDERS, ["opened_at"], unique=False)
    for number, (shift, mask) in enumerate(BANDS):
        op.create_index(
            f"ix_{SAMPLES}_band_{number}",
            SAMPLES,
            ["dataset_id", sa.text(f"((perceptual_hash >> {shift}) & {mask})")],
            postgresql_where=sa.text("perceptual_hash IS NOT NULL"),
        )
    op.create_index(
        f"ix_{SAMPLES}_original",
        SAMPLES,
        ["dataset_id", sa.text("(metadata ->> 'original_sha256')")],
        postgresql_where=sa.text("metadata ? 'original_sha256'"),
    )


def downgrade() -> None:
    op.drop_index(f"ix_{SAMPLES}_original", table_name=SAMPLES)
    for number in range(len(BANDS)):
        op.drop_index(f"ix_{SAMPLES}_band_{number}", table_name=SAMPLES)
    op.drop_table(FOLDERS)
