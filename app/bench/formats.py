"""How fast labels of another tool go in, and come out: a COCO file for pictures that are in the dataset already.

What is measured is what the product does with annotations: reading the file, checking every box, writing them down; and
the way back. Pictures are measured by `upload`.
"""

import json
import shutil
import tempfile
import time
from pathlib import Path
from uuid import UUID

from PIL import Image

from app.auth import actors
from app.bench.figures import Figure
from app.bench.place import Place
from app.data_cli.common import AsPerson
from app.domain.labels import LabelSchema
from app.exchange.exporting import export, of_dataset
from app.exchange.importing import Importer
from app.exchange.looking import look
from app.exchange.report import Report
from app.infra.db import transaction
from app.infra.object_store import get_object_store
from app.schemas.datasets import DatasetView
from app.services import datasets

IMAGES, BOXES, SIDE = 10_000, 10, 64
GOAL_IN, GOAL_OUT = 5_000.0, 3.0


def measure_formats(where: Place) -> list[Figure]:
    """10,000 pictures with 10 boxes each, twice: first the pictures, then the labels, then everything out again."""
    folder = Path(tempfile.mkdtemp(prefix="trainyard-bench-"))
    try:
        _pictures(folder / "in")
        schema = {"task": "detection", "classes": [{"name": "cell"}]}
        dataset_id = UUID(where.dataset("formats", label_schema=schema))
        with transaction() as session:
            run = AsPerson(actors.person_by_email(session, "bench@example.org"))
        _bring_in(run, dataset_id, folder / "in", "csv")
        _coco(folder / "in")
        begun = time.perf_counter()
        boxes = _bring_in(run, dataset_id, folder / "in", "coco")
        into = time.perf_counter() - begun
        begun = time.perf_counter()
        view: DatasetView = run(datasets.get, dataset_id)
        done = export(of_dataset(run, dataset_id), view.label_schema, "coco", folder / "out", None)
        out = time.perf_counter() - begun
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    details = {"images": IMAGES, "boxes": boxes, "seconds": round(into, 2), "exported_boxes": done.boxes}
    return [
        Figure("annotations of an imported file", boxes / into, "a second", GOAL_IN, True, details),
        Figure("export of 10,000 annotated samples' annotations", out, "s", GOAL_OUT),
    ]


def _bring_in(run: AsPerson, dataset_id: UUID, folder: Path, format_name: str) -> int:
    """As `trainyard import` does it; how many boxes went in."""
    with Report() as report, look(folder, format_name, report) as found:
        view: DatasetView = run(datasets.get, dataset_id)
        schema = LabelSchema.of(view.label_schema)
        found.check(schema, report)
        work = Importer(run, get_object_store(), dataset_id, found.root, report)
        return work.go(found.fitted(), lambda _counts: None).boxes


def _pictures(root: Path) -> None:
    """Small, and no two alike."""
    (root / "images").mkdir(parents=True)
    for number in range(IMAGES):
        picture = Image.new("RGB", (SIDE, SIDE), (number % 256, number // 256, 90))
        picture.save(root / f"images/{number}.png")


def _coco(root: Path) -> None:
    images = [{"id": n, "file_name": f"{n}.png", "width": SIDE, "height": SIDE} for n in range(IMAGES)]
    annotations = [
        {"id": n * BOXES + b, "image_id": n, "category_id": 1, "bbox": [b, b + 0.5, 20 + b, 10]}
        for n in range(IMAGES)
        for b in range(BOXES)
    ]
    document = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "cell"}]}
    (root / "annotations.json").write_text(json.dumps(document))
