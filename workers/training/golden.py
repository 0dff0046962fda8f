"""The golden set: held-out images that every edge server must answer as torch did, or refuse the model."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from app.errors import Invalid
from workers.training.images import ImageStore, file_extension
from workers.training.model import Exportable
from workers.training.spec import GoldenItem

ATOL = 0.001
FEWEST = 8
LARGEST_FILE = 8_000_000
"""Bytes of one golden file: 32 of them stay within the 256 MB that an edge server accepts."""
_CLEAR_MARGIN = 10 * ATOL


def choose(probabilities: NDArray[np.float32], labels: Sequence[str], eligible: Sequence[int], count: int) -> list[int]:
    """At most `count` of the `eligible` positions, one class after the other in turn, each class in the order given.

    Images that the model finds too close to call come last: their arg-max may differ on other hardware with no fault.
    """
    top = np.sort(probabilities, axis=1)
    unclear = (top[:, -1] - top[:, -2]) < _CLEAR_MARGIN
    turns: dict[str, int] = {}
    ranked: list[tuple[bool, int, str, int]] = []
    for position in sorted(eligible, key=lambda position: (bool(unclear[position]), position)):
        label = labels[position]
        turns[label] = turns.get(label, -1) + 1
        ranked.append((bool(unclear[position]), turns[label], label, position))
    return [position for *_, position in sorted(ranked)[:count]]


def make_golden(
    model: Exportable, store: ImageStore, probabilities: NDArray[np.float32], count: int
) -> tuple[tuple[GoldenItem, ...], NDArray[np.uint8]]:
    """The items, and their images as uint8 [items, height, width, channels]. `probabilities` belong to the store.

    Answers are computed one image at a time on the CPU, as an edge server will do it.
    """
    samples = store.samples
    eligible = [at for at, sample in enumerate(samples) if sample.path.stat().st_size <= LARGEST_FILE]
    if len(eligible) < FEWEST:
        raise Invalid(
            f"Only {len(eligible)} held-out images are smaller than {LARGEST_FILE // 10**6} MB, and {FEWEST} go along "
            "with every model so that an edge server can check it. Upload smaller files."
        )
    chosen = choose(probabilities, [sample.label for sample in samples], eligible, count)
    images = store[chosen]
    model = model.to("cpu").eval()
    with torch.inference_mode():
        answers = [model(torch.from_numpy(image[None]))[0].tolist() for image in images]
    items = tuple(
        GoldenItem(
            path=samples[position].path,
            extension=file_extension(samples[position].path),
            label=samples[position].label,
            probabilities=tuple(round(value, 8) for value in answer),
        )
        for position, answer in zip(chosen, answers, strict=True)
    )
    return items, images
