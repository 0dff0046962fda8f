"""Which held-out images go along with a model."""

from collections import Counter

import numpy as np
import pytest

from app.errors import Invalid
from workers.training import golden
from workers.training.images import ImageStore, InputFormat
from workers.training.model import Architecture, CompactCNN, Exportable, Preprocess
from workers.training.spec import TrainingSample

SURE = np.array([0.98, 0.01, 0.01], dtype=np.float32)
TORN = np.array([0.334, 0.333, 0.333], dtype=np.float32)


def test_items_are_spread_over_the_classes() -> None:
    labels = ["a"] * 20 + ["b"] * 3 + ["c"] * 10
    chosen = golden.choose(np.tile(SURE, (33, 1)), labels, range(33), 12)
    assert Counter(labels[position] for position in chosen) == {"a": 5, "b": 3, "c": 4}


def test_items_too_close_to_call_come_last() -> None:
    probabilities = np.stack([TORN, SURE, TORN, SURE, SURE, TORN])
    assert golden.choose(probabilities, ["a", "a", "b", "b", "b", "c"], range(6), 3) == [1, 3, 4]
    assert set(golden.choose(probabilities, ["a", "a", "b", "b", "b", "c"], range(6), 6)) == set(range(6))


def test_files_too_large_for_an_edge_server_are_left_out(
    marks: list[TrainingSample], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ImageStore(marks, InputFormat(12, 12, 1))
    model = Exportable(Preprocess([0.5], [0.2]), CompactCNN(Architecture(12, 12, 1, 3, 8, 0.0)))
    sizes = sorted(sample.path.stat().st_size for sample in marks)
    monkeypatch.setattr(golden, "LARGEST_FILE", sizes[20])
    items, images = golden.make_golden(model, store, np.tile(SURE, (len(marks), 1)), 16)
    assert len(items) == len(images) == 16
    assert all(item.path.stat().st_size <= sizes[20] for item in items)
    monkeypatch.setattr(golden, "LARGEST_FILE", sizes[2])
    with pytest.raises(Invalid, match="held-out images are smaller than"):
        golden.make_golden(model, store, np.tile(SURE, (len(marks), 1)), 16)
