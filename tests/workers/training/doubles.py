"""Small real datasets and a reporter that remembers: what the tests of training share."""

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import Image

from app.domain.hyperparameters import Hyperparameters
from workers.training.spec import TrainingSample, TrainingSpec

LABELS = ("across", "down", "spot")
ENOUGH_TO_LEARN = {"epochs": 4, "batch_size": 8, "learning_rate": 0.01}


@dataclass
class Recorder:
    """A Reporter that keeps all it is told; `cancel_after` batches it wishes to stop."""

    cancel_after: int | None = None
    lines: list[str] = field(default_factory=list)
    points: list[tuple[str, int, int, float]] = field(default_factory=list)
    told: list[tuple[int, int, int, float | None]] = field(default_factory=list)

    def log(self, line: str) -> None:
        self.lines.append(line)

    def metric(self, name: str, step: int, epoch: int, value: float) -> None:
        self.points.append((name, step, epoch, value))

    def progress(self, *, epoch: int, total_epochs: int, percent: int, eta_seconds: float | None) -> None:
        self.told.append((epoch, total_epochs, percent, eta_seconds))

    def settle(self) -> None:
        """Everything is kept at once."""

    def cancelled(self) -> bool:
        return self.cancel_after is not None and len(self.series("train_loss")) >= self.cancel_after

    def series(self, name: str) -> list[tuple[int, int, float]]:
        return [(step, epoch, value) for given, step, epoch, value in self.points if given == name]


def sample_of(path: Path, label: str, sample_id: str | None = None) -> TrainingSample:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return TrainingSample(sample_id or path.stem, path, digest, label)


def draw_dataset(
    folder: Path,
    *,
    per_class: int = 24,
    size: tuple[int, int] = (12, 12),
    channels: int = 1,
    labels: tuple[str, ...] = LABELS,
) -> list[TrainingSample]:
    """Noisy bars and spots, `size` is (height, width): easy to learn, no two alike."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(7)
    samples = []
    for label in labels:
        for number in range(per_class):
            pixels = random.integers(0, 90, (*size, channels))
            pixels[_shape_of(labels.index(label), size, random)] = random.integers(170, 255)
            image = Image.fromarray(pixels.astype(np.uint8).squeeze(), "L" if channels == 1 else "RGB")
            path = folder / f"{label}-{number:02d}.png"
            image.save(path)
            samples.append(sample_of(path, label))
    return samples


def make_spec(samples: list[TrainingSample], work_dir: Path, **changes: object) -> TrainingSpec:
    """A spec of a short run; `hyperparameters` takes a mapping of what differs from a tiny net."""
    tiny = {"epochs": 2, "batch_size": 16, "width": 8, "golden_items": 8, "test_fraction": 0.2, "accelerator": "cpu"}
    chosen = Hyperparameters.from_mapping({**tiny, **changes.pop("hyperparameters", {})})  # type: ignore[dict-item]
    spec = TrainingSpec("job", "marks", 5, chosen, LABELS, samples, work_dir)
    return replace(spec, **changes)  # type: ignore[arg-type]


def _shape_of(kind: int, size: tuple[int, int], random: np.random.Generator) -> tuple[slice, slice]:
    height, width = size
    row, column = int(random.integers(2, height - 4)), int(random.integers(2, width - 4))
    shapes = [
        (slice(row, row + 2), slice(None)),
        (slice(None), slice(column, column + 2)),
        (slice(row, row + 3), slice(column, column + 3)),
        (slice(None), slice(None)),
    ]
    return shapes[kind]
