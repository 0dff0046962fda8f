"""How long a quality report takes at the API: 10,000 samples, three answers to each, for classes and for boxes."""

import json
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from pydantic import SecretStr
from sqlalchemy import text

from app.bench.figures import Figure
from app.bench.place import CLASSES, Place
from app.domain.permissions import Role, SystemActor
from app.infra.db import transaction
from app.schemas.people import UserCreate
from app.services import users

SAMPLES, PEOPLE, BOXES = 10_000, 3, 6
GOAL_SECONDS = 5.0
TRIES = 3
_SAMPLE = text(
    "INSERT INTO training_samples (id, dataset_id, file_url, file_type, file_size, sha256, width, height, labels,"
    " annotations, metadata, is_labeled, is_verified, labeled_by, verified_by, created_at, updated_at)"
    " VALUES (:id, :dataset, :url, 'image', 1000, :sha256, 640, 480, :labels, :annotations, '{}', true, true, :author,"
    " :verifier, now(), now())"
)
_ANSWER = text(
    "INSERT INTO sample_annotations (id, sample_id, annotator_id, labels, annotations, created_at, updated_at)"
    " VALUES (:id, :sample, :person, :labels, :annotations, :at, :at)"
)
Label = tuple[dict[str, Any], list[dict[str, Any]]]


def measure_quality(where: Place) -> list[Figure]:
    """Seconds of one request, the best of three; the rows are written straight into the database before."""
    people = [_person(number) for number in range(PEOPLE)]
    figures = []
    for task in ("classification", "detection"):
        schema = {"task": task, "classes": [{"name": name} for name in CLASSES]}
        dataset = where.dataset(f"quality of {task}", label_schema=schema)
        _fill(dataset, task, people)
        seconds, details = _report(where, dataset)
        what = f"quality report, {SAMPLES:,} samples × {PEOPLE} people"
        what += f" × {BOXES} boxes" if task == "detection" else ", one class each"
        figures.append(Figure(what, seconds, "s", GOAL_SECONDS, details=details))
    return figures


def _report(where: Place, dataset: str) -> tuple[float, dict[str, Any]]:
    api = where.api()
    try:
        times = []
        for _ in range(TRIES):
            begun = time.perf_counter()
            report = api.get(f"/training/datasets/{dataset}/quality")
            times.append(round(time.perf_counter() - begun, 2))
    finally:
        api.close()
    found = {name: report[name] for name in ("samples", "compared", "opinions", "resamples")}
    return min(times), {"seconds": times, "alpha": report["alpha"], **found}


def _person(number: int) -> int:
    request = UserCreate(
        email=f"annotator{number}@example.org",
        name=f"Annotator {number}",
        password=SecretStr(uuid4().hex),
        role=Role.SUPER_ADMIN,
    )
    with transaction() as session:
        return users.create(session, SystemActor("bench"), request).id


def _fill(dataset: str, task: str, people: list[int]) -> None:
    """Samples with a verified label, and what everybody said: mostly that, spread over half a year."""
    chance = random.Random(11)  # noqa: S311 the same answers every time
    begin = datetime.now(UTC) - timedelta(weeks=26)
    with transaction() as session:
        for batch in range(0, SAMPLES, 1_000):
            samples, answers = [], []
            for number in range(batch, batch + 1_000):
                truth = _truth(task, chance)
                sample = {
                    "id": uuid4(),
                    "dataset": UUID(dataset),
                    "url": f"s3://nowhere/{number}",
                    "sha256": uuid4().hex,
                }
                samples.append({**sample, **_columns(truth), "author": people[0], "verifier": people[-1]})
                at = begin + timedelta(weeks=26) * (number / SAMPLES)
                answers += [
                    {"id": uuid4(), "sample": sample["id"], "person": person, "at": at, **_columns(said)}
                    for person, said in zip(people, _said(task, truth, chance), strict=False)
                ]
            session.connection().execute(_SAMPLE, samples)
            session.connection().execute(_ANSWER, answers)
    with transaction() as session:
        session.connection().execute(text("ANALYZE training_samples, sample_annotations"))


def _columns(label: Label) -> dict[str, str]:
    return {"labels": json.dumps(label[0]), "annotations": json.dumps(label[1])}


def _truth(task: str, chance: random.Random) -> Label:
    if task == "classification":
        return {"class": chance.choice(CLASSES)}, []
    boxes = [
        {
            "id": f"b{n}",
            "class": chance.choice(CLASSES),
            "box": [100.0 * n + chance.uniform(0, 20), chance.uniform(0, 300), 60.0, chance.uniform(40, 120)],
            "attributes": {},
        }
        for n in range(BOXES)
    ]
    return {}, boxes


def _said(task: str, truth: Label, chance: random.Random) -> Iterator[Label]:
    """Endlessly: the truth, in one of ten cases another class, each edge a few pixels off."""
    while True:
        if task == "classification":
            yield truth if chance.random() < 0.9 else _truth(task, chance)
            continue
        yield (
            {},
            [
                {
                    **box,
                    "class": box["class"] if chance.random() < 0.9 else chance.choice(CLASSES),
                    "box": [round(edge + chance.uniform(-3, 3), 1) for edge in box["box"]],
                }
                for box in truth[1]
            ],
        )
