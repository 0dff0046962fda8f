"""Versions of datasets as trees of chunks: numbered changes, kept deletions, and triggers that let nothing be altered.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None

SAMPLES, VERSIONS = 'training_samples', 'dataset_versions'
# What a version keeps of a sample: a change of any of these is a change of the dataset.
KEPT = (
    'file_url', 'file_type', 'file_size', 'sha256', 'width', 'height', 'labels', 'annotations', 'source_camera_id',
    'captured_at', 'metadata', 'is_labeled', 'is_verified', 'labeled_by', 'verified_by', 'quality_score',
    'rejection_reason', 'perceptual_hash', 'near_group', 'video_id', 'frame_ms', 'duration_ms', 'withdrawn_at', 'split',
    'created_at',
)  # fmt: skip
# The dataset's row is locked before a number is drawn, and by whoever makes a version: when a version is made, every
# number that was drawn belongs to a change that is committed or undone, so none can be missed.
REVISE = """
CREATE FUNCTION training_samples_revise() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM training_datasets WHERE id = NEW.dataset_id FOR NO KEY UPDATE;
    NEW.revision := nextval('dataset_revisions');
    RETURN NEW;
END $$
"""
REMEMBER = """
CREATE FUNCTION training_samples_remember() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM training_datasets WHERE id = OLD.dataset_id FOR NO KEY UPDATE;
    INSERT INTO deleted_samples (dataset_id, sample_id, revision, withdrawn_at, withdrawn_by, withdrawal_reason)
    VALUES (OLD.dataset_id, OLD.id, nextval('dataset_revisions'), OLD.withdrawn_at, OLD.withdrawn_by,
            OLD.withdrawal_reason)
    ON CONFLICT (dataset_id, sample_id) DO UPDATE SET
        revision = EXCLUDED.revision, withdrawn_at = EXCLUDED.withdrawn_at, withdrawn_by = EXCLUDED.withdrawn_by,
        withdrawal_reason = EXCLUDED.withdrawal_reason;
    RETURN NULL;
END $$
"""
REFUSE = """
CREATE FUNCTION dataset_version_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF NOT EXISTS (SELECT 1 FROM dataset_versions WHERE dataset_id = OLD.dataset_id) THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'a dataset version is immutable: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$
"""


def upgrade() -> None:
    op.execute("CREATE SEQUENCE dataset_revisions")
    _samples()
    _chunks()
    _versions()
    for statement in (REVISE, REMEMBER, REFUSE):
        op.execute(statement)
    differs = " OR ".join(f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in KEPT)
    op.execute(f"CREATE TRIGGER revise_new BEFORE INSERT ON {SAMPLES} FOR EACH ROW "
               "EXECUTE FUNCTION training_samples_revise()")
    op.execute(f"CREATE TRIGGER revise_changed BEFORE UPDATE ON {SAMPLES} FOR EACH ROW WHEN ({differs}) "
               "EXECUTE FUNCTION training_samples_revise()")
    op.execute(f"CREATE TRIGGER remember_deleted AFTER DELETE ON {SAMPLES} FOR EACH ROW "
               "EXECUTE FUNCTION training_samples_remember()")
    op.execute(f"CREATE TRIGGER version_keep BEFORE UPDATE ON {VERSIONS} FOR EACH ROW "
               "EXECUTE FUNCTION dataset_version_refuse_change()")
    op.execute("CREATE TRIGGER chunk_keep BEFORE UPDATE OR DELETE ON dataset_chunks FOR EACH ROW "
               "EXECUTE FUNCTION dataset_version_refuse_change()")


def _samples() -> None:
    op.add_column(SAMPLES, sa.Column('split', sa.Text(), nullable=True))
    op.add_column(SAMPLES, sa.Column('revision', sa.BigInteger(), nullable=False, server_default='0'))
    op.execute(f"UPDATE {SAMPLES} SET revision = nextval('dataset_revisions')")
    op.alter_column(SAMPLES, 'revision', server_default=None)
    op.create_check_constraint(op.f(f'ck_{SAMPLES}_split_known'), SAMPLES, "split IN ('train', 'validation', 'test')")
    op.create_index(f'ix_{SAMPLES}_revision', SAMPLES, ['dataset_id', 'revision'], unique=False)
    op.create_table('deleted_samples',
    sa.Column('dataset_id', sa.Uuid(), nullable=False),
    sa.Column('sample_id', sa.Uuid(), nullable=False),
    sa.Column('revision', sa.BigInteger(), nullable=False),
    sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('withdrawn_by', sa.Integer(), nullable=True),
    sa.Column('withdrawal_reason', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['dataset_id'], ['training_datasets.id'], name=op.f('fk_deleted_samples_dataset_id'),
                            ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('dataset_id', 'sample_id', name=op.f('pk_deleted_samples'))
    )
    op.create_index('ix_deleted_samples_revision', 'deleted_samples', ['dataset_id', 'revision'], unique=False)


def _chunks() -> None:
    op.create_table('dataset_chunks',
    sa.Column('dataset_id', sa.Uuid(), nullable=False),
    sa.Column('sha256', sa.Text(), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['dataset_id'], ['training_datasets.id'], name=op.f('fk_dataset_chunks_dataset_id')),
    sa.PrimaryKeyConstraint('dataset_id', 'sha256', name=op.f('pk_dataset_chunks'))
    )
    # Uncompressed, so that one digest of a tree is read without the rest of it: digests do not compress anyway.
    op.execute("ALTER TABLE dataset_chunks ALTER COLUMN body SET STORAGE EXTERNAL")
    op.create_table('dataset_files',
    sa.Column('dataset_id', sa.Uuid(), nullable=False),
    sa.Column('file_url', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['dataset_id'], ['training_datasets.id'], name=op.f('fk_dataset_files_dataset_id')),
    sa.PrimaryKeyConstraint('dataset_id', 'file_url', name=op.f('pk_dataset_files'))
    )


def _versions() -> None:
    op.drop_constraint(op.f(f'uq_{VERSIONS}_dataset_id_manifest_sha256'), VERSIONS, type_='unique')
    op.alter_column(VERSIONS, 'manifest_sha256', new_column_name='sha256')
    op.alter_column(VERSIONS, 'manifest_url', nullable=True)
    # Lists that jobs froze before there were numbers count as 0.n.0.
    op.add_column(VERSIONS, sa.Column('version', sa.Text(), nullable=True))
    op.execute(f"UPDATE {VERSIONS} SET version = '0.' || number || '.0'")
    op.alter_column(VERSIONS, 'version', nullable=False)
    for name, kind, default in (
        ('scope', sa.Text(), 'verified'),
        ('split', postgresql.JSONB(), '{}'),
        ('statistics', postgresql.JSONB(), '{}'),
        ('changes', postgresql.JSONB(), '{}'),
        ('single_person_review', sa.Boolean(), 'false'),
        ('revision', sa.BigInteger(), '0'),
    ):
        op.add_column(VERSIONS, sa.Column(name, kind, nullable=False, server_default=default))
        op.alter_column(VERSIONS, name, server_default=None)
    op.add_column(VERSIONS, sa.Column('parent_id', sa.Uuid(), nullable=True))
    op.add_column(VERSIONS, sa.Column('tree_sha256', sa.Text(), nullable=True))
    op.create_check_constraint(op.f(f'ck_{VERSIONS}_scope_known'), VERSIONS, "scope IN ('verified', 'labeled', 'all')")
    op.create_check_constraint(op.f(f'ck_{VERSIONS}_tree_or_manifest'), VERSIONS,
                               'num_nonnulls(tree_sha256, manifest_url) = 1')
    op.create_unique_constraint(op.f(f'uq_{VERSIONS}_dataset_id_version'), VERSIONS, ['dataset_id', 'version'])
    op.create_index(op.f(f'ix_{VERSIONS}_parent_id'), VERSIONS, ['parent_id'], unique=False)
    op.create_foreign_key(op.f(f'fk_{VERSIONS}_parent_id'), VERSIONS, VERSIONS, ['parent_id'], ['id'])
    op.create_foreign_key(op.f(f'fk_{VERSIONS}_dataset_id_tree_sha256'), VERSIONS, 'dataset_chunks',
                          ['dataset_id', 'tree_sha256'], ['dataset_id', 'sha256'])


def downgrade() -> None:
    for name, table in (('chunk_keep', 'dataset_chunks'), ('version_keep', VERSIONS), ('remember_deleted', SAMPLES),
                        ('revise_changed', SAMPLES), ('revise_new', SAMPLES)):
        op.execute(f"DROP TRIGGER {name} ON {table}")
    for name in ('dataset_version_refuse_change', 'training_samples_remember', 'training_samples_revise'):
        op.execute(f"DROP FUNCTION {name}()")
    # Trees cannot be told in the old form: jobs lose the mark of what they trained on.
    op.execute(f"UPDATE training_jobs SET dataset_version_id = NULL WHERE dataset_version_id IN "
               f"(SELECT id FROM {VERSIONS} WHERE manifest_url IS NULL)")
    op.execute(f"DELETE FROM {VERSIONS} WHERE manifest_url IS NULL")
    op.drop_constraint(op.f(f'fk_{VERSIONS}_dataset_id_tree_sha256'), VERSIONS, type_='foreignkey')
    op.drop_constraint(op.f(f'fk_{VERSIONS}_parent_id'), VERSIONS, type_='foreignkey')
    op.drop_index(op.f(f'ix_{VERSIONS}_parent_id'), table_name=VERSIONS)
    op.drop_constraint(op.f(f'uq_{VERSIONS}_dataset_id_version'), VERSIONS, type_='unique')
    op.drop_constraint(op.f(f'ck_{VERSIONS}_tree_or_manifest'), VERSIONS, type_='check')
    op.drop_constraint(op.f(f'ck_{VERSIONS}_scope_known'), VERSIONS, type_='check')
    for name in ('tree_sha256', 'parent_id', 'revision', 'single_person_review', 'changes', 'statistics', 'split',
                 'scope', 'version'):
        op.drop_column(VERSIONS, name)
    op.alter_column(VERSIONS, 'manifest_url', nullable=False)
    op.alter_column(VERSIONS, 'sha256', new_column_name='manifest_sha256')
    op.create_unique_constraint(op.f(f'uq_{VERSIONS}_dataset_id_manifest_sha256'), VERSIONS,
                                ['dataset_id', 'manifest_sha256'])
    for table in ('dataset_files', 'dataset_chunks', 'deleted_samples'):
        op.drop_table(table)
    op.drop_index(f'ix_{SAMPLES}_revision', table_name=SAMPLES)
    op.drop_constraint(op.f(f'ck_{SAMPLES}_split_known'), SAMPLES, type_='check')
    op.drop_column(SAMPLES, 'revision')
    op.drop_column(SAMPLES, 'split')
    op.execute("DROP SEQUENCE dataset_revisions")
