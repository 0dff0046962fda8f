"""Which images train the net, which choose the best epoch, and which give the final score.

Rules: the same samples, seed and fractions give the same split in any order and on any machine; every class is cut in
the same proportions; a class of at least three units (see `TrainingSample.unit`) is in every split; a unit is never
cut apart, and where one unit holds several classes the proportions are as near as that allows. Units are ranked by
sha256(seed, unit), so the split depends on the images and not on the ids they got at upload. What a base model was
trained on is ranked last: testing on it would flatter the score of the fine-tuned model.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.errors import Invalid
from workers.training.spec import TrainingSample

METHOD = "sha256-rank-per-class/1"
GIVEN = "dataset-version/1"
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
    units: dict[str, list[TrainingSample]] = defaultdict(list)
    for sample in samples:
        units[sample.unit].append(sample)
    shares = {"test": test_fraction, "validation": validation_fraction}
    filling = _Filling({unit: Counter(sample.label for sample in held) for unit, held in units.items()}, shares)
    parts: dict[str, list[TrainingSample]] = {name: [] for name in SPLITS}
    for unit in sorted(units, key=lambda unit: (unit_key(unit) in trained_before, _rank(seed, unit))):
        parts[filling.place(unit)].extend(units[unit])
    return Split(**{name: tuple(sorted(chosen, key=_canonical)) for name, chosen in parts.items()})


def given_split(samples: Sequence[TrainingSample]) -> Split | None:
    """The split of the dataset version, or None where the run has to split by itself."""
    if not any(sample.split for sample in samples):
        return None
    parts: dict[str, list[TrainingSample]] = {name: [] for name in SPLITS}
    for sample in samples:
        if sample.split not in parts:
            raise Invalid(f"Sample {sample.sample_id} has no split in its dataset version. Commit the dataset again.")
        parts[sample.split].append(sample)
    return Split(**{name: tuple(sorted(chosen, key=_canonical)) for name, chosen in parts.items()})


class _Filling:
    """Hands out units one by one: test is filled first, then validation, and the rest trains.

    A split takes a unit while that brings it nearer to its share of the unit's classes, and always when it has nothing
    of one of them yet; but it never takes what a later split needs to have any of a class at all.
    """

    def __init__(self, labels: Mapping[str, Counter[str]], shares: Mapping[str, float]) -> None:
        self._labels = labels
        self._shares = shares
        self._total: Counter[str] = Counter()
        self._units_left: Counter[str] = Counter()
        for counts in labels.values():
            self._total.update(counts)
            self._units_left.update(counts.keys())
        self._have: dict[str, Counter[str]] = {name: Counter() for name in SPLITS}

    def place(self, unit: str) -> str:
        counts = self._labels[unit]
        name = next((name for name in ("test", "validation") if self._takes(name, counts)), "train")
        self._have[name].update(counts)
        self._units_left.subtract(counts.keys())
        return name

    def _takes(self, name: str, counts: Counter[str]) -> bool:
        have, share = self._have[name], self._shares[name]
        later = ("validation", "train") if name == "test" else ("train",)
        for label in counts:
            if self._units_left[label] - 1 < sum(not self._have[other][label] for other in later):
                return False
        if any(not have[label] for label in counts):
            return True
        gain = sum(min(share * self._total[label] - have[label], count) for label, count in counts.items())
        return gain >= counts.total() / 2


def check_samples(samples: Sequence[TrainingSample], labels: Sequence[str]) -> None:
    """Refuse what cannot be trained, naming the class or sample at fault."""
    if len(labels) < 2:
        raise Invalid(f"Training needs at least 2 classes; the dataset has {len(labels)}. Add another label to it.")
    if len(set(labels)) != len(labels):
        raise Invalid("The list of labels names a class twice; every label must be there once.")
    for sample_id, times in Counter(sample.sample_id for sample in samples).items():
        if times > 1:
            raise Invalid(f"Sample {sample_id} is listed {times} times; every sample must be there once.")
    units: dict[str, set[str]] = {label: set() for label in labels}
    for sample in samples:
        if sample.label not in units:
            raise Invalid(
                f"Sample {sample.sample_id} has the label {sample.label!r}, which the dataset does not define. "
                "Correct the label, or add it to the dataset.",
                sample_id=sample.sample_id,
            )
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
    """Refuse a split that leaves too little to learn from or to judge the model by."""
    present = {name: {sample.label for sample in chosen} for name, chosen in split.items()}
    for name, labels in present.items():
        missing = sorted(set.union(*present.values()) - labels)
        if missing:
            raise Invalid(
                f"The {name} samples of the dataset version show nothing of {', '.join(map(repr, missing))}. Verify "
                "more samples, or commit a version that is split again."
            )
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


def summarize(split: Split, *, seed: int, path: Path, method: str = METHOD) -> dict[str, Any]:
    """What is kept with the job."""
    return {
        "method": method,
        "seed": seed,
        "counts": {name: len(chosen) for name, chosen in split.items()},
        "per_class": {
            name: dict(sorted(Counter(sample.label for sample in chosen).items())) for name, chosen in split.items()
        },
        "split_path": str(path),
    }


def _rank(seed: int, unit: str) -> str:
    return hashlib.sha256(f"{seed}\n{unit}".encode()).hexdigest()


def _canonical(sample: TrainingSample) -> tuple[str, str]:
    return (sample.sha256, sample.sample_id)
