"""How long the first page of a filtered list takes in a dataset of 1,000,000 samples, and a jump into its middle.

Rows are made by the database itself: none has a file. What is filtered by lies in stretches or scattered, and is
frequent or rare, because a filter that is fast on one is not on the other.
"""

import statistics
import time
from typing import Any

from sqlalchemy import text

from app.bench.figures import Figure
from app.bench.place import Place
from app.demo.client import ApiClient
from app.infra.db import get_engine, transaction

ROWS, JUMPED = 1_000_000, 100_000
TIMES = 12
GOAL_MS, JUMP_GOAL_MS = 50.0, 100.0
_FILL = """
    INSERT INTO training_samples (id, dataset_id, file_url, file_type, file_size, sha256, width, height, labels,
        annotations, source_camera_id, captured_at, metadata, is_labeled, is_verified, labeled_by, verified_by,
        quality_score, rejection_reason, near_group, thumbnail_url, created_at, updated_at)
    SELECT gen_random_uuid(), :dataset, 's3://bench/' || n || '.jpg',
        CASE WHEN n % 5000 = 7 THEN 'video' ELSE 'image' END,
        1000 + (CAST(n AS bigint) * 7919) % 5000000, lpad(to_hex(n), 64, '0'), 640, 480,
        CASE WHEN n % 10 < 7 THEN jsonb_build_object('class', CASE WHEN n < :rows * 0.3 THEN 'cat'
             WHEN n % 1000 = 1 THEN 'bird' ELSE 'dog' END) ELSE '{}' END,
        '[]', CASE WHEN n % 3 = 0 THEN md5('camera' || n % 50)::uuid END,
        CASE WHEN n % 4 > 0 THEN now() - n * interval '30 seconds' END,
        jsonb_build_object('file_name', 'site-' || n % 400 || '/IMG_' || n || '.jpg', 'split',
             CASE WHEN n < :rows * 0.1 THEN 'test' WHEN n < :rows * 0.2 THEN 'validation' ELSE 'train' END,
             'lot', n % 20000),
        n % 10 < 7, n % 10 < 4, CASE WHEN n % 10 < 7 THEN :person END,
        CASE WHEN n % 10 < 4 OR n % 500 = 6 THEN :person END,
        CASE WHEN n % 10 < 4 THEN round((n % 1000) / 1000.0, 3) END, CASE WHEN n % 500 = 6 THEN 'blurred' END,
        CASE WHEN n % 700 < 2 THEN md5('near' || n / 700)::uuid END, '',
        now() - (:rows - n) * interval '1 second', now()
    FROM generate_series(1, :rows) n
"""
FILTERS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "status unlabeled": {"status": "unlabeled"},
    "status labeled": {"status": "labeled"},
    "status verified": {"status": "verified"},
    "status rejected": {"status": "rejected"},
    "class that is frequent and old": {"label": "cat"},
    "class that is frequent and new": {"label": "dog"},
    "class that is rare": {"label": "bird"},
    "class that nothing has": {"label": "fish"},
    "class and status": {"label": "bird", "status": "verified"},
    "labelled by": {"labeled_by": 1},
    "reviewed by": {"verified_by": 1},
    "reviewed": {"reviewed": True},
    "videos": {"file_type": "video"},
    "large files": {"size_min": 4_999_000},
    "largest first": {"sort": "-file_size"},
    "camera": {"source_camera_id": "{camera}"},
    "captured in a week": {"captured_since": "{captured}", "sort": "captured_at"},
    "low quality": {"quality_max": 0.05, "sort": "quality_score"},
    "near-duplicates": {"near_duplicates": True},
    "withdrawn": {"withdrawn": True},
    "split that is old": {"split": "test"},
    "metadata that is rare": {"metadata": "lot=1234"},
    "file name": {"q": "site-7 img"},
    "file name that is rare": {"q": "IMG_765432"},
}


def measure_lists(where: Place) -> list[Figure]:
    """p95 over all filters, 12 times each, 50 samples a page, at the API; and jumps into 100,000 and 1,000,000."""
    large, small = where.dataset("a million"), where.dataset("a hundred thousand")
    for dataset, rows in ((large, ROWS), (small, JUMPED)):
        fill(dataset, rows)
    with get_engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("SET statement_timeout = 0")
        connection.exec_driver_sql("VACUUM ANALYZE training_samples")
        camera = connection.exec_driver_sql("SELECT md5('camera3')::uuid::text").scalar_one()
        captured = connection.exec_driver_sql("SELECT (now() - interval '7 days')::timestamptz").scalar_one()
    known = {"{camera}": camera, "{captured}": captured.isoformat()}
    api = where.api()
    try:
        times = {
            name: _timed(api, large, {k: known.get(v, v) for k, v in query.items()}) for name, query in FILTERS.items()
        }
        jumps = {
            rows: _timed(api, dataset, {"position": rows // 2}) for dataset, rows in ((small, JUMPED), (large, ROWS))
        }
    finally:
        api.close()
    everything = sorted(ms for found in times.values() for ms in found)
    details = {name: {"p50": _p(found, 0.5), "max": round(max(found), 1)} for name, found in times.items()}
    return [
        Figure(
            "first page of a filtered list of 1,000,000 samples, p95",
            _p(everything, 0.95),
            "ms",
            GOAL_MS,
            details={"p50_ms": round(statistics.median(everything), 1), "filters_ms": details},
        ),
        Figure("jump into the middle of 100,000 samples, p95", _p(jumps[JUMPED], 0.95), "ms", JUMP_GOAL_MS),
        Figure("jump into the middle of 1,000,000 samples, p95", _p(jumps[ROWS], 0.95), "ms", 5 * JUMP_GOAL_MS),
    ]


def fill(dataset: str, rows: int) -> None:
    """`rows` samples without files, and the counts that belong to them."""
    with transaction() as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        session.execute(text(_FILL), {"dataset": dataset, "rows": rows, "person": 1})
        session.execute(
            text(
                "UPDATE training_datasets SET (sample_count, labeled_count, verified_count, size_bytes) = (SELECT"
                " count(*), count(*) FILTER (WHERE is_labeled), count(*) FILTER (WHERE is_verified), sum(file_size)"
                " FROM training_samples WHERE dataset_id = :dataset) WHERE id = :dataset"
            ),
            {"dataset": dataset},
        )


def _timed(api: ApiClient, dataset: str, query: dict[str, Any]) -> list[float]:
    """Milliseconds of each request; the first is not counted, it may find everything still on the disk."""
    found = []
    for _ in range(TIMES + 1):
        begun = time.perf_counter()
        api.get(f"/training/datasets/{dataset}/samples", **query, limit=50)
        found.append((time.perf_counter() - begun) * 1000)
    return found[1:]


def _p(found: list[float], share: float) -> float:
    ordered = sorted(found)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 1)
