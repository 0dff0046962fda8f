"""How long an annotator waits for a label to be saved: PUT of a sample with ten boxes, alone and four at a time."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert
from sqlmodel import col, select, update

from app.bench.figures import Figure
from app.bench.place import CLASSES, Place
from app.infra.db import transaction
from app.tables import TrainingDataset, TrainingSample, User
from app.tables.base import utcnow

SAMPLES, SAVES, TOGETHER, WARM_UP = 4_000, 400, 4, 60
BOXES = 10
GOAL_MS = 25.0


def measure_labelling(where: Place) -> list[Figure]:
    """p95 of the time from request to answer, over `SAVES` samples alone and as many by each of four people at once."""
    dataset = _dataset()
    samples = _samples(dataset)
    _save(where, dataset, samples[:WARM_UP])
    alone = _save(where, dataset, samples[WARM_UP : WARM_UP + SAVES])
    rest = samples[WARM_UP + SAVES :]
    shares = [rest[at * SAVES : (at + 1) * SAVES] for at in range(TOGETHER)]
    begun, before = time.perf_counter(), where.cpu_seconds("web")
    with ThreadPoolExecutor(TOGETHER) as people:
        together = [each for times in people.map(lambda share: _save(where, dataset, share), shares) for each in times]
    seconds = time.perf_counter() - begun
    details = {
        "boxes": BOXES,
        "p50_ms": _at(together, 0.5),
        "max_ms": _at(together, 1.0),
        "saved_per_second": round(len(together) / seconds, 1),
        "web_cpu_ms_per_save": round((where.cpu_seconds("web") - before) / len(together) * 1000, 2),
    }
    return [
        Figure("label saved, one annotator, p95", _at(alone, 0.95), "ms", GOAL_MS, details={"p50_ms": _at(alone, 0.5)}),
        Figure("label saved, four annotators at once, p95", _at(together, 0.95), "ms", GOAL_MS, details=details),
    ]


def _at(times: list[float], share: float) -> float:
    """The time that `share` of all times do not exceed, in ms."""
    ordered = sorted(times)
    return round(ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000, 2)


def _save(where: Place, dataset: UUID, samples: list[UUID]) -> list[float]:
    """Label each sample over one connection, as an editor does; the seconds that each took."""
    api, times = where.api(), []
    boxes = [
        {"id": f"b{n}", "class": CLASSES[n % 3], "box": [n * 10, n * 8, 40, 30], "attributes": {}} for n in range(BOXES)
    ]
    try:
        for sample in samples:
            begun = time.perf_counter()
            api.call("PUT", f"/training/datasets/{dataset}/samples/{sample}", {"labels": {}, "annotations": boxes})
            times.append(time.perf_counter() - begun)
    finally:
        api.close()
    return times


def _dataset() -> UUID:
    schema: dict[str, Any] = {"task": "detection", "classes": [{"name": name} for name in CLASSES]}
    with transaction() as session:
        person = session.exec(select(User.id).limit(1)).one()
        row = TrainingDataset(
            name="labelling", ai_module="bench", label_schema=schema, created_by=person, status="active"
        )
        session.add(row)
        return row.id


def _samples(dataset: UUID) -> list[UUID]:
    """Rows without files: labelling reads none."""
    first, ids = utcnow(), [uuid4() for _ in range(SAMPLES)]
    rows = [
        {
            "id": one,
            "dataset_id": dataset,
            "file_url": f"s3://bench/{one}.jpg",
            "file_size": 20_000,
            "sha256": one.hex * 2,
            "width": 640,
            "height": 480,
            "created_at": first + timedelta(microseconds=number),
            "updated_at": first,
        }
        for number, one in enumerate(ids)
    ]
    with transaction() as session:
        session.execute(insert(TrainingSample), rows)  # type: ignore[deprecated]
        counted = update(TrainingDataset).where(col(TrainingDataset.id) == dataset).values(sample_count=SAMPLES)
        session.exec(counted)
    return ids
