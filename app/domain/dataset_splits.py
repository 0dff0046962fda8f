"""Which samples train, which choose the best epoch, and which give the final score: decided once, when they are frozen.

Rules: a unit (samples that look nearly the same, the frames of one video, and whatever these join) is never cut apart;
every class is cut in the same proportions as nearly as units allow, and is in every split once it has three units;
the same units, seed and shares give the same split in any order. What has a split keeps it. Where samples of several
splits turn out to be one unit, the unit goes to the first of train, validation and test that has any of it: what was
trained on must not judge the model, so a test image that proves to be a copy of a training image leaves the test.

Units are ranked by sha256(seed, content), so a split depends on the pictures and not on the ids they got at upload.
Stratification is greedy, in the spirit of K. Sechidis et al., "On the Stratification of Multi-Label Data" (ECML 2011):
each unit goes to the first split that still lacks its classes.
"""

import hashlib
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.domain.dataset_versions import SPLITS
from app.errors import Invalid

NO_CLASS = ""
"""What a sample without any class is counted as, so that those are cut in proportion too."""
# What tools call each split.
WORDS = {"train": ("train", "training"), "validation": ("validation", "val", "valid"), "test": ("test", "testing")}


@dataclass(frozen=True)
class SplitPlan:
    """The shares of validation and test; the rest trains."""

    validation: float = 0.15
    test: float = 0.15
    seed: int = 0

    def __post_init__(self) -> None:
        if not (0 <= self.validation <= 0.5 and 0 <= self.test <= 0.5):
            raise Invalid("validation and test are shares from 0 to 0.5; what they leave trains.", field="split")


def spoken(name: object) -> str | None:
    """The split that other tools' words mean (`val`, `training`, …), or None."""
    word = str(name).strip().lower()
    return next((split for split, words in WORDS.items() if word in words), None)


def settled(found: Iterable[str]) -> str | None:
    """The split of a unit whose samples have these; None if none has one."""
    present = set(found)
    return next((name for name in SPLITS if name in present), None)


def rank(seed: int, content: str) -> str:
    """The place of a unit among all; `content` is the smallest digest in it."""
    return hashlib.sha256(f"{seed}\n{content}".encode()).hexdigest()


class Groups:
    """Union-find over whatever holds samples together: near-duplicate groups and videos."""

    def __init__(self) -> None:
        self._parent: dict[Hashable, Hashable] = {}

    def join(self, *keys: Hashable) -> None:
        """All of `keys` are one unit."""
        roots = sorted({self.root(key) for key in keys}, key=repr)
        for other in roots[1:]:
            self._parent[other] = roots[0]

    def root(self, key: Hashable) -> Hashable:
        """The same for all keys of one unit."""
        path = []
        while (parent := self._parent.setdefault(key, key)) != key:
            path.append(key)
            key = parent
        for each in path:
            self._parent[each] = key
        return key


@dataclass
class Stock:
    """How many samples of each class there are, in all and by split, and how many units wait for a split."""

    total: Counter[str] = field(default_factory=Counter)
    have: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in SPLITS})
    waiting: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, statistics: Mapping[str, Any]) -> "Stock":
        """What a version has, from its statistics."""
        stock = cls()
        for name, counts in {**statistics.get("classes", {}), NO_CLASS: statistics.get("no_class", {})}.items():
            stock.total[name] = counts.get("samples", 0)
            for split in SPLITS:
                stock.have[split][name] = counts.get(split, 0)
        return stock

    def add(self, classes: Iterable[str], split: str | None, times: int = 1) -> None:
        """Count a sample, or so many alike; one that has no split yet is counted in `total` only."""
        for name in set(classes) or {NO_CLASS}:
            self.total[name] += times
            if split is not None:
                self.have[split][name] += times

    def expect(self, classes: Iterable[str], times: int = 1) -> None:
        """A unit that shows `classes`, or so many such units, will be placed."""
        for name in set(classes) or {NO_CLASS}:
            self.waiting[name] += times


class Placing:
    """Hands out units one by one, in their rank: test is filled first, then validation, and the rest trains.

    A split takes a unit while that brings it nearer to its share of the unit's classes, and always when it has nothing
    of one of them and no unit is left over; but it never takes what a later split needs to have any of a class at all.
    """

    def __init__(self, stock: Stock, plan: SplitPlan) -> None:
        self._stock = stock
        self._shares = {"test": plan.test, "validation": plan.validation}

    def place(self, counts: Mapping[str, int]) -> str:
        """The split of a unit with so many samples of each class; it is counted there."""
        mine = Counter(counts) or Counter({NO_CLASS: 1})
        name = next((each for each in ("test", "validation") if self._takes(each, mine)), "train")
        self._stock.have[name].update(mine)
        self._stock.waiting.subtract(mine.keys())
        return name

    def _takes(self, name: str, counts: Counter[str]) -> bool:
        share, have = self._shares[name], self._stock.have[name]
        if not share:
            return False
        behind = ("validation", "train") if name == "test" else ("train",)
        later = [each for each in behind if self._shares.get(each, 1)]
        must = False
        for label in counts:
            lacking = sum(not self._stock.have[other][label] for other in later)
            left = self._stock.waiting[label] - 1
            if left < lacking:
                return False
            must |= not have[label] and left == lacking
        if must:
            return True
        room = sum(min(share * self._stock.total[label] - have[label], number) for label, number in counts.items())
        return room >= counts.total() / 2
