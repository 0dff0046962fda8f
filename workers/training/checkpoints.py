"""Checkpoints that are always whole, and what is read back from them.

A checkpoint is written beside its place, flushed to the disk and renamed, so `last.ckpt` is valid whenever a process
dies. Nothing is unpickled: files are read with `weights_only`, because a base model comes from storage and a pickle
could run code. Beside Lightning's own content each file holds `trainyard`: fingerprint, labels, architecture and the
keys of the units it was trained on.
"""

import os
import pickle
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from app.errors import Invalid
from workers.training.model import Classifier

LAST, BEST = "last.ckpt", "best.ckpt"
SECTION = "trainyard"
_DAMAGED = (OSError, RuntimeError, EOFError, KeyError, ValueError, pickle.UnpicklingError, zipfile.BadZipFile)


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary file, then put it in place of `path` in one step that survives a power cut."""
    temporary = path.with_name(f".{path.name}.tmp")
    write(temporary)
    _flush(temporary)
    os.replace(temporary, path)
    _flush(path.parent)


def load(path: Path) -> dict[str, Any]:
    """Read a checkpoint of ours. Raises Invalid when it is damaged or not one."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(content[SECTION], Mapping) or not isinstance(content["state_dict"], Mapping):
            raise ValueError("it is not a checkpoint of this product")
    except _DAMAGED as error:
        raise Invalid(f"The checkpoint {path.name} cannot be read: {error}. Choose another base model.") from error
    return dict(content)


def resumable(path: Path, fingerprint: str) -> dict[str, Any] | str:
    """The checkpoint of an interrupted run of the same job, or why there is nothing to continue."""
    if not path.exists():
        return "no checkpoint yet"
    try:
        content = load(path)
    except Invalid:
        return "its checkpoint is damaged"
    if content[SECTION]["fingerprint"] != fingerprint:
        return "its checkpoint is of another seed, dataset or choice of hyperparameters"
    return content


def load_base(model: Classifier, content: Mapping[str, Any], labels: tuple[str, ...]) -> str:
    """Copy every weight of the base model that fits; say in one line what was copied.

    The head fits only when the labels are the same in the same order. The statistics of the images stay those of the
    new training set.
    """
    base: Mapping[str, torch.Tensor] = content["state_dict"]
    same_labels = tuple(content[SECTION]["labels"]) == labels
    own = model.state_dict()
    fitting = {
        name: weight
        for name, weight in base.items()
        if name.startswith("net.")
        and name in own
        and own[name].shape == weight.shape
        and (same_labels or not name.startswith("net.head."))
    }
    model.load_state_dict(fitting, strict=False)
    total = sum(name.startswith("net.") for name in own)
    head = "head kept" if "net.head.weight" in fitting else "head starts anew (other labels or another width)"
    return f"fine-tuning: {len(fitting)} of {total} weight tensors taken from the base model, {head}"


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
