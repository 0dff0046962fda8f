"""What happens beside the training loop: reports, cancel, checkpoints.

Epochs are told from 1. `Cancelled` leaves Lightning at once, at the batch where the wish is seen, so that no half epoch
is validated or saved.
"""

import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Checkpoint

from app.errors import Invalid
from workers.training.checkpoints import BEST, LAST, SECTION, write_atomically
from workers.training.spec import Reporter

FIT_SHARE = 95
"""Percent of the whole job that fitting takes; testing, export and latency share the rest."""


class Cancelled(Exception):
    """Somebody asked the run to stop. Not an error: `run.train` turns it into a result."""


def stop_if_cancelled(reporter: Reporter) -> None:
    if reporter.cancelled():
        raise Cancelled


class CooperativeCancel(L.Callback):
    """Asks before every batch of training and validation."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    def on_train_batch_start(self, *_: Any) -> None:
        stop_if_cancelled(self._reporter)

    def on_validation_batch_start(self, *_: Any, **__: Any) -> None:
        stop_if_cancelled(self._reporter)


class ReportMetrics(L.Callback):
    """Tells loss and learning rate per step, accuracy per epoch, progress and the time still needed."""

    def __init__(self, reporter: Reporter, total_epochs: int, clock: Any = time.monotonic) -> None:
        self._reporter = reporter
        self._total_epochs = total_epochs
        self._clock = clock
        self._started = 0.0
        self._first_step = 0
        self._told: tuple[int, int] | None = None
        self._correct: torch.Tensor | int = 0
        self._seen = 0
        self._rate = 0.0

    def on_train_start(self, trainer: L.Trainer, _module: L.LightningModule) -> None:
        self._started, self._first_step = self._clock(), trainer.global_step
        self._tell_progress(trainer)

    def on_train_epoch_start(self, _trainer: L.Trainer, module: L.LightningModule) -> None:
        self._correct, self._seen = torch.zeros((), dtype=torch.int64, device=module.device), 0

    def on_train_batch_start(self, trainer: L.Trainer, *_: Any) -> None:
        # Read before the step: after it the schedule has already moved on.
        self._rate = float(trainer.optimizers[0].param_groups[0]["lr"])

    def on_train_batch_end(
        self, trainer: L.Trainer, _module: L.LightningModule, outputs: Any, batch: Any, _index: int
    ) -> None:
        step, epoch = trainer.global_step, trainer.current_epoch + 1
        loss = float(outputs["loss"])
        rate = self._rate
        if not math.isfinite(loss):
            raise diverged(loss, step, epoch, rate)
        self._reporter.metric("train_loss", step, epoch, loss)
        self._reporter.metric("learning_rate", step, epoch, rate)
        self._correct += outputs["correct"]
        self._seen += len(batch[1])
        self._tell_progress(trainer)

    def on_train_epoch_end(self, trainer: L.Trainer, _module: L.LightningModule) -> None:
        step, epoch = trainer.global_step, trainer.current_epoch + 1
        values = {"train_accuracy": int(self._correct) / max(1, self._seen)}
        values |= {name: float(trainer.callback_metrics[name]) for name in ("val_loss", "val_accuracy")}
        for name, value in values.items():
            if not math.isfinite(value):
                raise diverged(value, step, epoch, self._rate)
            self._reporter.metric(name, step, epoch, value)
        told = ", ".join(f"{name} {value:.4f}" for name, value in values.items())
        self._reporter.log(f"epoch {epoch} of {self._total_epochs}: {told}")
        self._reporter.settle()

    def _tell_progress(self, trainer: L.Trainer) -> None:
        steps, done = int(trainer.estimated_stepping_batches), trainer.global_step
        epoch = min(self._total_epochs, trainer.current_epoch + 1)
        percent = FIT_SHARE * done // max(1, steps)
        if (epoch, percent) == self._told:
            return
        self._told = (epoch, percent)
        here = done - self._first_step
        eta = (self._clock() - self._started) / here * (steps - done) if here else None
        self._reporter.progress(epoch=epoch, total_epochs=self._total_epochs, percent=percent, eta_seconds=eta)


class AtomicCheckpoint(Checkpoint):
    """Keeps `last.ckpt` (every epoch) and `best.ckpt` (lowest validation loss) whole at any moment.

    Lightning runs callbacks of the class `Checkpoint` after all others, early stopping among them, so that a file holds
    their state of that epoch.
    """

    def __init__(self, folder: Path, section: Mapping[str, Any]) -> None:
        self._folder = folder
        self._section = dict(section)
        self.best_loss = math.inf
        self.best_epoch = 0

    def state_dict(self) -> dict[str, Any]:
        return {"best_loss": self.best_loss, "best_epoch": self.best_epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best_loss, self.best_epoch = state_dict["best_loss"], state_dict["best_epoch"]

    def on_save_checkpoint(self, trainer: L.Trainer, _module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        epoch = trainer.current_epoch + 1
        finished = trainer.should_stop or epoch == trainer.max_epochs
        checkpoint[SECTION] = {**self._section, "epoch": epoch, "finished": finished}

    def on_train_epoch_end(self, trainer: L.Trainer, _module: L.LightningModule) -> None:
        loss = float(trainer.callback_metrics["val_loss"])
        if loss < self.best_loss:
            self.best_loss, self.best_epoch = loss, trainer.current_epoch + 1
            write_atomically(self._folder / BEST, trainer.save_checkpoint)
        write_atomically(self._folder / LAST, trainer.save_checkpoint)


def diverged(value: float, step: int, epoch: int, rate: float) -> Invalid:
    shown = "NaN" if math.isnan(value) else "infinite"
    return Invalid(
        f"The loss became {shown} at step {step} (epoch {epoch}): lower learning_rate (it was {rate:.3g} there).",
        errors={"learning_rate": f"loss became {shown} at step {step}"},
    )
