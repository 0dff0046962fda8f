"""Who may do what: plans as data, a chain over the audit log, other ways to sign in, webhooks, idempotency keys.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

# Whoever asks, the superuser included: to change the log one has to change the schema first.
KEEP = """
CREATE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$
"""
# In the transaction of the event, so that no event can be left out of the chain.
QUEUE = """
CREATE FUNCTION audit_queue_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_pending (event_id) VALUES (NEW.id);
    RETURN NULL;
END $$
"""
KEPT = ("audit_events", "audit_links")
# What lists are ordered by, beside `created_at`.
LIST_INDEXES = (
    ('ix_training_datasets_name', 'training_datasets', ('name', 'id')),
    ('ix_training_datasets_updated', 'training_datasets', ('updated_at', 'id')),
    ('ix_training_samples_updated', 'training_samples', ('dataset_id', 'updated_at', 'id')),
    ('ix_training_samples_size', 'training_samples', ('dataset_id', 'file_size', 'id')),
    ('ix_training_jobs_name', 'training_jobs', ('name', 'id')),
    ('ix_training_jobs_updated', 'training_jobs', ('updated_at', 'id')),
    ('ix_ai_model_versions_name', 'ai_model_versions', ('name', 'id')),
    ('ix_ai_model_versions_updated', 'ai_model_versions', ('updated_at', 'id')),
    ('ix_model_deployments_updated', 'model_deployments', ('updated_at', 'id')),
    ('ix_edge_servers_name', 'edge_servers', ('name', 'id')),
    ('ix_users_name', 'users', ('name', 'id')),
)
# Where lists look up how a name begins, whatever the case and the database's collation.
PREFIX_INDEXES = (
    ('ix_training_datasets_prefix', 'training_datasets', 'name'),
    ('ix_users_prefix', 'users', 'name'),
    ('ix_users_email_prefix', 'users', 'email'),
    ('ix_organizations_prefix', 'organizations', 'name'),
)


def upgrade() -> None:
    op.create_table('audit_links',
    sa.Column('number', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('event_id', sa.BigInteger(), nullable=False),
    sa.Column('event_sha256', sa.Text(), nullable=False),
    sa.Column('chain_sha256', sa.Text(), nullable=False),
    sa.Column('sealed_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('number >= 1', name=op.f('ck_audit_links_number_range')),
    sa.PrimaryKeyConstraint('number', name=op.f('pk_audit_links')),
    sa.UniqueConstraint('event_id', name=op.f('uq_audit_links_event_id'))
    )
    op.create_table('audit_pending',
    sa.Column('event_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.PrimaryKeyConstraint('event_id', name=op.f('pk_audit_pending'))
    )
    op.create_table('idempotency_keys',
    sa.Column('actor', sa.Text(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('fingerprint', sa.Text(), nullable=False),
    sa.Column('answer', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('actor', 'key', name=op.f('pk_idempotency_keys'))
    )
    op.create_index(op.f('ix_idempotency_keys_created_at'), 'idempotency_keys', ['created_at'], unique=False)
    op.create_table('plans',
    sa.Column('plan', sa.Text(), nullable=False),
    sa.Column('training_jobs_per_month', sa.Integer(), nullable=True),
    sa.Column('dataset_bytes', sa.BigInteger(), nullable=True),
    sa.Column('active_models_per_module', sa.Integer(), nullable=True),
    sa.Column('custom_training', sa.Boolean(), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("plan IN ('professional', 'enterprise')", name=op.f('ck_plans_plan_known')),
    sa.CheckConstraint('active_models_per_module >= 0', name=op.f('ck_plans_active_models_per_module_range')),
    sa.CheckConstraint('dataset_bytes >= 0', name=op.f('ck_plans_dataset_bytes_range')),
    sa.CheckConstraint('training_jobs_per_month >= 0', name=op.f('ck_plans_training_jobs_per_month_range')),
    sa.PrimaryKeyConstraint('plan', name=op.f('pk_plans'))
    )
    op.create_table('user_identities',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('issuer', sa.Text(), nullable=False),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_user_identities_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_user_identities')),
    sa.UniqueConstraint('issuer', 'subject', name=op.f('uq_user_identities_issuer_subject'))
    )
    op.create_index(op.f('ix_user_identities_user_id'), 'user_identities', ['user_id'], unique=False)
    op.create_table('webhooks',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Integer(), nullable=True),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('url', sa.Text(), nullable=False),
    sa.Column('events', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('secret_generation', sa.Integer(), nullable=False),
    sa.Column('last_delivered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('failing_since', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_by', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('secret_generation >= 1', name=op.f('ck_webhooks_secret_generation_range')),
    sa.ForeignKeyConstraint(['created_by'], ['users.id'], name=op.f('fk_webhooks_created_by')),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name=op.f('fk_webhooks_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhooks'))
    )
    op.create_index(op.f('ix_webhooks_created_by'), 'webhooks', ['created_by'], unique=False)
    op.create_index('ix_webhooks_order', 'webhooks', ['created_at', 'id'], unique=False)
    op.create_index('ix_webhooks_owner', 'webhooks', ['organization_id', 'created_at', 'id'], unique=False)
    op.create_table('webhook_deliveries',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('webhook_id', sa.Uuid(), nullable=False),
    sa.Column('message_id', sa.Uuid(), nullable=False),
    sa.Column('event_type', sa.Text(), nullable=False),
    sa.Column('payload', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.Column('next_attempt_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('response_status', sa.Integer(), nullable=True),
    sa.Column('error', sa.Text(), nullable=True),
    sa.Column('duration_ms', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('completed_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("status <> 'failed' OR error IS NOT NULL", name=op.f('ck_webhook_deliveries_failed_has_reason')),
    sa.CheckConstraint("status <> 'pending' OR next_attempt_at IS NOT NULL", name=op.f('ck_webhook_deliveries_pending_has_time')),
    sa.CheckConstraint("status IN ('pending', 'delivered', 'failed')", name=op.f('ck_webhook_deliveries_status_known')),
    sa.CheckConstraint('attempt >= 0', name=op.f('ck_webhook_deliveries_attempt_range')),
    sa.ForeignKeyConstraint(['webhook_id'], ['webhooks.id'], name=op.f('fk_webhook_deliveries_webhook_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook_deliveries'))
    )
    op.create_index(op.f('ix_webhook_deliveries_created_at'), 'webhook_deliveries', ['created_at'], unique=False)
    op.create_index('ix_webhook_deliveries_due', 'webhook_deliveries', ['next_attempt_at'], unique=False, postgresql_where=sa.text("status = 'pending'"))
    op.create_index('ix_webhook_deliveries_order', 'webhook_deliveries', ['webhook_id', 'created_at', 'id'], unique=False)
    op.add_column('audit_events', sa.Column('outcome', sa.Text(), nullable=False, server_default='done'))
    op.alter_column('audit_events', 'outcome', server_default=None)
    op.create_check_constraint(op.f('ck_audit_events_outcome_known'), 'audit_events', "outcome IN ('done', 'refused')")
    op.create_index('ix_audit_events_action', 'audit_events', ['action', 'id'], unique=False, postgresql_ops={'action': 'text_pattern_ops'})
    op.create_index('ix_audit_events_outcome', 'audit_events', ['outcome', 'id'], unique=False)
    op.create_index('ix_audit_events_request', 'audit_events', ['request_id', 'id'], unique=False)
    op.create_index('ix_audit_events_time', 'audit_events', ['occurred_at', 'id'], unique=False)
    op.execute(
        "INSERT INTO plans (plan, training_jobs_per_month, dataset_bytes, active_models_per_module, custom_training, updated_at)"
        " VALUES ('professional', 0, 0, 0, false, now()), ('enterprise', 10, 10000000000, 5, true, now())"
    )
    op.create_foreign_key(op.f('fk_organizations_plan'), 'organizations', 'plans', ['plan'], ['plan'])
    op.create_index('ix_training_jobs_ended', 'training_jobs', ['completed_at', 'id'], unique=False)
    op.add_column('users', sa.Column('last_sign_in_at', sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "UPDATE users SET last_sign_in_at ="
        " (SELECT max(user_sessions.created_at) FROM user_sessions WHERE user_sessions.user_id = users.id)"
    )
    op.add_column('user_sessions', sa.Column('method', sa.Text(), nullable=False, server_default='password'))
    op.alter_column('user_sessions', 'method', server_default=None)
    op.create_check_constraint(op.f('ck_user_sessions_method_known'), 'user_sessions', "method IN ('password', 'oidc')")
    for name, table, columns in LIST_INDEXES:
        op.create_index(name, table, list(columns), unique=False)
    for name, table, column in PREFIX_INDEXES:
        op.create_index(name, table, [sa.text(f'lower({column}) text_pattern_ops')], unique=False)
    op.execute("INSERT INTO audit_pending (event_id) SELECT id FROM audit_events")
    op.execute(KEEP)
    op.execute(QUEUE)
    op.execute("CREATE TRIGGER audit_queue AFTER INSERT ON audit_events FOR EACH ROW EXECUTE FUNCTION audit_queue_event()")
    for table in KEPT:
        op.execute(
            f"CREATE TRIGGER audit_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change()"
        )


def downgrade() -> None:
    for table in KEPT:
        op.execute(f"DROP TRIGGER audit_keep ON {table}")
    op.execute("DROP TRIGGER audit_queue ON audit_events")
    op.execute("DROP FUNCTION audit_queue_event()")
    op.execute("DROP FUNCTION audit_refuse_change()")
    for name, table, _ in (*LIST_INDEXES, *PREFIX_INDEXES):
        op.drop_index(name, table_name=table)
    op.drop_constraint(op.f('ck_user_sessions_method_known'), 'user_sessions', type_='check')
    op.drop_column('user_sessions', 'method')
    op.drop_column('users', 'last_sign_in_at')
    op.drop_constraint(op.f('fk_organizations_plan'), 'organizations', type_='foreignkey')
    op.drop_index('ix_training_jobs_ended', table_name='training_jobs')
    op.drop_index('ix_audit_events_time', table_name='audit_events')
    op.drop_index('ix_audit_events_request', table_name='audit_events')
    op.drop_index('ix_audit_events_outcome', table_name='audit_events')
    op.drop_index('ix_audit_events_action', table_name='audit_events')
    op.drop_constraint(op.f('ck_audit_events_outcome_known'), 'audit_events', type_='check')
    op.drop_column('audit_events', 'outcome')
    op.drop_index('ix_webhook_deliveries_order', table_name='webhook_deliveries')
    op.drop_index('ix_webhook_deliveries_due', table_name='webhook_deliveries', postgresql_where=sa.text("status = 'pending'"))
    op.drop_index(op.f('ix_webhook_deliveries_created_at'), table_name='webhook_deliveries')
    op.drop_table('webhook_deliveries')
    op.drop_index('ix_webhooks_owner', table_name='webhooks')
    op.drop_index('ix_webhooks_order', table_name='webhooks')
    op.drop_index(op.f('ix_webhooks_created_by'), table_name='webhooks')
    op.drop_table('webhooks')
    op.drop_index(op.f('ix_user_identities_user_id'), table_name='user_identities')
    op.drop_table('user_identities')
    op.drop_table('plans')
    op.drop_index(op.f('ix_idempotency_keys_created_at'), table_name='idempotency_keys')
    op.drop_table('idempotency_keys')
    op.drop_table('audit_pending')
    op.drop_table('audit_links')
