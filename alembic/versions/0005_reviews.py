"""Decisions of reviewers as they were made, and truth that is planted to measure annotators.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('ground_truths',
    sa.Column('sample_id', sa.Uuid(), nullable=False),
    sa.Column('dataset_id', sa.Uuid(), nullable=False),
    sa.Column('labels', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('annotations', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('planted_by', sa.Integer(), nullable=False),
    sa.Column('planted_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['dataset_id'], ['training_datasets.id'], name=op.f('fk_ground_truths_dataset_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['planted_by'], ['users.id'], name=op.f('fk_ground_truths_planted_by')),
    sa.ForeignKeyConstraint(['sample_id'], ['training_samples.id'], name=op.f('fk_ground_truths_sample_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('sample_id', name=op.f('pk_ground_truths'))
    )
    op.create_index('ix_ground_truths_dataset', 'ground_truths', ['dataset_id', 'planted_at'], unique=False)
    op.create_index(op.f('ix_ground_truths_planted_by'), 'ground_truths', ['planted_by'], unique=False)
    op.create_table('review_decisions',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('dataset_id', sa.Uuid(), nullable=False),
    sa.Column('sample_id', sa.Uuid(), nullable=False),
    sa.Column('reviewer_id', sa.Integer(), nullable=False),
    sa.Column('author_id', sa.Integer(), nullable=True),
    sa.Column('decision', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('region', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.Column('labels', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('annotations', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('fixed_labels', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.Column('fixed_annotations', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("(decision = 'rejected') = (reason IS NOT NULL)", name=op.f('ck_review_decisions_rejected_has_reason')),
    sa.CheckConstraint("decision IN ('accepted', 'rejected', 'fixed')", name=op.f('ck_review_decisions_decision_known')),
    sa.ForeignKeyConstraint(['author_id'], ['users.id'], name=op.f('fk_review_decisions_author_id')),
    sa.ForeignKeyConstraint(['dataset_id'], ['training_datasets.id'], name=op.f('fk_review_decisions_dataset_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['reviewer_id'], ['users.id'], name=op.f('fk_review_decisions_reviewer_id')),
    sa.ForeignKeyConstraint(['sample_id'], ['training_samples.id'], name=op.f('fk_review_decisions_sample_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_review_decisions'))
    )
    for name in ('author_id', 'reviewer_id'):
        op.create_index(op.f(f'ix_review_decisions_{name}'), 'review_decisions', [name], unique=False)
    op.create_index('ix_review_decisions_author', 'review_decisions', ['dataset_id', 'author_id', 'decision'], unique=False)
    op.create_index('ix_review_decisions_order', 'review_decisions', ['dataset_id', 'created_at', 'id'], unique=False)
    op.create_index('ix_review_decisions_sample', 'review_decisions', ['sample_id', 'created_at', 'id'], unique=False)


def downgrade() -> None:
    op.drop_table('review_decisions')
    op.drop_table('ground_truths')
