"""What surrounds a run: the device, the quiet, and advice instead of a crash when memory runs out."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from app.domain.hyperparameters import Hyperparameters
from app.errors import Invalid


def choose_accelerator(wanted: str) -> str:
    """`cpu` or `gpu` for Lightning. Asked in the forked child only: CUDA in the parent would break the fork."""
    there = torch.cuda.is_available()
    if wanted == "gpu" and not there:
        raise Invalid(
            "This worker has no CUDA GPU. Set accelerator to auto or cpu, or start a worker on a machine with one.",
            errors={"accelerator": "no CUDA GPU here"},
        )
    return "gpu" if there and wanted != "cpu" else "cpu"


@contextmanager
def memory_faults_explained(choices: Hyperparameters) -> Iterator[None]:
    """Turn running out of memory, on the GPU or the CPU, into advice."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not _is_memory_fault(error):
            raise
        raise Invalid(
            f"Out of memory with batch_size {choices.batch_size}, image_size {choices.image_size or 'automatic'} and "
            f"width {choices.width}: lower batch_size first, then image_size or width.",
            errors={"batch_size": "out of memory"},
        ) from error


def _is_memory_fault(error: Exception) -> bool:
    # torch's CPU allocator raises a plain RuntimeError; the name of the allocator is all that tells it apart.
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "DefaultCPUAllocator" in str(error)


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Keep Lightning's banners and advice (on loader processes, above all) out of the worker's log."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"lightning\..*")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
