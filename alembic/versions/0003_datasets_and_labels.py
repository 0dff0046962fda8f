"""Datasets and labels that people can trust: how a dataset is labelled, and what a sample belongs to.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None

DATASETS, SAMPLES = "training_datasets", "training_samples"
# Rows that stand already ask for what they asked for before: one opinion, another person's verification.
SETTINGS = (
    ("opinions_per_sample", sa.Integer(), "1"),
    ("opinions_share", sa.Integer(), "100"),
    ("consensus_quorum", sa.Integer(), None),
    ("consensus_iou", sa.Numeric(4, 3), "0.5"),
    ("single_person_review", sa.Boolean(), "false"),
    ("keeps_location", sa.Boolean(), "false"),
)
BELONGINGS = (
    ("perceptual_hash", sa.BigInteger()),
    ("near_group", sa.Uuid()),
    ("thumbnail_url", sa.Text()),
    ("video_id", sa.Uuid()),
    ("frame_ms", sa.Integer()),
    ("duration_ms", sa.Integer()),
    ("withdrawn_at", sa.DateTime(timezone=True)),
    ("withdrawn_by", sa.Integer()),
    ("withdrawal_reason", sa.Text()),
)
CHECKS = (
    (DATASETS, "opinions_per_sample_range", "opinions_per_sample >= 1 AND opinions_per_sample <= 10"),
    (DATASETS, "opinions_share_range", "opinions_share >= 0 AND opinions_share <= 100"),
    (DATASETS, "consensus_quorum_range", "consensus_quorum >= 1 AND consensus_quorum <= 10"),
    (DATASETS, "consensus_iou_range", "consensus_iou >= 0.05 AND consensus_iou <= 1"),
    (SAMPLES, "frame_has_video", "frame_ms IS NULL OR video_id IS NOT NULL"),
    (SAMPLES, "withdrawn_by_someone", "num_nulls(withdrawn_at, withdrawn_by, withdrawal_reason) IN (0, 3)"),
    (SAMPLES, "frame_ms_range", "frame_ms >= 0"),
    (SAMPLES, "duration_ms_range", "duration_ms >= 0"),
)
INDEXED = ("near_group", "video_id", "withdrawn_by")


def upgrade() -> None:
    for name, kind, present in SETTINGS:
        op.add_column(DATASETS, sa.Column(name, kind, nullable=present is None, server_default=present))
        if present is not None:
            op.alter_column(DATASETS, name, server_default=None)
    for name, kind in BELONGINGS:
        op.add_column(SAMPLES, sa.Column(name, kind, nullable=True))
    for table, name, rule in CHECKS:
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, rule)
    for name in INDEXED:
        op.create_index(op.f(f"ix_{SAMPLES}_{name}"), SAMPLES, [name], unique=False)
    op.create_foreign_key(op.f(f"fk_{SAMPLES}_video_id"), SAMPLES, SAMPLES, ["video_id"], ["id"])
    op.create_foreign_key(op.f(f"fk_{SAMPLES}_withdrawn_by"), SAMPLES, "users", ["withdrawn_by"], ["id"])


def downgrade() -> None:
    for name in ("withdrawn_by", "video_id"):
        op.drop_constraint(op.f(f"fk_{SAMPLES}_{name}"), SAMPLES, type_="foreignkey")
    for name in INDEXED:
        op.drop_index(op.f(f"ix_{SAMPLES}_{name}"), table_name=SAMPLES)
    for table, name, _ in reversed(CHECKS):
        op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
    for name, _ in reversed(BELONGINGS):
        op.drop_column(SAMPLES, name)
    for name, *_ in reversed(SETTINGS):
        op.drop_column(DATASETS, name)
