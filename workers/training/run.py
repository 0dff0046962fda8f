"""One training run from images to everything a bundle needs; it reads from top to bottom.

Seed → data → model → callbacks → trainer → fit → test → export. Same spec, same metrics (on one kind of CPU): all
random draws come from seeds derived from the spec, and torch may use deterministic algorithms only. Nothing at import
touches a tensor, so a worker may preload this module and fork.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import EarlyStopping
from numpy.typing import NDArray

from workers.training import checkpoints, evaluate, export, golden, splits
from workers.training.callbacks import (
    FIT_SHARE,
    AtomicCheckpoint,
    Cancelled,
    CooperativeCancel,
    ReportMetrics,
    stop_if_cancelled,
)
from workers.training.data import Augmentation, ImageDataset, batches, derived_seed
from workers.training.guards import choose_accelerator, memory_faults_explained, quiet_lightning
from workers.training.images import ImageStore, InputFormat, survey
from workers.training.model import Architecture, Classifier
from workers.training.spec import BundleInputs, Reporter, TrainingResult, TrainingSample, TrainingSpec

SPLIT_FILE, GRAPH_FILE = "split.jsonl", "model.onnx"
_JUDGING_BATCH = 256
_PARITY_ITEMS = 4

Section = dict[str, Any]


@dataclass(frozen=True)
class Data:
    """The datasets of one run, all in the same format."""

    form: InputFormat
    train: ImageDataset
    validation: ImageDataset
    test: ImageDataset


def train(spec: TrainingSpec, reporter: Reporter) -> TrainingResult:
    """Train, test and export. Raises Invalid, in words for a person, when this dataset or these choices cannot work.

    With `spec.resume` a valid `last.ckpt` of the same run in `spec.work_dir` is continued after its last whole epoch;
    the outcome is then the same as without the interruption.
    """
    spec.work_dir.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(spec.threads)
    result = TrainingResult(cancelled=False)
    try:
        with quiet_lightning(), memory_faults_explained(spec.hyperparameters):
            _run(spec, reporter, result)
    except Cancelled:
        last = spec.work_dir / checkpoints.LAST
        kept = last if last.exists() else None
        reporter.log("cancelled; the last whole epoch is kept" if kept else "cancelled before the first whole epoch")
        result.cancelled, result.checkpoint_path, result.bundle_inputs = True, kept, None
    return result


def _run(spec: TrainingSpec, reporter: Reporter, result: TrainingResult) -> None:
    choices = spec.hyperparameters
    stop_if_cancelled(reporter)

    # Seed
    L.seed_everything(derived_seed(spec.seed, "weights") % 2**32, workers=True, verbose=False)

    # Data
    base = checkpoints.load(spec.base_checkpoint) if spec.base_checkpoint else None
    known = base[checkpoints.SECTION]["trained_on"] if base else []
    split = _split(spec, reporter, known, result)
    data = _load_data(spec, reporter, split)

    # Model
    shape = Architecture.of(data.form, len(spec.labels), choices)
    model = Classifier(shape, choices, *data.train.store.statistics(), spec.seed)
    parameters = sum(weight.numel() for weight in model.parameters())
    reporter.log(f"the net has {parameters} weights")
    if base is not None:
        reporter.log(checkpoints.load_base(model, base, spec.labels))

    # Callbacks
    section = _section(spec, shape, split, known)
    keeper = AtomicCheckpoint(spec.work_dir, section)
    callbacks: list[L.Callback] = [CooperativeCancel(reporter), ReportMetrics(reporter, choices.epochs), keeper]
    if choices.early_stopping_patience:
        callbacks.append(EarlyStopping("val_loss", patience=choices.early_stopping_patience))

    # Trainer
    trainer = L.Trainer(
        accelerator=choose_accelerator(choices.accelerator),
        devices=1,
        max_epochs=choices.epochs,
        deterministic=True,
        gradient_clip_val=1.0,
        callbacks=callbacks,
        default_root_dir=spec.work_dir,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
    )

    # Fit
    epochs = _fit(spec, reporter, trainer, model, data, keeper, section["fingerprint"])
    reporter.log(f"fitted {epochs} epochs; epoch {keeper.best_epoch} has the lowest validation loss")
    result.training = {
        "epochs": epochs,
        "best_epoch": keeper.best_epoch,
        "validation_loss": keeper.best_loss,
        "input": {"height": data.form.height, "width": data.form.width, "channels": data.form.channels},
        "parameters": parameters,
    }

    # Test
    result.checkpoint_path = spec.work_dir / checkpoints.BEST
    model.load_state_dict(checkpoints.load(result.checkpoint_path)["state_dict"])
    probabilities, targets = evaluate.predict(
        model.exportable(),
        batches(data.test, _JUDGING_BATCH),
        trainer.strategy.root_device,
        lambda: stop_if_cancelled(reporter),
    )
    result.metrics = evaluate.score(probabilities, targets, spec.labels)
    reporter.log(f"test: accuracy {result.metrics['accuracy']:.4f} on {len(targets)} held-out images")
    reporter.progress(epoch=epochs, total_epochs=choices.epochs, percent=FIT_SHARE + 2, eta_seconds=None)

    # Export
    stop_if_cancelled(reporter)
    result.bundle_inputs, result.inference_time_ms = _export(spec, reporter, data, model, probabilities)
    reporter.progress(epoch=epochs, total_epochs=choices.epochs, percent=100, eta_seconds=0.0)


def _split(spec: TrainingSpec, reporter: Reporter, known: list[str], result: TrainingResult) -> splits.Split:
    """Split as the dataset version says, write the split file, and say if the base model knows some test images."""
    choices, trained_before = spec.hyperparameters, frozenset(known)
    splits.check_samples(spec.samples, spec.labels)
    given = splits.given_split(spec.samples)
    split = given or splits.split_samples(
        spec.samples,
        seed=spec.seed,
        validation_fraction=choices.validation_fraction,
        test_fraction=choices.test_fraction,
        trained_before=trained_before,
    )
    splits.check_split(split)
    path = spec.work_dir / SPLIT_FILE
    splits.write_split(split, path)
    seen = sum(splits.unit_key(sample.unit) in trained_before for sample in split.test)
    method = splits.GIVEN if given else splits.METHOD
    result.split = splits.summarize(split, seed=spec.seed, path=path, method=method) | {"test_seen_by_base": seen}
    reporter.log("split: " + ", ".join(f"{count} {name}" for name, count in result.split["counts"].items()))
    if seen:
        reporter.log(f"warning: the base model was trained on {seen} of the test images, which flatters the score")
    return split


def _load_data(spec: TrainingSpec, reporter: Reporter, split: splits.Split) -> Data:
    choices = spec.hyperparameters
    found = survey(spec.samples)
    form = found.choose_format(choices.image_size, choices.channels)
    reporter.log(f"images enter the net as {form.width}×{form.height} {form.mode}")
    if found.sizes != {(form.height, form.width)}:
        reporter.log(f"images of {len(found.sizes)} sizes are resized to it; image_size chooses another")

    def load(samples: tuple[TrainingSample, ...], augmentation: Augmentation | None = None) -> ImageDataset:
        store = ImageStore(samples, form, check=lambda: stop_if_cancelled(reporter))
        return ImageDataset(store, spec.labels, augmentation)

    augmentation = Augmentation(spec.seed) if choices.augment == "light" else None
    return Data(form, load(split.train, augmentation), load(split.validation), load(split.test))


def _section(spec: TrainingSpec, shape: Architecture, split: splits.Split, known: list[str]) -> Section:
    """What our checkpoints say beside Lightning's content."""
    return {
        "fingerprint": spec.fingerprint(),
        "labels": list(spec.labels),
        "architecture": shape.to_dict(),
        "trained_on": sorted({*known, *(splits.unit_key(sample.unit) for sample in split.train)}),
    }


def _fit(
    spec: TrainingSpec,
    reporter: Reporter,
    trainer: L.Trainer,
    model: Classifier,
    data: Data,
    keeper: AtomicCheckpoint,
    fingerprint: str,
) -> int:
    """Fit from the start or from the last whole epoch; return how many epochs the model has seen in all."""
    last: Path | None = None
    if spec.resume:
        last = spec.work_dir / checkpoints.LAST
        content = checkpoints.resumable(last, fingerprint)
        if isinstance(content, str):
            reporter.log(f"nothing to resume: {content}; starting with the first epoch")
            last = None
        else:
            epoch = int(content[checkpoints.SECTION]["epoch"])
            reporter.log(f"resuming after epoch {epoch} of {spec.hyperparameters.epochs}")
            if content[checkpoints.SECTION]["finished"]:
                keeper.load_state_dict(content["callbacks"][keeper.state_key])
                return epoch
            # Lightning draws the first batch before it tells the sampler which epoch it resumes.
            data.train.epoch = epoch
    trainer.fit(
        model,
        batches(data.train, spec.hyperparameters.batch_size, shuffle_seed=spec.seed),
        batches(data.validation, _JUDGING_BATCH),
        ckpt_path=last,
        weights_only=True,
    )
    return trainer.current_epoch


def _export(
    spec: TrainingSpec, reporter: Reporter, data: Data, model: Classifier, probabilities: NDArray[np.float32]
) -> tuple[BundleInputs, float]:
    """Golden set, graph, proof that they agree, and the latency of one image."""
    exportable = model.exportable()
    count = spec.hyperparameters.golden_items
    items, images = golden.make_golden(exportable, data.test.store, probabilities, count)
    path = spec.work_dir / GRAPH_FILE
    export.export_onnx(exportable, data.form, path)
    answers = [item.probabilities for item in items[:_PARITY_ITEMS]]
    worst = export.prove_parity(path, list(images[:_PARITY_ITEMS]), answers)
    reporter.log(f"exported {path.stat().st_size} bytes of ONNX; it differs from torch by {worst:.1g} at most")
    contract = export.input_contract(data.form, len(spec.labels))
    latency = evaluate.median_latency_ms(exportable, torch.from_numpy(images[:1]))
    return BundleInputs(path, spec.labels, contract, items, golden.ATOL), latency
