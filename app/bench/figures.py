"""What a measurement of the data side says: one number with its unit and its goal, and the details behind it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from app.bench.place import Place


@dataclass(frozen=True)
class Figure:
    """`value` in `unit`; it reaches its goal when it is at least (`at_least`) or at most the `goal`."""

    what: str
    value: float
    unit: str
    goal: float
    at_least: bool = False
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def wanted(self) -> str:
        """The goal in words."""
        return f"{'≥' if self.at_least else '≤'} {self.goal:,.0f}"

    @property
    def reached(self) -> bool:
        """Whether the goal is reached."""
        return self.value >= self.goal if self.at_least else self.value <= self.goal


Measure = Callable[[Place], list[Figure]]


def table(figures: list[Figure]) -> str:
    """The figures as lines for people."""
    rows = [(f.what, f"{f.value:,.1f} {f.unit}", f.wanted, "yes" if f.reached else "NO") for f in figures]
    head = ("figure", "measured", "goal", "reached")
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
    return "\n".join(line.rstrip() for line in lines)
