"""What a version costs: a dataset of 10,000 samples, 100 of them changed, committed through the API."""

import statistics
import time
from uuid import UUID, uuid4

from sqlalchemy import text

from app.bench.figures import Figure
from app.bench.place import CLASSES, Place
from app.demo.client import ApiClient
from app.infra.db import transaction

SAMPLES, CHANGED, TIMES = 10_000, 100, 7
GOAL_SECONDS = 1.0
# Rows without files: a version reads no file.
_ROWS = """
INSERT INTO training_samples (id, dataset_id, file_url, file_type, file_size, sha256, width, height, labels,
    annotations, metadata, is_labeled, is_verified, labeled_by, verified_by, revision, created_at, updated_at)
SELECT gen_random_uuid(), :dataset, 's3://nowhere/' || n || '.jpg', 'image', 1500, md5(:dataset || n::text), 64, 64,
    jsonb_build_object('class', (CAST(:classes AS text[]))[1 + n % 3]), '[]', '{}', true, true, 1, 1, 0, now(), now()
FROM generate_series(1, :count) n
"""
_CHANGE = """
UPDATE training_samples SET labels = jsonb_build_object('class', :label) WHERE id IN (
    SELECT id FROM training_samples WHERE dataset_id = :dataset AND labels->>'class' <> :label
    ORDER BY md5(id::text || :luck) LIMIT :count)
"""


def measure_versions(where: Place) -> list[Figure]:
    """Seconds of the first commit, and of commits after 100 samples were relabelled (the median of seven)."""
    dataset = where.dataset("versions")
    with transaction() as session:
        wanted = {"dataset": UUID(dataset), "classes": list(CLASSES), "count": SAMPLES}
        session.connection().execute(text(_ROWS), wanted)
    api = where.api()
    try:
        first = _commit(api, dataset)
        later = []
        for number in range(TIMES):
            with transaction() as session:
                label, luck = CLASSES[number % len(CLASSES)], uuid4().hex
                wanted = {"dataset": UUID(dataset), "label": label, "luck": luck, "count": CHANGED}
                session.connection().execute(text(_CHANGE), wanted)
            later.append(_commit(api, dataset))
    finally:
        api.close()
    details = {
        "samples": SAMPLES,
        "changed": CHANGED,
        "first_commit_seconds": round(first, 2),
        "slowest_seconds": round(max(later), 3),
    }
    what = f"commit after {CHANGED} changes in {SAMPLES:,} samples"
    return [Figure(what, statistics.median(later), "s", GOAL_SECONDS, details=details)]


def _commit(api: ApiClient, dataset: str) -> float:
    begun = time.perf_counter()
    api.post(f"/training/datasets/{dataset}/versions", {})
    return time.perf_counter() - begun
