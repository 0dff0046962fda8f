"""How well the finished model does on images it has never seen.

The score is taken from the `Exportable`, on the very bytes that enter it, so what is measured is what is shipped.
Precision, recall and F1 are macro averages (every class weighs the same); a ratio without cases counts as 0.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from workers.training.data import Batch
from workers.training.model import Exportable

_LATENCY_RUNS, _LATENCY_SECONDS = 100, 1.0


def predict(
    model: Exportable, loader: DataLoader[Batch], device: torch.device, check: Callable[[], None]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Probabilities [N, classes] and true columns [N], in the order of the loader. `check` runs before each batch."""
    model = model.to(device).eval()
    probabilities, targets = [], []
    with torch.inference_mode():
        for images, truth in loader:
            check()
            probabilities.append(model(images.to(device)).cpu().numpy())
            targets.append(truth.numpy())
    return np.concatenate(probabilities), np.concatenate(targets)


def score(probabilities: NDArray[np.float32], targets: NDArray[np.int64], labels: Sequence[str]) -> dict[str, Any]:
    """All figures of a test as plain JSON; `confusion_matrix[t][p]` counts images of class t taken for class p."""
    matrix = confusion_matrix(targets, probabilities.argmax(axis=1), len(labels))
    hits = np.diag(matrix).astype(np.float64)
    precision = _ratio(hits, matrix.sum(axis=0))
    recall = _ratio(hits, matrix.sum(axis=1))
    f1 = _ratio(2 * precision * recall, precision + recall)
    true_probability = probabilities[np.arange(len(targets)), targets].astype(np.float64)
    return {
        "accuracy": float(hits.sum() / len(targets)),
        "precision": float(precision.mean()),
        "recall": float(recall.mean()),
        "f1": float(f1.mean()),
        "loss": float(-np.log(np.maximum(true_probability, 1e-12)).mean()),
        "test_count": len(targets),
        "labels": list(labels),
        "per_class": {
            label: {
                "precision": float(precision[column]),
                "recall": float(recall[column]),
                "f1": float(f1[column]),
                "support": int(matrix[column].sum()),
            }
            for column, label in enumerate(labels)
        },
        "confusion_matrix": matrix.tolist(),
    }


def confusion_matrix(targets: NDArray[np.int64], predicted: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Counts [true, predicted]."""
    flat = np.bincount(targets * classes + predicted, minlength=classes * classes)
    return flat.reshape(classes, classes)


def median_latency_ms(model: Exportable, image: torch.Tensor) -> float:
    """Median milliseconds for one image [1, height, width, channels] on the CPU, over at most about a second."""
    model = model.to("cpu").eval()
    durations: list[float] = []
    with torch.inference_mode():
        model(image)
        began = time.perf_counter()
        while len(durations) < _LATENCY_RUNS and (not durations or time.perf_counter() - began < _LATENCY_SECONDS):
            start = time.perf_counter()
            model(image)
            durations.append((time.perf_counter() - start) * 1000)
    return statistics.median(durations)


def _ratio(part: NDArray[np.float64], whole: NDArray[Any]) -> NDArray[np.float64]:
    filled: NDArray[np.float64] = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    return filled
