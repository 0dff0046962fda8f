"""One training run from images to everything a bundle needs; it reads from top to bottom.

Seed → data → model → callbacks → trainer → fit → test → export. Same spec, same metrics (on one kind of CPU): all random
draws come from seeds derived from the spec, and torch may use deterministic algorithms only. Nothing at import touches a
tensor, so a worker may preload this module and fork.
"""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import EarlyStopping

from app.errors import Invalid
from workers.training import checkpoints, evaluate, export, splits
from workers.training.bundle import GOLDEN_ATOL, choose_golden
from workers.training.callbacks import (
    FIT_SHARE,
    AtomicCheckpoint,
    Cancelled,
    CooperativeCancel,
    ReportMetrics,
    stop_if_cancelled,
)
from workers.training.data import Augmentation, ImageDataset, batches, derived_seed
from workers.training.images import ImageStore, InputFormat, file_extension, survey
from workers.training.model import Architecture, Classifier
from workers.training.spec import BundleInputs, GoldenItem, Reporter, TrainingResult, TrainingSpec

SPLIT_FILE, GRAPH_FILE = "split.jsonl", "model.onnx"
_TEST_BATCH = 256
_PARITY_ITEMS = 4


@dataclass(frozen=True)
class Data:
    """The datasets of one run, all in the same format."""

    form: InputFormat
    train: ImageDataset
    validation: ImageDataset
    test: ImageDataset


def train(spec: TrainingSpec, reporter: Reporter) -> TrainingResult:
    """Train, test and export. Raises Invalid, in words for a person, when this dataset or these choices cannot work.

    With `spec.resume` a valid `last.ckpt` of the same run in `spec.work_dir` is continued after its last whole epoch.
    """
    spec.work_dir.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(spec.threads)
    result = TrainingResult(cancelled=False)
    try:
        with _quiet_lightning(), _memory_faults(spec):
            _run(spec, reporter, result)
    except Cancelled:
        last = spec.work_dir / checkpoints.LAST
        result.cancelled, result.bundle_inputs = True, None
        result.checkpoint_path = last if last.exists() else None
        reporter.log("cancelled; the last whole epoch is kept" if last.exists() else "cancelled before the first epoch")
    return result


def _run(spec: TrainingSpec, reporter: Reporter, result: TrainingResult) -> None:
    choices = spec.hyperparameters
    stop_if_cancelled(reporter)

    # Seed
    L.seed_everything(derived_seed(spec.seed, "weights") % 2**32, workers=True, verbose=False)

    # Data
    splits.check_samples(spec.samples, spec.labels)
    base = checkpoints.load(spec.base_checkpoint) if spec.base_checkpoint else None
    split = _split(spec, reporter, base, result)
    data = _load_data(spec, reporter, split)
    train_batches = batches(data.train, choices.batch_size, shuffle_seed=spec.seed)
    validation_batches = batches(data.validation, _TEST_BATCH)

    # Model
    shape = Architecture.of(data.form, len(spec.labels), choices)
    mean, deviation = data.train.store.statistics()
    model = Classifier(shape, choices, mean, deviation, spec.seed)
    reporter.log(f"model: {sum(weight.numel() for weight in model.parameters())} weights, {shape.to_dict()}")
    if base is not None:
        reporter.log(checkpoints.load_base(model, base, spec.labels))

    # Callbacks
    section = _section(spec, shape, split, base)
    keeper = AtomicCheckpoint(spec.work_dir, section)
    callbacks: list[L.Callback] = [CooperativeCancel(reporter), ReportMetrics(reporter, choices.epochs), keeper]
    if choices.early_stopping_patience:
        callbacks.append(EarlyStopping("val_loss", patience=choices.early_stopping_patience))

    # Trainer
    trainer = L.Trainer(
        accelerator=_accelerator(choices.accelerator),
        devices=1,
        max_epochs=choices.epochs,
        deterministic=True,
        gradient_clip_val=1.0,
        callbacks=callbacks,
        default_root_dir=spec.work_dir,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
    )

    # Fit
    last = _checkpoint_to_continue(spec, reporter, section["fingerprint"])
    trainer.fit(model, train_batches, validation_batches, ckpt_path=last, weights_only=True)
    epochs = trainer.current_epoch
    result.training = {"epochs": epochs, "best_epoch": keeper.best_epoch, "validation_loss": keeper.best_loss}
    result.checkpoint_path = spec.work_dir / checkpoints.BEST
    reporter.log(f"fitted {epochs} epochs; epoch {keeper.best_epoch} has the lowest validation loss")

    # Test
    stop_if_cancelled(reporter)
    model.load_state_dict(checkpoints.load(result.checkpoint_path)["state_dict"])
    probabilities, targets = evaluate.predict(
        model.exportable(), batches(data.test, _TEST_BATCH), trainer.strategy.root_device,
        lambda: stop_if_cancelled(reporter),
    )
    result.metrics = evaluate.score(probabilities, targets, spec.labels)
    reporter.log(f"test: accuracy {result.metrics['accuracy']:.4f} on {len(targets)} held-out images")
    reporter.progress(epoch=epochs, total_epochs=choices.epochs, percent=FIT_SHARE + 1, eta_seconds=None)

    # Export
    stop_if_cancelled(reporter)
    result.bundle_inputs, result.inference_time_ms = _export(spec, reporter, data, model, probabilities)
    reporter.progress(epoch=epochs, total_epochs=choices.epochs, percent=100, eta_seconds=0.0)


def _split(
    spec: TrainingSpec, reporter: Reporter, base: dict[str, Any] | None, result: TrainingResult
) -> splits.Split:
    choices = spec.hyperparameters
    trained_before = frozenset(base[checkpoints.SECTION]["trained_on"]) if base else frozenset()
    split = splits.split_samples(
        spec.samples,
        seed=spec.seed,
        validation_fraction=choices.validation_fraction,
        test_fraction=choices.test_fraction,
        trained_before=trained_before,
    )
    splits.check_split(split)
    path = spec.work_dir / SPLIT_FILE
    splits.write_split(split, path)
    result.split = splits.summarize(split, seed=spec.seed, path=path)
    reporter.log("split: " + ", ".join(f"{count} {name}" for name, count in result.split["counts"].items()))
    seen = sum(splits.unit_key(sample.unit) in trained_before for sample in split.test)
    if seen:
        reporter.log(f"note: the base model was trained on {seen} of the test images; their score flatters")
    return split


def _load_data(spec: TrainingSpec, reporter: Reporter, split: splits.Split) -> Data:
    choices = spec.hyperparameters
    found = survey(spec.samples)
    form = found.choose_format(choices.image_size, choices.channels)
    reporter.log(f"images enter the net as {form.width}×{form.height} {form.mode}")
    if (form.height, form.width) not in found.sizes or len(found.sizes) > 1:
        reporter.log(f"images of {len(found.sizes)} different sizes are resized; image_size chooses another size")

    def load(samples: tuple[Any, ...], augmentation: Augmentation | None = None) -> ImageDataset:
        store = ImageStore(samples, form, check=lambda: stop_if_cancelled(reporter))
        return ImageDataset(store, spec.labels, augmentation)

    augmentation = Augmentation(spec.seed) if choices.augment == "light" else None
    return Data(form, load(split.train, augmentation), load(split.validation), load(split.test))


def _section(
    spec: TrainingSpec, shape: Architecture, split: splits.Split, base: dict[str, Any] | None
) -> dict[str, Any]:
    before = base[checkpoints.SECTION]["trained_on"] if base else []
    return {
        "fingerprint": spec.fingerprint(),
        "labels": list(spec.labels),
        "architecture": shape.to_dict(),
        "trained_on": sorted({*before, *(splits.unit_key(sample.unit) for sample in split.train)}),
    }


def _checkpoint_to_continue(spec: TrainingSpec, reporter: Reporter, fingerprint: str) -> Path | None:
    if not spec.resume:
        return None
    path = spec.work_dir / checkpoints.LAST
    content = checkpoints.resumable(path, fingerprint)
    if isinstance(content, str):
        reporter.log(f"resuming: {content}; starting from the first epoch")
        return None
    reporter.log(f"resuming after epoch {content[checkpoints.SECTION]['epoch']}")
    return path


def _export(
    spec: TrainingSpec, reporter: Reporter, data: Data, model: Classifier, probabilities: Any
) -> tuple[BundleInputs, float]:
    samples = data.test.store.samples
    exportable = model.exportable().to("cpu")
    chosen = choose_golden(probabilities, [sample.label for sample in samples], spec.hyperparameters.golden_items)
    images = data.test.store[chosen]
    with torch.inference_mode():
        # One by one and on the CPU, as an edge server will run them.
        answers = [exportable(torch.from_numpy(image[None])).numpy()[0] for image in images]
    path = spec.work_dir / GRAPH_FILE
    export.export_onnx(exportable, data.form, path)
    worst = export.prove_parity(path, list(images[:_PARITY_ITEMS]), [answer.tolist() for answer in answers[:_PARITY_ITEMS]])
    reporter.log(f"exported {path.stat().st_size} bytes of ONNX; largest difference from torch {worst:.1g}")
    golden = tuple(
        GoldenItem(
            samples[position].path,
            file_extension(samples[position].path),
            samples[position].label,
            tuple(round(float(value), 8) for value in answer),
        )
        for position, answer in zip(chosen, answers, strict=True)
    )
    contract = export.input_contract(data.form, len(spec.labels))
    latency = evaluate.median_latency_ms(exportable, torch.from_numpy(images[:1]))
    return BundleInputs(path, spec.labels, contract, golden, GOLDEN_ATOL), latency


def _accelerator(wanted: str) -> str:
    there = torch.cuda.is_available()
    if wanted == "gpu" and not there:
        raise Invalid("This worker has no CUDA GPU; set accelerator to auto or cpu, or start a worker on a GPU machine.")
    return "gpu" if there and wanted != "cpu" else "cpu"


@contextmanager
def _memory_faults(spec: TrainingSpec) -> Iterator[None]:
    """Turn running out of memory into advice."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        # torch's CPU allocator has no exception type of its own, only this sentence.
        if isinstance(error, RuntimeError) and not (
            isinstance(error, torch.OutOfMemoryError) or "DefaultCPUAllocator" in str(error)
        ):
            raise
        choices = spec.hyperparameters
        raise Invalid(
            f"Out of memory with batch_size {choices.batch_size}, image_size {choices.image_size or 'automatic'} and "
            f"width {choices.width}: lower batch_size first, then image_size or width.",
            errors={"batch_size": "out of memory"},
        ) from error


@contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Keep Lightning's banners and its advice on loader processes out of the worker's log."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"lightning\..*")
            warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"torch\.onnx.*")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
