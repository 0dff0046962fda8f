"""the schema

Revision ID: 0001
Revises: 
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('audit_events',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('occurred_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor', sa.Text(), nullable=False),
    sa.Column('actor_user_id', sa.Integer(), nullable=True),
    sa.Column('action', sa.Text(), nullable=False),
    sa.Column('subject_type', sa.Text(), nullable=False),
    sa.Column('subject_id', sa.Text(), nullable=False),
    sa.Column('organization_id', sa.Integer(), nullable=True),
    sa.Column('before', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('after', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('request_id', sa.Text(), nullable=False),
    sa.Column('ip_address', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_events'))
    )
    op.create_index('ix_audit_events_actor', 'audit_events', ['actor', 'id'], unique=False)
    op.create_index('ix_audit_events_owner', 'audit_events', ['organization_id', 'id'], unique=False)
    op.create_index('ix_audit_events_subject', 'audit_events', ['subject_type', 'subject_id', 'id'], unique=False)
    op.create_table('organizations',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('plan', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("plan IN ('professional', 'enterprise')", name=op.f('ck_organizations_plan_known')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_organizations')),
    sa.UniqueConstraint('name', name=op.f('uq_organizations_name'))
    )
    op.create_index('ix_organizations_order', 'organizations', ['created_at', 'id'], unique=False)
    op.create_table('tuf_metadata',
    sa.Column('role', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("role IN ('root', 'targets', 'snapshot', 'timestamp')", name=op.f('ck_tuf_metadata_role_known')),
    sa.CheckConstraint('version >= 1', name=op.f('ck_tuf_metadata_version_range')),
    sa.PrimaryKeyConstraint('role', 'version', name=op.f('pk_tuf_metadata'))
    )
    op.create_table('users',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('organization_id', sa.Integer(), nullable=True),
    sa.Column('email', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('password_hash', sa.Text(), nullable=True),
    sa.Column('role', sa.Text(), nullable=False),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("role <> 'organization_admin' OR organization_id IS NOT NULL", name=op.f('ck_users_organization_admin_has_organization')),
    sa.CheckConstraint("role IN ('super_admin', 'organization_admin', 'member')", name=op.f('ck_users_role_known')),
    sa.CheckConstraint('email = lower(email)', name=op.f('ck_users_email_lower')),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name=op.f('fk_users_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_users')),
    sa.UniqueConstraint('email', name=op.f('uq_users_email'))
    )
    op.create_index('ix_users_order', 'users', ['created_at', 'id'], unique=False)
    op.create_index(op.f('ix_users_organization_id'), 'users', ['organization_id'], unique=False)
    op.create_table('ai_model_versions',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Integer(), nullable=True),
    sa.Column('ai_module', sa.Text(), nullable=False),
    sa.Column('version', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('description', sa.Text(), nullable=False),
    sa.Column('training_job_id', sa.Uuid(), nullable=True),
    sa.Column('base_version_id', sa.Uuid(), nullable=True),
    sa.Column('model_file_url', sa.Text(), nullable=False),
    sa.Column('model_file_size', sa.BigInteger(), nullable=False),
    sa.Column('config_file_url', sa.Text(), nullable=True),
    sa.Column('bundle_sha256', sa.Text(), nullable=False),
    sa.Column('checkpoint_url', sa.Text(), nullable=True),
    sa.Column('accuracy', sa.Numeric(precision=7, scale=6), nullable=True),
    sa.Column('precision_score', sa.Numeric(precision=7, scale=6), nullable=True),
    sa.Column('recall_score', sa.Numeric(precision=7, scale=6), nullable=True),
    sa.Column('f1_score', sa.Numeric(precision=7, scale=6), nullable=True),
    sa.Column('metrics', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('inference_time_ms', sa.Integer(), nullable=True),
    sa.Column('min_edge_version', sa.Text(), nullable=False),
    sa.Column('supported_platforms', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('is_approved', sa.Boolean(), nullable=False),
    sa.Column('approved_by', sa.Integer(), nullable=True),
    sa.Column('approved_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('is_released', sa.Boolean(), nullable=False),
    sa.Column('released_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('release_notes', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("status <> 'released' OR is_released", name=op.f('ck_ai_model_versions_released_is_released')),
    sa.CheckConstraint("status IN ('draft', 'testing', 'approved', 'released', 'deprecated')", name=op.f('ck_ai_model_versions_status_known')),
    sa.CheckConstraint("status NOT IN ('approved', 'released') OR is_approved", name=op.f('ck_ai_model_versions_approved_is_approved')),
    sa.CheckConstraint("status NOT IN ('draft', 'testing') OR NOT is_approved", name=op.f('ck_ai_model_versions_unapproved_before_approval')),
    sa.CheckConstraint('NOT is_approved OR (approved_by IS NOT NULL AND approved_at IS NOT NULL)', name=op.f('ck_ai_model_versions_approval_has_person')),
    sa.CheckConstraint('NOT is_released OR (is_approved AND released_at IS NOT NULL)', name=op.f('ck_ai_model_versions_release_after_approval')),
    sa.CheckConstraint('accuracy >= 0 AND accuracy <= 1', name=op.f('ck_ai_model_versions_accuracy_range')),
    sa.CheckConstraint('f1_score >= 0 AND f1_score <= 1', name=op.f('ck_ai_model_versions_f1_score_range')),
    sa.CheckConstraint('inference_time_ms >= 0', name=op.f('ck_ai_model_versions_inference_time_ms_range')),
    sa.CheckConstraint('model_file_size >= 1', name=op.f('ck_ai_model_versions_model_file_size_range')),
    sa.CheckConstraint('precision_score >= 0 AND precision_score <= 1', name=op.f('ck_ai_model_versions_precision_score_range')),
    sa.CheckConstraint('recall_score >= 0 AND recall_score <= 1', name=op.f('ck_ai_model_versions_recall_score_range')),
    sa.ForeignKeyConstraint(['approved_by'], ['users.id'], name=op.f('fk_ai_model_versions_approved_by')),
    sa.ForeignKeyConstraint(['base_version_id'], ['ai_model_versions.id'], name=op.f('fk_ai_model_versions_base_version_id')),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name=op.f('fk_ai_model_versions_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ai_model_versions')),
    sa.UniqueConstraint('organization_id', 'ai_module', 'version', name=op.f('uq_ai_model_versions_organization_id_ai_module_version'), postgresql_nulls_not_distinct=True)
    )
    op.create_index(op.f('ix_ai_model_versions_approved_by'), 'ai_model_versions', ['approved_by'], unique=False)
    op.create_index(op.f('ix_ai_model_versions_base_version_id'), 'ai_model_versions', ['base_version_id'], unique=False)
    op.create_index('ix_ai_model_versions_module', 'ai_model_versions', ['ai_module', 'created_at', 'id'], unique=False)
    op.create_index('ix_ai_model_versions_order', 'ai_model_versions', ['created_at', 'id'], unique=False)
    op.create_index('ix_ai_model_versions_owner', 'ai_model_versions', ['organization_id', 'created_at', 'id'], unique=False)
    op.create_index(op.f('ix_ai_model_versions_training_job_id'), 'ai_model_versions', ['training_job_id'], unique=False)
    op.create_table('api_tokens',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('token_hash', sa.Text(), nullable=False),
    sa.Column('scope', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("scope IN ('read', 'full')", name=op.f('ck_api_tokens_scope_known')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_api_tokens_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_tokens')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_api_tokens_token_hash'))
    )
    op.create_index('ix_api_tokens_owner', 'api_tokens', ['user_id', 'created_at'], unique=False)
    op.create_table('approver_keys',
    sa.Column('keyid', sa.Text(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('public_key', sa.Text(), nullable=False),
    sa.Column('added_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('removed_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_approver_keys_user_id')),
    sa.PrimaryKeyConstraint('keyid', name=op.f('pk_approver_keys'))
    )
    op.create_index(op.f('ix_approver_keys_user_id'), 'approver_keys', ['user_id'], unique=False)
    op.create_table('edge_servers',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('organization_id', sa.Integer(), nullable=True),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('site', sa.Text(), nullable=False),
    sa.Column('latitude', sa.Float(precision=53), nullable=True),
    sa.Column('longitude', sa.Float(precision=53), nullable=True),
    sa.Column('public_key', sa.Text(), nullable=True),
    sa.Column('enrolment_token_hash', sa.Text(), nullable=True),
    sa.Column('enrolment_expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('enrolled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('edge_version', sa.Text(), nullable=True),
    sa.Column('platform', sa.Text(), nullable=True),
    sa.Column('last_heartbeat_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('loaded', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('inference_count', sa.Integer(), nullable=False),
    sa.Column('inference_p50_ms', sa.Float(precision=53), nullable=True),
    sa.Column('last_error', sa.Text(), nullable=True),
    sa.Column('created_by', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('(public_key IS NULL) = (enrolled_at IS NULL)', name=op.f('ck_edge_servers_enrolled_has_key')),
    sa.CheckConstraint('latitude >= -90 AND latitude <= 90', name=op.f('ck_edge_servers_latitude_range')),
    sa.CheckConstraint('longitude >= -180 AND longitude <= 180', name=op.f('ck_edge_servers_longitude_range')),
    sa.ForeignKeyConstraint(['created_by'], ['users.id'], name=op.f('fk_edge_servers_created_by')),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name=op.f('fk_edge_servers_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_edge_servers')),
    sa.UniqueConstraint('enrolment_token_hash', name=op.f('uq_edge_servers_enrolment_token_hash')),
    sa.UniqueConstraint('organization_id', 'name', name=op.f('uq_edge_servers_organization_id_name'), postgresql_nulls_not_distinct=True),
    sa.UniqueConstraint('public_key', name=op.f('uq_edge_servers_public_key'))
    )
    op.create_index(op.f('ix_edge_servers_created_by'), 'edge_servers', ['created_by'], unique=False)
    op.create_index('ix_edge_servers_order', 'edge_servers', ['created_at', 'id'], unique=False)
    op.create_index('ix_edge_servers_owner', 'edge_servers', ['organization_id', 'created_at', 'id'], unique=False)
    op.create_table('training_datasets',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Integer(), nullable=True),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('description', sa.Text(), nullable=False),
    sa.Column('ai_module', sa.Text(), nullable=False),
    sa.Column('sample_count', sa.Integer(), nullable=False),
    sa.Column('labeled_count', sa.Integer(), nullable=False),
    sa.Column('verified_count', sa.Integer(), nullable=False),
    sa.Column('size_bytes', sa.BigInteger(), nullable=False),
    sa.Column('label_schema', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('environment', sa.Text(), nullable=False),
    sa.Column('version', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('created_by', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("environment IN ('dev', 'staging', 'production')", name=op.f('ck_training_datasets_environment_known')),
    sa.CheckConstraint("status IN ('draft', 'active', 'archived')", name=op.f('ck_training_datasets_status_known')),
    sa.CheckConstraint('labeled_count BETWEEN 0 AND sample_count', name=op.f('ck_training_datasets_labeled_count_range')),
    sa.CheckConstraint('sample_count >= 0', name=op.f('ck_training_datasets_sample_count_range')),
    sa.CheckConstraint('size_bytes >= 0', name=op.f('ck_training_datasets_size_bytes_range')),
    sa.CheckConstraint('verified_count BETWEEN 0 AND labeled_count', name=op.f('ck_training_datasets_verified_count_range')),
    sa.ForeignKeyConstraint(['created_by'], ['users.id'], name=op.f('fk_training_datasets_created_by')),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name=op.f('fk_training_datasets_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_training_datasets')),
    sa.UniqueConstraint('organization_id', 'name', 'version', name=op.f('uq_training_datasets_organization_id_name_version'), postgresql_nulls_not_distinct=True)
    )
    op.create_index(op.f('ix_training_datasets_ai_module'), 'training_datasets', ['ai_module'], unique=False)
    op.create_index(op.f('ix_training_datasets_created_by'), 'training_datasets', ['created_by'], unique=False)
    op.create_index('ix_training_datasets_order', 'training_datasets', ['created_at', 'id'], unique=False)
    op.create_index('ix_training_datasets_owner', 'training_datasets', ['organization_id', 'created_at', 'id'], unique=False)
    op.create_table('user_sessions',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('token_hash', sa.Text(), nullable=False),
    sa.Column('user_agent', sa.Text(), nullable=False),
    sa.Column('ip_address', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_used_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_user_sessions_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_user_sessions')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_user_sessions_token_hash'))
    )
    op.create_index('ix_user_sessions_owner', 'user_sessions', ['user_id', 'last_used_at'], unique=False)
    op.create_table('dataset_versions',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('dataset_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('message', sa.Text(), nullable=False),
    sa.Column('sample_count', sa.Integer(), nullable=False),
    sa.Column('label_schema', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('manifest_url', sa.Text(), nullable=False),
    sa.Column('manifest_sha256', sa.Text(), nullable=False),
    sa.Column('created_by', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('number >= 1', name=op.f('ck_dataset_versions_number_range')),
    sa.CheckConstraint('sample_count >= 1', name=op.f('ck_dataset_versions_sample_count_range')),
    sa.ForeignKeyConstraint(['created_by'], ['users.id'], name=op.f('fk_dataset_versions_created_by')),
    sa.ForeignKeyConstraint(['dataset_id'], ['training_datasets.id'], name=op.f('fk_dataset_versions_dataset_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_dataset_versions')),
    sa.UniqueConstraint('dataset_id', 'manifest_sha256', name=op.f('uq_dataset_versions_dataset_id_manifest_sha256')),
    sa.UniqueConstraint('dataset_id', 'number', name=op.f('uq_dataset_versions_dataset_id_number'))
    )
    op.create_index(op.f('ix_dataset_versions_created_by'), 'dataset_versions', ['created_by'], unique=False)
    op.create_index('ix_dataset_versions_order', 'dataset_versions', ['dataset_id', 'created_at', 'id'], unique=False)
    op.create_table('rollouts',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('model_version_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('target_count', sa.Integer(), nullable=False),
    sa.Column('created_by', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("kind IN ('single', 'all', 'rollback')", name=op.f('ck_rollouts_kind_known')),
    sa.CheckConstraint('target_count >= 0', name=op.f('ck_rollouts_target_count_range')),
    sa.ForeignKeyConstraint(['created_by'], ['users.id'], name=op.f('fk_rollouts_created_by')),
    sa.ForeignKeyConstraint(['model_version_id'], ['ai_model_versions.id'], name=op.f('fk_rollouts_model_version_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_rollouts'))
    )
    op.create_index(op.f('ix_rollouts_created_by'), 'rollouts', ['created_by'], unique=False)
    op.create_index(op.f('ix_rollouts_model_version_id'), 'rollouts', ['model_version_id'], unique=False)
    op.create_index('ix_rollouts_order', 'rollouts', ['created_at', 'id'], unique=False)
    op.create_table('training_samples',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('dataset_id', sa.Uuid(), nullable=False),
    sa.Column('file_url', sa.Text(), nullable=False),
    sa.Column('file_type', sa.Text(), nullable=False),
    sa.Column('file_size', sa.BigInteger(), nullable=False),
    sa.Column('sha256', sa.Text(), nullable=False),
    sa.Column('width', sa.Integer(), nullable=True),
    sa.Column('height', sa.Integer(), nullable=True),
    sa.Column('labels', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('annotations', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('source_camera_id', sa.Uuid(), nullable=True),
    sa.Column('captured_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('metadata', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('is_labeled', sa.Boolean(), nullable=False),
    sa.Column('is_verified', sa.Boolean(), nullable=False),
    sa.Column('labeled_by', sa.Integer(), nullable=True),
    sa.Column('verified_by', sa.Integer(), nullable=True),
    sa.Column('quality_score', sa.Numeric(precision=4, scale=3), nullable=True),
    sa.Column('rejection_reason', sa.Text(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("file_type IN ('image', 'video')", name=op.f('ck_training_samples_file_type_known')),
    sa.CheckConstraint('NOT (is_verified AND rejection_reason IS NOT NULL)', name=op.f('ck_training_samples_verified_or_rejected')),
    sa.CheckConstraint('NOT is_labeled OR labeled_by IS NOT NULL', name=op.f('ck_training_samples_labeled_by_someone')),
    sa.CheckConstraint('NOT is_verified OR (is_labeled AND verified_by IS NOT NULL)', name=op.f('ck_training_samples_verified_is_labeled')),
    sa.CheckConstraint('file_size >= 1', name=op.f('ck_training_samples_file_size_range')),
    sa.CheckConstraint('quality_score >= 0 AND quality_score <= 1', name=op.f('ck_training_samples_quality_score_range')),
    sa.ForeignKeyConstraint(['dataset_id'], ['training_datasets.id'], name=op.f('fk_training_samples_dataset_id')),
    sa.ForeignKeyConstraint(['labeled_by'], ['users.id'], name=op.f('fk_training_samples_labeled_by')),
    sa.ForeignKeyConstraint(['verified_by'], ['users.id'], name=op.f('fk_training_samples_verified_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_training_samples')),
    sa.UniqueConstraint('dataset_id', 'sha256', name=op.f('uq_training_samples_dataset_id_sha256'))
    )
    op.create_index(op.f('ix_training_samples_labeled_by'), 'training_samples', ['labeled_by'], unique=False)
    op.create_index('ix_training_samples_order', 'training_samples', ['dataset_id', 'created_at', 'id'], unique=False)
    op.create_index('ix_training_samples_review', 'training_samples', ['dataset_id', 'is_labeled', 'is_verified', 'created_at', 'id'], unique=False)
    op.create_index(op.f('ix_training_samples_verified_by'), 'training_samples', ['verified_by'], unique=False)
    op.create_table('model_deployments',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('rollout_id', sa.Uuid(), nullable=False),
    sa.Column('model_version_id', sa.Uuid(), nullable=False),
    sa.Column('ai_module', sa.Text(), nullable=False),
    sa.Column('edge_server_id', sa.Integer(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('progress_percent', sa.Integer(), nullable=False),
    sa.Column('scheduled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('completed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('error_message', sa.Text(), nullable=True),
    sa.Column('retry_count', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("status <> 'failed' OR error_message IS NOT NULL", name=op.f('ck_model_deployments_failed_has_reason')),
    sa.CheckConstraint("status IN ('pending', 'downloading', 'installing', 'completed', 'failed')", name=op.f('ck_model_deployments_status_known')),
    sa.CheckConstraint('progress_percent >= 0 AND progress_percent <= 100', name=op.f('ck_model_deployments_progress_percent_range')),
    sa.CheckConstraint('retry_count >= 0', name=op.f('ck_model_deployments_retry_count_range')),
    sa.ForeignKeyConstraint(['edge_server_id'], ['edge_servers.id'], name=op.f('fk_model_deployments_edge_server_id')),
    sa.ForeignKeyConstraint(['model_version_id'], ['ai_model_versions.id'], name=op.f('fk_model_deployments_model_version_id')),
    sa.ForeignKeyConstraint(['rollout_id'], ['rollouts.id'], name=op.f('fk_model_deployments_rollout_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_model_deployments'))
    )
    op.create_index('ix_model_deployments_edge', 'model_deployments', ['edge_server_id', 'created_at', 'id'], unique=False)
    op.create_index('ix_model_deployments_order', 'model_deployments', ['created_at', 'id'], unique=False)
    op.create_index(op.f('ix_model_deployments_rollout_id'), 'model_deployments', ['rollout_id'], unique=False)
    op.create_index('ix_model_deployments_version', 'model_deployments', ['model_version_id', 'created_at', 'id'], unique=False)
    op.create_index('uq_model_deployments_unfinished', 'model_deployments', ['edge_server_id', 'ai_module'], unique=True, postgresql_where=sa.text("status IN ('pending', 'downloading', 'installing')"))
    op.create_table('sample_annotations',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('sample_id', sa.Uuid(), nullable=False),
    sa.Column('annotator_id', sa.Integer(), nullable=False),
    sa.Column('labels', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('annotations', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['annotator_id'], ['users.id'], name=op.f('fk_sample_annotations_annotator_id')),
    sa.ForeignKeyConstraint(['sample_id'], ['training_samples.id'], name=op.f('fk_sample_annotations_sample_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sample_annotations')),
    sa.UniqueConstraint('sample_id', 'annotator_id', name=op.f('uq_sample_annotations_sample_id_annotator_id'))
    )
    op.create_index('ix_sample_annotations_annotator', 'sample_annotations', ['annotator_id', 'created_at', 'id'], unique=False)
    op.create_table('training_jobs',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Integer(), nullable=True),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('description', sa.Text(), nullable=False),
    sa.Column('ai_module', sa.Text(), nullable=False),
    sa.Column('dataset_id', sa.Uuid(), nullable=False),
    sa.Column('dataset_version_id', sa.Uuid(), nullable=True),
    sa.Column('base_model_version', sa.Uuid(), nullable=True),
    sa.Column('training_config', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('hyperparameters', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('progress_percent', sa.Integer(), nullable=False),
    sa.Column('current_epoch', sa.Integer(), nullable=False),
    sa.Column('total_epochs', sa.Integer(), nullable=False),
    sa.Column('metrics', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('training_logs', sa.Text(), nullable=False),
    sa.Column('output_model_version', sa.Uuid(), nullable=True),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('completed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('estimated_completion', sa.DateTime(timezone=True), nullable=True),
    sa.Column('error_message', sa.Text(), nullable=True),
    sa.Column('created_by', sa.Integer(), nullable=False),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.Column('heartbeat_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('cancel_requested_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("status <> 'completed' OR output_model_version IS NOT NULL", name=op.f('ck_training_jobs_completed_has_output')),
    sa.CheckConstraint("status <> 'failed' OR error_message IS NOT NULL", name=op.f('ck_training_jobs_failed_has_reason')),
    sa.CheckConstraint("status IN ('pending', 'queued', 'running', 'completed', 'failed', 'cancelled')", name=op.f('ck_training_jobs_status_known')),
    sa.CheckConstraint('attempt >= 0', name=op.f('ck_training_jobs_attempt_range')),
    sa.CheckConstraint('current_epoch BETWEEN 0 AND total_epochs', name=op.f('ck_training_jobs_current_epoch_range')),
    sa.CheckConstraint('progress_percent >= 0 AND progress_percent <= 100', name=op.f('ck_training_jobs_progress_percent_range')),
    sa.ForeignKeyConstraint(['base_model_version'], ['ai_model_versions.id'], name=op.f('fk_training_jobs_base_model_version')),
    sa.ForeignKeyConstraint(['created_by'], ['users.id'], name=op.f('fk_training_jobs_created_by')),
    sa.ForeignKeyConstraint(['dataset_id'], ['training_datasets.id'], name=op.f('fk_training_jobs_dataset_id')),
    sa.ForeignKeyConstraint(['dataset_version_id'], ['dataset_versions.id'], name=op.f('fk_training_jobs_dataset_version_id')),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name=op.f('fk_training_jobs_organization_id')),
    sa.ForeignKeyConstraint(['output_model_version'], ['ai_model_versions.id'], name=op.f('fk_training_jobs_output_model_version')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_training_jobs'))
    )
    op.create_index(op.f('ix_training_jobs_ai_module'), 'training_jobs', ['ai_module'], unique=False)
    op.create_index(op.f('ix_training_jobs_base_model_version'), 'training_jobs', ['base_model_version'], unique=False)
    op.create_index(op.f('ix_training_jobs_created_by'), 'training_jobs', ['created_by'], unique=False)
    op.create_index(op.f('ix_training_jobs_dataset_id'), 'training_jobs', ['dataset_id'], unique=False)
    op.create_index(op.f('ix_training_jobs_dataset_version_id'), 'training_jobs', ['dataset_version_id'], unique=False)
    op.create_index('ix_training_jobs_order', 'training_jobs', ['created_at', 'id'], unique=False)
    op.create_index(op.f('ix_training_jobs_output_model_version'), 'training_jobs', ['output_model_version'], unique=False)
    op.create_index('ix_training_jobs_owner', 'training_jobs', ['organization_id', 'created_at', 'id'], unique=False)
    op.create_index('ix_training_jobs_status', 'training_jobs', ['status', 'created_at', 'id'], unique=False)
    # Jobs point at versions and versions at jobs: this key is added when both tables exist.
    op.create_foreign_key(
        "fk_ai_model_versions_training_job_id", "ai_model_versions", "training_jobs", ["training_job_id"], ["id"]
    )
    op.create_table('metric_points',
    sa.Column('job_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('step', sa.BigInteger(), nullable=False),
    sa.Column('epoch', sa.Integer(), nullable=False),
    sa.Column('value', sa.Float(precision=53), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('epoch >= 0', name=op.f('ck_metric_points_epoch_range')),
    sa.CheckConstraint('step >= 0', name=op.f('ck_metric_points_step_range')),
    sa.ForeignKeyConstraint(['job_id'], ['training_jobs.id'], name=op.f('fk_metric_points_job_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('job_id', 'name', 'step', name=op.f('pk_metric_points'))
    )


def downgrade() -> None:
    op.drop_constraint("fk_ai_model_versions_training_job_id", "ai_model_versions")
    op.drop_table('metric_points')
    op.drop_index('ix_training_jobs_status', table_name='training_jobs')
    op.drop_index('ix_training_jobs_owner', table_name='training_jobs')
    op.drop_index(op.f('ix_training_jobs_output_model_version'), table_name='training_jobs')
    op.drop_index('ix_training_jobs_order', table_name='training_jobs')
    op.drop_index(op.f('ix_training_jobs_dataset_version_id'), table_name='training_jobs')
    op.drop_index(op.f('ix_training_jobs_dataset_id'), table_name='training_jobs')
    op.drop_index(op.f('ix_training_jobs_created_by'), table_name='training_jobs')
    op.drop_index(op.f('ix_training_jobs_base_model_version'), table_name='training_jobs')
    op.drop_index(op.f('ix_training_jobs_ai_module'), table_name='training_jobs')
    op.drop_table('training_jobs')
    op.drop_index('ix_sample_annotations_annotator', table_name='sample_annotations')
    op.drop_table('sample_annotations')
    op.drop_index('uq_model_deployments_unfinished', table_name='model_deployments', postgresql_where=sa.text("status IN ('pending', 'downloading', 'installing')"))
    op.drop_index('ix_model_deployments_version', table_name='model_deployments')
    op.drop_index(op.f('ix_model_deployments_rollout_id'), table_name='model_deployments')
    op.drop_index('ix_model_deployments_order', table_name='model_deployments')
    op.drop_index('ix_model_deployments_edge', table_name='model_deployments')
    op.drop_table('model_deployments')
    op.drop_index(op.f('ix_training_samples_verified_by'), table_name='training_samples')
    op.drop_index('ix_training_samples_review', table_name='training_samples')
    op.drop_index('ix_training_samples_order', table_name='training_samples')
    op.drop_index(op.f('ix_training_samples_labeled_by'), table_name='training_samples')
    op.drop_table('training_samples')
    op.drop_index('ix_rollouts_order', table_name='rollouts')
    op.drop_index(op.f('ix_rollouts_model_version_id'), table_name='rollouts')
    op.drop_index(op.f('ix_rollouts_created_by'), table_name='rollouts')
    op.drop_table('rollouts')
    op.drop_index('ix_dataset_versions_order', table_name='dataset_versions')
    op.drop_index(op.f('ix_dataset_versions_created_by'), table_name='dataset_versions')
    op.drop_table('dataset_versions')
    op.drop_index('ix_user_sessions_owner', table_name='user_sessions')
    op.drop_table('user_sessions')
    op.drop_index('ix_training_datasets_owner', table_name='training_datasets')
    op.drop_index('ix_training_datasets_order', table_name='training_datasets')
    op.drop_index(op.f('ix_training_datasets_created_by'), table_name='training_datasets')
    op.drop_index(op.f('ix_training_datasets_ai_module'), table_name='training_datasets')
    op.drop_table('training_datasets')
    op.drop_index('ix_edge_servers_owner', table_name='edge_servers')
    op.drop_index('ix_edge_servers_order', table_name='edge_servers')
    op.drop_index(op.f('ix_edge_servers_created_by'), table_name='edge_servers')
    op.drop_table('edge_servers')
    op.drop_index(op.f('ix_approver_keys_user_id'), table_name='approver_keys')
    op.drop_table('approver_keys')
    op.drop_index('ix_api_tokens_owner', table_name='api_tokens')
    op.drop_table('api_tokens')
    op.drop_index(op.f('ix_ai_model_versions_training_job_id'), table_name='ai_model_versions')
    op.drop_index('ix_ai_model_versions_owner', table_name='ai_model_versions')
    op.drop_index('ix_ai_model_versions_order', table_name='ai_model_versions')
    op.drop_index('ix_ai_model_versions_module', table_name='ai_model_versions')
    op.drop_index(op.f('ix_ai_model_versions_base_version_id'), table_name='ai_model_versions')
    op.drop_index(op.f('ix_ai_model_versions_approved_by'), table_name='ai_model_versions')
    op.drop_table('ai_model_versions')
    op.drop_index('ix_users_order', table_name='users')
    op.drop_index(op.f('ix_users_organization_id'), table_name='users')
    op.drop_table('users')
    op.drop_table('tuf_metadata')
    op.drop_index('ix_organizations_order', table_name='organizations')
    op.drop_table('organizations')
    op.drop_index('ix_audit_events_subject', table_name='audit_events')
    op.drop_index('ix_audit_events_owner', table_name='audit_events')
    op.drop_index('ix_audit_events_actor', table_name='audit_events')
    op.drop_table('audit_events')
