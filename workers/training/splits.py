"""Which images train the net, which choose the best epoch, and which give the final score.

Rules: the same samples, seed and fractions give the same split in any order and on any machine; every class is cut in
the same proportions; a class of at least three units (see `TrainingSample.unit`) is in every split; a unit is never cut
apart. Units are ranked by sha256(seed, unit), so the split depends on the images and not on the ids they got at upload.
What a base model was trained on is ranked last: testing on it would flatter the score of the fine-tuned model.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.errors import Invalid
from workers.training.spec import TrainingSample

METHOD = "sha256-rank-per-class/1"
SPLITS = ("train", "validation", "test")
MINIMUM_UNITS = 3
MINIMUM_TEST = 8
"""A bundle carries at least this many held-out images that an edge server must reproduce."""


@dataclass(frozen=True)
class Split:
    """Samples by split, each in the canonical order (by content, then by id)."""

    train: tuple[TrainingSample, ...]
    validation: tuple[TrainingSample, ...]
    test: tuple[TrainingSample, ...]

    def items(self) -> Iterable[tuple[str, tuple[TrainingSample, ...]]]:
        return ((name, getattr(self, name)) for name in SPLITS)


def unit_key(unit: str) -> str:
    """A short name of a unit that can be kept in a checkpoint without telling what the unit is."""
    return hashlib.sha256(unit.encode()).hexdigest()[:16]


def split_samples(
    samples: Sequence[TrainingSample],
    *,
    seed: int,
    validation_fraction: float,
    test_fraction: float,
    trained_before: Set[str] = frozenset(),
) -> Split:
    """Split by class. `trained_before` holds the unit keys of the base model's training images."""
    by_class: dict[str, dict[str, list[TrainingSample]]] = defaultdict(lambda: defaultdict(list))
    label_of = _label_of_units(samples)
    for sample in sorted(samples, key=lambda sample: (sample.sha256, sample.sample_id)):
        by_class[label_of[sample.unit]][sample.unit].append(sample)
    parts: dict[str, list[TrainingSample]] = {name: [] for name in SPLITS}
    for label in sorted(by_class):
        units = by_class[label]
        ranked = sorted(units, key=lambda unit: (unit_key(unit) in trained_before, _rank(seed, unit)))
        for name, chosen in _cut(ranked, units, validation_fraction, test_fraction).items():
            parts[name].extend(sample for unit in chosen for sample in units[unit])
    ordered = {
        name: tuple(sorted(chosen, key=lambda sample: (sample.sha256, sample.sample_id)))
        for name, chosen in parts.items()
    }
    return Split(**ordered)


def check_samples(samples: Sequence[TrainingSample], labels: Sequence[str]) -> None:
    """Refuse what cannot be trained, naming the class or sample at fault."""
    if len(labels) < 2:
        raise Invalid(f"Training needs at least 2 classes; the dataset has {len(labels)}. Add another label.")
    if len(set(labels)) != len(labels):
        raise Invalid("The list of labels names a class twice; every label must be there once.")
    for sample_id, times in Counter(sample.sample_id for sample in samples).items():
        if times > 1:
            raise Invalid(f"Sample {sample_id} is listed {times} times; every sample must be there once.")
    units: dict[str, set[str]] = {label: set() for label in labels}
    for sample in samples:
        if sample.label not in units:
            raise Invalid(f"Sample {sample.sample_id} has the label {sample.label!r}, which the dataset does not define.")
        units[sample.label].add(sample.unit)
    few = {label: len(found) for label, found in units.items() if len(found) < MINIMUM_UNITS}
    if few:
        listed = ", ".join(f"{label!r} has {count}" for label, count in few.items())
        raise Invalid(
            f"Every class needs at least {MINIMUM_UNITS} different images, one each to train, validate and test: "
            f"{listed}. Add and verify more samples, or take the label out of the dataset.",
            errors={label: f"{count} different images" for label, count in few.items()},
        )


def check_split(split: Split) -> None:
    """Refuse a split that leaves too little to judge the model by."""
    if len(split.test) < MINIMUM_TEST:
        raise Invalid(
            f"Only {len(split.test)} images are left for the final test, and an edge server must be able to check "
            f"{MINIMUM_TEST}. Add and verify more samples, or raise test_fraction.",
            errors={"test_fraction": f"leaves {len(split.test)} test images, {MINIMUM_TEST} are needed"},
        )


def write_split(split: Split, path: Path) -> None:
    """JSON lines of {"sample_id", "label", "split"}, ordered by sample id."""
    rows = [
        {"sample_id": sample.sample_id, "label": sample.label, "split": name}
        for name, chosen in split.items()
        for sample in chosen
    ]
    rows.sort(key=lambda row: row["sample_id"])
    path.write_text("".join(json.dumps(row, sort_keys=True) + "\n" for row in rows), encoding="utf-8")


def summarize(split: Split, *, seed: int, path: Path) -> dict[str, Any]:
    """What is kept with the job."""
    return {
        "method": METHOD,
        "seed": seed,
        "counts": {name: len(chosen) for name, chosen in split.items()},
        "per_class": {
            name: dict(sorted(Counter(sample.label for sample in chosen).items())) for name, chosen in split.items()
        },
        "split_path": str(path),
    }


def _rank(seed: int, unit: str) -> str:
    return hashlib.sha256(f"{seed}\n{unit}".encode()).hexdigest()


def _label_of_units(samples: Iterable[TrainingSample]) -> dict[str, str]:
    """A unit whose samples carry several labels counts for the first in alphabetical order."""
    label_of: dict[str, str] = {}
    for sample in samples:
        label_of[sample.unit] = min(sample.label, label_of.get(sample.unit, sample.label))
    return label_of


def _cut(
    ranked: Sequence[str], units: dict[str, list[TrainingSample]], validation_fraction: float, test_fraction: float
) -> dict[str, Sequence[str]]:
    """Cut one class: test first, then validation, the rest trains; each takes one unit at least where there are three."""
    total = sum(len(units[unit]) for unit in ranked)
    test = _take(ranked, units, test_fraction * total, leave=2)
    validation = _take(ranked[test:], units, validation_fraction * total, leave=1)
    return {"test": ranked[:test], "validation": ranked[test : test + validation], "train": ranked[test + validation :]}


def _take(ranked: Sequence[str], units: dict[str, list[TrainingSample]], wanted: float, *, leave: int) -> int:
    """How many units from the front come nearest to `wanted` samples, at least 1, and leaving `leave` behind."""
    most = len(ranked) - leave
    if most < 1:
        return 0
    taken, samples = 1, len(units[ranked[0]])
    while taken < most and samples + len(units[ranked[taken]]) / 2 <= wanted:
        samples += len(units[ranked[taken]])
        taken += 1
    return taken
