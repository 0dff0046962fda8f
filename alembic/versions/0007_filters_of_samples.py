"""Filters of samples: an index for each, and the classes that a label names as a column that the database keeps.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None

TABLE = "training_samples"
FUNCTIONS = (
    """
    CREATE FUNCTION sample_class_names(labels jsonb, annotations jsonb) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT ARRAY(
            SELECT DISTINCT name FROM (
                SELECT labels ->> 'class'
                UNION ALL SELECT jsonb_array_elements_text(labels -> 'classes')
                UNION ALL SELECT jsonb_array_elements(annotations) ->> 'class'
            ) AS said(name) WHERE name IS NOT NULL ORDER BY name
        )
    $$
    """,
    """
    CREATE FUNCTION sample_name_words(metadata jsonb) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT to_tsvector(
            'simple'::regconfig, regexp_replace(coalesce(metadata ->> 'file_name', ''), '[^[:alnum:]]+', ' ', 'g')
        )
    $$
    """,
)
NEWEST = ("created_at", "id")
CLASS, SPLIT = "(labels ->> 'class')", "(metadata ->> 'split')"
INDEXES = (
    ("class", (sa.text(CLASS), *NEWEST), f"{CLASS} IS NOT NULL"),
    ("split", (sa.text(SPLIT), *NEWEST), f"{SPLIT} IS NOT NULL"),
    ("labeler", ("labeled_by", *NEWEST), "labeled_by IS NOT NULL"),
    ("verifier", ("verified_by", *NEWEST), "verified_by IS NOT NULL"),
    ("camera", ("source_camera_id", *NEWEST), "source_camera_id IS NOT NULL"),
    ("reviewed", NEWEST, "verified_by IS NOT NULL"),
    ("rejections", NEWEST, "rejection_reason IS NOT NULL"),
    ("videos", NEWEST, "file_type = 'video'"),
    ("near", NEWEST, "near_group IS NOT NULL"),
    ("withdrawn", NEWEST, "withdrawn_at IS NOT NULL"),
    ("captured", ("captured_at", "id"), "captured_at IS NOT NULL"),
    ("quality", ("quality_score", "id"), "quality_score IS NOT NULL"),
    ("frames", ("video_id", "frame_ms", "id"), "frame_ms IS NOT NULL"),
)


def upgrade() -> None:
    for function in FUNCTIONS:
        op.execute(function)
    op.add_column(
        TABLE,
        sa.Column(
            "class_names",
            postgresql.ARRAY(sa.Text()),
            sa.Computed("sample_class_names(labels, annotations)", persisted=True),
            nullable=False,
        ),
    )
    for name, columns, where in INDEXES:
        op.create_index(f"ix_{TABLE}_{name}", TABLE, ["dataset_id", *columns], postgresql_where=sa.text(where))
    op.create_index(f"ix_{TABLE}_classes", TABLE, ["class_names"], postgresql_using="gin")
    op.create_index(
        f"ix_{TABLE}_metadata",
        TABLE,
        ["metadata"],
        postgresql_using="gin",
        postgresql_ops={"metadata": "jsonb_path_ops"},
    )
    op.create_index(f"ix_{TABLE}_name", TABLE, [sa.text("sample_name_words(metadata)")], postgresql_using="gin")


def downgrade() -> None:
    for name in ("name", "metadata", "classes", *(name for name, _, _ in reversed(INDEXES))):
        op.drop_index(f"ix_{TABLE}_{name}", table_name=TABLE)
    op.drop_column(TABLE, "class_names")
    op.execute("DROP FUNCTION sample_name_words(jsonb)")
    op.execute("DROP FUNCTION sample_class_names(jsonb, jsonb)")
