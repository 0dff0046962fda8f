"""Thumbnails: samples that wait for one are found without reading the others.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None

NAME, TABLE = "ix_training_samples_unpictured", "training_samples"


def upgrade() -> None:
    op.create_index(
        NAME, TABLE, ["dataset_id", "created_at"], postgresql_where=sa.text("thumbnail_url IS NULL")
    )


def downgrade() -> None:
    op.drop_index(NAME, table_name=TABLE)
