"""The five tables of the customer's specification, to the column: every name and every type, in a migrated database."""

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text

from tests.support.servers import Servers

SPECIFICATION = """
training_datasets
    id uuid, organization_id integer, name text, description text, ai_module text, sample_count integer,
    labeled_count integer, verified_count integer, label_schema jsonb, environment text, version text, status text,
    created_by integer
training_samples
    id uuid, dataset_id uuid, file_url text, file_type text, file_size integer, labels jsonb, annotations jsonb,
    source_camera_id uuid, captured_at timestamp, metadata jsonb, is_labeled boolean, is_verified boolean,
    labeled_by integer, verified_by integer, quality_score numeric, rejection_reason text
training_jobs
    id uuid, organization_id integer, name text, description text, ai_module text, dataset_id uuid,
    base_model_version uuid, training_config jsonb, hyperparameters jsonb, status text, progress_percent integer,
    current_epoch integer, total_epochs integer, metrics jsonb, training_logs text, output_model_version uuid,
    started_at timestamp, completed_at timestamp, estimated_completion timestamp, error_message text,
    created_by integer
ai_model_versions
    id uuid, ai_module text, version text, name text, description text, training_job_id uuid, base_version_id uuid,
    model_file_url text, model_file_size integer, config_file_url text, accuracy numeric, precision_score numeric,
    recall_score numeric, f1_score numeric, inference_time_ms integer, min_edge_version text,
    supported_platforms text[], status text, is_approved boolean, approved_by integer, approved_at timestamp,
    is_released boolean, released_at timestamp, release_notes text
model_deployments
    id uuid, model_version_id uuid, edge_server_id integer, status text, progress_percent integer,
    scheduled_at timestamp, started_at timestamp, completed_at timestamp, error_message text, retry_count integer
"""
TYPES = {
    "uuid": {"uuid"},
    "integer": {"int4"},
    "text": {"text"},
    "text[]": {"_text"},
    "jsonb": {"jsonb"},
    "boolean": {"bool"},
    "numeric": {"numeric"},
    # Moments carry their zone, or two servers disagree about them.
    "timestamp": {"timestamptz"},
}
# Sizes in bytes are integers of eight bytes: four end at 2 GiB.
BYTES = {("training_samples", "file_size"), ("ai_model_versions", "model_file_size")}


def specified() -> list[tuple[str, str, str]]:
    """(table, column, type), parsed from the text above."""
    found, table = [], ""
    for line in SPECIFICATION.strip().splitlines():
        if not line.startswith(" "):
            table = line.strip()
            continue
        found += [(table, *part.split()) for part in line.split(",") if part.strip()]
    return [(table, column, kind) for table, column, kind in found]


@pytest.fixture(scope="module")
def columns(stack: Servers) -> Iterator[dict[tuple[str, str], str]]:
    """What information_schema says: (table, column) → type."""
    engine = create_engine(stack.url(stack.template))
    query = "SELECT table_name, column_name, udt_name FROM information_schema.columns WHERE table_schema = 'public'"
    with engine.connect() as connection:
        yield {(table, column): kind for table, column, kind in connection.execute(text(query))}
    engine.dispose()


def test_the_text_holds_the_whole_specification() -> None:
    counts: dict[str, int] = {}
    for table, _, _ in specified():
        counts[table] = counts.get(table, 0) + 1
    assert counts == {
        "training_datasets": 13,
        "training_samples": 16,
        "training_jobs": 21,
        "ai_model_versions": 24,
        "model_deployments": 10,
    }


@pytest.mark.parametrize(("table", "column", "kind"), specified())
def test_specified_column(columns: dict[tuple[str, str], str], table: str, column: str, kind: str) -> None:
    allowed = TYPES[kind] | ({"int8"} if (table, column) in BYTES else set())
    assert columns.get((table, column)) in allowed
