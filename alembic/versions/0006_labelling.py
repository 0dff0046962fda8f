"""Labelling: leases of samples, and what a person set for themselves.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('sample_leases',
    sa.Column('sample_id', sa.Uuid(), nullable=False),
    sa.Column('slot', sa.Integer(), nullable=False),
    sa.Column('holder_id', sa.Integer(), nullable=False),
    sa.Column('token_hash', sa.Text(), nullable=False),
    sa.Column('taken_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('slot >= 0', name=op.f('ck_sample_leases_slot_range')),
    sa.ForeignKeyConstraint(['holder_id'], ['users.id'], name=op.f('fk_sample_leases_holder_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(
        ['sample_id'], ['training_samples.id'], name=op.f('fk_sample_leases_sample_id'), ondelete='CASCADE'
    ),
    sa.PrimaryKeyConstraint('sample_id', 'slot', name=op.f('pk_sample_leases'))
    )
    op.create_index(op.f('ix_sample_leases_holder_id'), 'sample_leases', ['holder_id'], unique=False)
    op.create_table('user_preferences',
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('value', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_user_preferences_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', 'name', name=op.f('pk_user_preferences'))
    )
    op.create_index(
        'ix_training_samples_rejected', 'training_samples', ['dataset_id', 'labeled_by', 'created_at', 'id'],
        unique=False, postgresql_where=sa.text('rejection_reason IS NOT NULL'),
    )


def downgrade() -> None:
    op.drop_index('ix_training_samples_rejected', table_name='training_samples')
    op.drop_table('user_preferences')
    op.drop_index(op.f('ix_sample_leases_holder_id'), table_name='sample_leases')
    op.drop_table('sample_leases')
