"""The database itself refuses every wrong status, range and contradiction, whoever asks: each CHECK is broken once."""

import uuid
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from app.infra.db import normalize_url
from tests.support.servers import Servers

ID = str(uuid.UUID(int=1))
# One valid row per table, so that a single wrong column is the only fault.
ROWS = f"""
    INSERT INTO organizations (id, name, plan, created_at) VALUES (1, 'A', 'enterprise', now());
    INSERT INTO users (id, organization_id, email, name, role, is_active, created_at)
        VALUES (1, 1, 'a@example.test', 'A', 'organization_admin', true, now());
    INSERT INTO user_sessions (id, user_id, token_hash, method, user_agent, ip_address, created_at, last_used_at,
        expires_at) VALUES ('{ID}', 1, 'h', 'password', '', '', now(), now(), now());
    INSERT INTO webhooks (id, name, url, events, is_active, secret_generation, created_by, created_at, updated_at)
        VALUES ('{ID}', 'w', 'u', '{{}}', true, 1, 1, now(), now());
    INSERT INTO webhook_deliveries (id, webhook_id, message_id, event_type, payload, status, attempt, next_attempt_at,
        created_at) VALUES ('{ID}', '{ID}', '{ID}', 't', '{{}}', 'pending', 0, now(), now());
    INSERT INTO audit_events (occurred_at, outcome, actor, action, subject_type, subject_id, before, after, request_id,
        ip_address) VALUES (now(), 'done', 'a', 'x', 't', '1', '{{}}', '{{}}', '', '');
    INSERT INTO audit_links (number, event_id, event_sha256, chain_sha256, sealed_at) VALUES (1, 1, 's', 's', now());
    INSERT INTO api_tokens (id, user_id, name, token_hash, scope, created_at)
        VALUES ('{ID}', 1, 't', 'h', 'read', now());
    INSERT INTO tuf_metadata (role, version, content, created_at) VALUES ('root', 1, '', now());
    INSERT INTO edge_servers (id, name, site, latitude, longitude, loaded, inference_count, created_by, created_at)
        VALUES (1, 'e', '', 1, 1, '[]', 0, 1, now());
    INSERT INTO training_datasets (id, name, description, ai_module, sample_count, labeled_count, verified_count,
        size_bytes, label_schema, environment, version, status, opinions_per_sample, opinions_share, consensus_iou,
        single_person_review, keeps_location, created_by, created_at, updated_at)
        VALUES ('{ID}', 'd', '', 'm', 2, 1, 1, 1, '{{}}', 'dev', '1', 'draft', 1, 100, 0.5, false, false, 1, now(),
        now());
    INSERT INTO dataset_versions (id, dataset_id, number, version, message, scope, sample_count, label_schema, split,
        statistics, changes, single_person_review, sha256, revision, manifest_url, created_by, created_at)
        VALUES ('{ID}', '{ID}', 1, '1.0.0', '', 'all', 1, '{{}}', '{{}}', '{{}}', '{{}}', false, 's', 1, 'u', 1, now());
    INSERT INTO training_samples (id, dataset_id, file_url, file_type, file_size, sha256, labels, annotations, metadata,
        is_labeled, is_verified, labeled_by, verified_by, quality_score, revision, created_at, updated_at)
        VALUES ('{ID}', '{ID}', 'u', 'image', 1, 's', '{{}}', '[]', '{{}}', true, true, 1, 1, 0.5, 0, now(), now());
    INSERT INTO frame_cuts (id, dataset_id, video_id, every_ms, most, made, known, at_ms, attempts, created_by,
        created_at) VALUES ('{ID}', '{ID}', '{ID}', 1000, 1, 0, 0, 0, 0, 1, now());
    INSERT INTO sample_disagreements (id, sample_id, dataset_id, agreement_percent, difference_count, created_at)
        VALUES ('{ID}', '{ID}', '{ID}', 66, 1, now());
    INSERT INTO consensus_decisions (id, sample_id, dataset_id, kind, labels, annotations, sources, reason, decided_by,
        previous, created_at)
        VALUES ('{ID}', '{ID}', '{ID}', 'proposal', '{{}}', '[]', '[]', '', 1, '{{}}', now());
    INSERT INTO upload_folders (id, dataset_id, slots, opened_at) VALUES ('{ID}', '{ID}', 1, now());
    INSERT INTO review_decisions (id, dataset_id, sample_id, reviewer_id, decision, labels, annotations, created_at)
        VALUES ('{ID}', '{ID}', '{ID}', 1, 'accepted', '{{}}', '[]', now());
    INSERT INTO sample_leases (sample_id, slot, holder_id, token_hash, taken_at, expires_at)
        VALUES ('{ID}', 0, 1, 'h', now(), now());
    INSERT INTO dataset_transfers (id, dataset_id, kind, format, options, status, attempt, lease_until, done, report,
        created_by, created_at) VALUES ('{ID}', '{ID}', 'import', 'coco', '{{}}', 'running', 1, now(), 0, '{{}}', 1,
        now());
    INSERT INTO ai_model_versions (id, ai_module, version, name, description, model_file_url, model_file_size,
        bundle_sha256, accuracy, precision_score, recall_score, f1_score, metrics, inference_time_ms, min_edge_version,
        supported_platforms, status, is_approved, approved_by, approved_at, is_released, released_at, release_notes,
        created_at, updated_at)
        VALUES ('{ID}', 'm', '1.0.0', 'n', '', 'u', 1, 's', 1, 1, 1, 1, '{{}}', 1, '0.1.0', '{{}}', 'released', true, 1,
        now(), true, now(), '', now(), now());
    INSERT INTO training_jobs (id, name, description, ai_module, dataset_id, training_config, hyperparameters, status,
        progress_percent, current_epoch, total_epochs, metrics, training_logs, output_model_version, created_by,
        attempt, created_at, updated_at)
        VALUES ('{ID}', 'j', '', 'm', '{ID}', '{{}}', '{{}}', 'completed', 100, 1, 2, '{{}}', '', '{ID}', 1, 1, now(),
        now());
    INSERT INTO metric_points (job_id, name, step, epoch, value, recorded_at) VALUES ('{ID}', 'loss', 1, 1, 1, now());
    INSERT INTO rollouts (id, model_version_id, kind, target_count, created_by, created_at)
        VALUES ('{ID}', '{ID}', 'single', 1, 1, now());
    INSERT INTO model_deployments (id, rollout_id, model_version_id, ai_module, edge_server_id, status,
        progress_percent, retry_count, created_at, updated_at)
        VALUES ('{ID}', '{ID}', '{ID}', 'm', 1, 'pending', 0, 0, now(), now());
"""
# table: constraint = the change that must be refused
BROKEN = {
    "organizations": {"plan_known": "plan = 'free'"},
    "plans": {
        "plan_known": "plan = 'free'",
        "training_jobs_per_month_range": "training_jobs_per_month = -1",
        "dataset_bytes_range": "dataset_bytes = -1",
        "active_models_per_module_range": "active_models_per_module = -1",
    },
    "user_sessions": {"method_known": "method = 'magic'"},
    "webhooks": {"secret_generation_range": "secret_generation = 0"},
    "webhook_deliveries": {
        "status_known": "status = 'lost', error = 'x'",
        "attempt_range": "attempt = -1",
        "failed_has_reason": "status = 'failed'",
        "pending_has_time": "next_attempt_at = NULL",
    },
    "audit_events": {"outcome_known": "outcome = 'perhaps'"},
    "audit_links": {"number_range": "number = 0"},
    "users": {
        "role_known": "role = 'root'",
        "email_lower": "email = 'A@example.test'",
        "organization_admin_has_organization": "organization_id = NULL",
    },
    "api_tokens": {"scope_known": "scope = 'write'"},
    "tuf_metadata": {"role_known": "role = 'mirrors'", "version_range": "version = 0"},
    "edge_servers": {
        "latitude_range": "latitude = 90.1",
        "longitude_range": "longitude = -180.1",
        "enrolled_has_key": "enrolled_at = now()",
    },
    "training_datasets": {
        "status_known": "status = 'deleted'",
        "environment_known": "environment = 'prod'",
        "sample_count_range": "sample_count = -1, labeled_count = 0, verified_count = 0",
        "labeled_count_range": "labeled_count = 3",
        "verified_count_range": "verified_count = 2",
        "size_bytes_range": "size_bytes = -1",
        "opinions_per_sample_range": "opinions_per_sample = 0",
        "opinions_share_range": "opinions_share = 101",
        "consensus_quorum_range": "consensus_quorum = 0",
        "consensus_iou_range": "consensus_iou = 0",
    },
    "dataset_versions": {
        "number_range": "number = 0",
        "sample_count_range": "sample_count = 0",
        "scope_known": "scope = 'rejected'",
        "tree_or_manifest": "manifest_url = NULL",
    },
    "dataset_transfers": {
        "kind_known": "kind = 'copy'",
        "status_known": "status = 'lost'",
        "attempt_range": "attempt = -1",
        "done_range": "done = -1",
        "failed_has_reason": "status = 'failed'",
        "running_has_lease": "lease_until = NULL",
    },
    "training_samples": {
        "file_type_known": "file_type = 'audio'",
        "file_size_range": "file_size = 0",
        "quality_score_range": "quality_score = 1.5",
        "labeled_by_someone": "labeled_by = NULL",
        "verified_is_labeled": "verified_by = NULL",
        "verified_or_rejected": "rejection_reason = 'blurred'",
        "split_known": "split = 'holdout'",
        "frame_has_video": "frame_ms = 0",
        "frame_ms_range": f"video_id = '{ID}', frame_ms = -1",
        "duration_ms_range": "duration_ms = -1",
        "withdrawn_by_someone": "withdrawn_at = now()",
    },
    "upload_folders": {"slots_range": "slots = 0"},
    "frame_cuts": {
        "one_wish": "scene_change = 0.5",
        "every_ms_range": "every_ms = 0",
        "scene_change_range": "every_ms = NULL, scene_change = 2",
        "most_range": "most = 0",
        "made_range": "made = -1",
        "known_range": "known = -1",
    },
    "review_decisions": {"decision_known": "decision = 'perhaps'", "rejected_has_reason": "decision = 'rejected'"},
    "sample_leases": {"slot_range": "slot = -1"},
    "sample_disagreements": {"agreement_percent_range": "agreement_percent = 101"},
    "consensus_decisions": {
        "kind_known": "kind = 'guess'",
        "decided_by_someone": "decided_by = NULL",
        "undone_by_someone": "undone_at = now()",
    },
    "training_jobs": {
        "status_known": "status = 'paused'",
        "progress_percent_range": "progress_percent = 101",
        "attempt_range": "attempt = -1",
        "current_epoch_range": "current_epoch = 3",
        "completed_has_output": "output_model_version = NULL",
        "failed_has_reason": "status = 'failed'",
    },
    "metric_points": {"step_range": "step = -1", "epoch_range": "epoch = -1"},
    "ai_model_versions": {
        "status_known": "status = 'live'",
        "accuracy_range": "accuracy = 1.1",
        "precision_score_range": "precision_score = -0.1",
        "recall_score_range": "recall_score = 1.1",
        "f1_score_range": "f1_score = 1.1",
        "inference_time_ms_range": "inference_time_ms = -1",
        "model_file_size_range": "model_file_size = 0",
        "unapproved_before_approval": "status = 'testing'",
        "approved_is_approved": "is_approved = false, is_released = false, status = 'approved'",
        "approval_has_person": "approved_by = NULL",
        "released_is_released": "is_released = false",
        "release_after_approval": "released_at = NULL",
    },
    "rollouts": {"kind_known": "kind = 'canary'", "target_count_range": "target_count = -1"},
    "model_deployments": {
        "status_known": "status = 'queued'",
        "progress_percent_range": "progress_percent = -1",
        "retry_count_range": "retry_count = -1",
        "failed_has_reason": "status = 'failed'",
    },
}
CASES = [(table, name, change) for table, broken in BROKEN.items() for name, change in broken.items()]


@pytest.fixture(scope="module")
def connection(stack: Servers) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A database with one valid row per table."""
    with stack.clone() as name:
        url = normalize_url(stack.url(name)).replace("+psycopg", "", 1)
        with psycopg.connect(url) as opened:
            opened.execute(ROWS.encode())
            opened.commit()
            yield opened


def test_every_check_of_the_database_is_broken_here(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    query = "SELECT conname FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace"
    known = {str(name) for (name,) in connection.execute(query)}
    assert known == {f"ck_{table}_{name}" for table, name, _ in CASES}


@pytest.mark.parametrize(("table", "name", "change"), CASES, ids=[f"{t}-{n}" for t, n, _ in CASES])
def test_check_refuses(connection: psycopg.Connection[tuple[object, ...]], table: str, name: str, change: str) -> None:
    statement = sql.SQL("UPDATE {} SET ").format(sql.Identifier(table)).as_string(connection) + change
    with connection.transaction(force_rollback=True):
        if table.startswith("audit_"):  # which refuses every update: see tests/services/test_audit_chain.py
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER audit_keep".encode())
        if table == "dataset_versions":  # the same: see tests/services/test_versions.py
            connection.execute(b"ALTER TABLE dataset_versions DISABLE TRIGGER version_keep")
        for other in sorted(set(BROKEN[table]) - {name}):  # this one alone must refuse
            connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_{other}".encode())
        with pytest.raises(psycopg.errors.CheckViolation) as refusal, connection.transaction():
            connection.execute(statement.encode())
    assert refusal.value.diag.constraint_name == f"ck_{table}_{name}"


@pytest.mark.parametrize("table", ["users", "training_datasets", "ai_model_versions", "training_jobs", "edge_servers"])
def test_organization_that_does_not_exist_is_refused(
    connection: psycopg.Connection[tuple[object, ...]], table: str
) -> None:
    with pytest.raises(psycopg.errors.ForeignKeyViolation), connection.transaction():
        connection.execute(f"UPDATE {table} SET organization_id = 99".encode())


def test_second_unfinished_deployment_of_a_module_on_an_edge_is_refused(
    connection: psycopg.Connection[tuple[object, ...]],
) -> None:
    copy = "INSERT INTO model_deployments SELECT (jsonb_populate_record(d, jsonb_build_object('id', %s::text))).* {}"
    statement = copy.format("FROM model_deployments d").encode()
    with pytest.raises(psycopg.errors.UniqueViolation), connection.transaction():
        connection.execute(statement, [str(uuid.uuid4())])
    with connection.transaction(force_rollback=True):
        connection.execute(b"UPDATE model_deployments SET status = 'completed'")
        connection.execute(statement, [str(uuid.uuid4())])


def test_two_global_records_cannot_share_a_name_and_version(
    connection: psycopg.Connection[tuple[object, ...]],
) -> None:
    for table in ("training_datasets", "ai_model_versions"):
        changed = "(jsonb_populate_record(d, jsonb_build_object('id', %s::text))).*"
        copy = f"INSERT INTO {table} SELECT {changed} FROM {table} d"
        with pytest.raises(psycopg.errors.UniqueViolation), connection.transaction():
            connection.execute(copy.encode(), [str(uuid.uuid4())])
