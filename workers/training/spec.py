"""What a training run is given and what it gives back.

Light on purpose: nothing here imports torch, so that the code that binds training to the product can build a spec and
read a result without paying for it.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from app.domain.hyperparameters import Hyperparameters


@dataclass(frozen=True)
class TrainingSample:
    """One labelled image in a local file.

    Samples of one `group` (a camera burst, say) never end up in different splits. Without a group, files with equal
    bytes are kept together: a copy of a training image in the test set would flatter the score.
    """

    sample_id: str
    path: Path
    sha256: str
    label: str
    group: str = ""
    split: str = ""
    """What the dataset version uses it for; empty where the run has to split by itself."""

    @property
    def unit(self) -> str:
        """What is split as a whole."""
        return self.group or self.sha256


@dataclass(frozen=True)
class TrainingSpec:
    """One run. `labels` fixes the order of the output columns; `threads` is for torch (1 is best for small nets)."""

    job_id: str
    ai_module: str
    seed: int
    hyperparameters: Hyperparameters
    labels: tuple[str, ...]
    samples: Sequence[TrainingSample]
    work_dir: Path
    base_checkpoint: Path | None = None
    resume: bool = False
    threads: int = 1

    def fingerprint(self) -> str:
        """Equal for equal seed, choices, labels and samples: a checkpoint of another run must not be continued."""
        content = [
            self.seed,
            self.hyperparameters.to_dict(),
            list(self.labels),
            sorted((each.sample_id, each.sha256, each.label, each.group, each.split) for each in self.samples),
            hashlib.sha256(self.base_checkpoint.read_bytes()).hexdigest() if self.base_checkpoint else None,
        ]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()


class Reporter(Protocol):
    """Where a run tells how it goes. Epochs count from 1, steps from 1 over the whole run."""

    def log(self, line: str) -> None: ...

    def metric(self, name: str, step: int, epoch: int, value: float) -> None:
        """`train_loss` and `learning_rate` per step; `train_accuracy`, `val_loss`, `val_accuracy` per epoch."""

    def settle(self) -> None:
        """Called before a checkpoint is written: wait a moment until what was told is stored."""

    def progress(self, *, epoch: int, total_epochs: int, percent: int, eta_seconds: float | None) -> None:
        """Called when the percentage or the epoch changes; 100 is told once, at the end."""

    def cancelled(self) -> bool:
        """Asked at every batch, so it must be cheap."""
        ...


@dataclass(frozen=True)
class GoldenItem:
    """A held-out image and the probabilities that torch gave it, in the order of the labels."""

    path: Path
    extension: str
    label: str
    probabilities: tuple[float, ...]


@dataclass(frozen=True)
class BundleInputs:
    """Everything `build_bundle` packs, apart from the names given to the version."""

    onnx_path: Path
    labels: tuple[str, ...]
    contract: dict[str, Any]
    golden: tuple[GoldenItem, ...]
    golden_atol: float


@dataclass
class TrainingResult:
    """What a run ends with. All dictionaries are plain JSON.

    metrics: accuracy, precision, recall, f1 (macro), loss, test_count, labels, per_class (by label),
        confusion_matrix[true][predicted]
    split: method, seed, counts, per_class and split_path, a JSON-lines file of {"sample_id", "label", "split"}
    training: epochs, best_epoch, validation_loss (of the best epoch), input (height, width, channels), parameters
    checkpoint_path: the best epoch, or after a cancel the last whole one (None when there is none)
    bundle_inputs: None exactly when `cancelled`
    inference_time_ms: median latency of one image in torch on this machine's CPU
    """

    cancelled: bool
    metrics: dict[str, Any] = field(default_factory=dict)
    split: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    checkpoint_path: Path | None = None
    bundle_inputs: BundleInputs | None = None
    inference_time_ms: float = 0.0


@dataclass(frozen=True)
class BundleInfo:
    """The finished bundle; `sha256` (hex) is the identity of the model everywhere."""

    path: Path
    sha256: str
    length: int
