"""What was found: how many faults of each kind, the first of them in full, and every one in a file if one is given.

The report stays small however many faults there are.
"""

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from app.formats.records import Fault

SHOWN = 100


@dataclass(slots=True)
class Report:
    """Give its `add` to readers; then ask for `left_out` and `as_dict`."""

    every_fault: Path | None = None
    kinds: Counter[str] = field(default_factory=Counter)
    first: list[Fault] = field(default_factory=list)
    left_out: int = 0
    _file: IO[str] | None = None

    def __enter__(self) -> Self:
        if self.every_fault is not None:
            self._file = self.every_fault.open("w", encoding="utf-8")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, fault: Fault) -> None:
        """Count it, and keep it if it is one of the first."""
        self.kinds[fault.kind] += 1
        self.left_out += fault.left_out
        if len(self.first) < SHOWN:
            self.first.append(fault)
        if self._file is not None:
            self._file.write(json.dumps(asdict(fault), ensure_ascii=True) + "\n")

    @property
    def count(self) -> int:
        """How many faults there are, with those whose item went in."""
        return self.kinds.total()

    def as_dict(self) -> dict[str, Any]:
        """For a column or an answer: counts, and the first faults."""
        return {
            "faults": self.count,
            "left_out": self.left_out,
            "kinds": dict(self.kinds.most_common()),
            "first": [asdict(fault) | {"place": fault.place} for fault in self.first],
        }
