"""The one neutral shape between every annotation format and the product, and what may be wrong with an item.

Readers yield `Draft`s: what a file says, unchecked, with the line it stands on. `reading.py` checks each draft once,
for all formats, and yields `Record`s. Writers take `Record`s. Boxes are `x, y, width, height` in pixels of the upright
image, the origin at its upper left corner, kept to 1/10,000 of a pixel.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Scalar = str | int | float | bool
Task = Literal["classification", "multilabel", "detection"]
TASKS: tuple[Task, ...] = ("classification", "multilabel", "detection")
DECIMALS = 4
MAX_BOXES = 1000
# How tools call the parts of a split, and what they are called here.
SPLITS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is not as it should be: where, what, and what to do.

    `left_out` is true when an item (a box, an image, a file) stays outside because of it; otherwise it goes in, and the
    fault says what was done with it. `kind` is stable and counts like with like.
    """

    kind: str
    file: str
    line: int | None
    what: str
    todo: str
    left_out: bool = True

    @property
    def place(self) -> str:
        """`file:line`, as editors open it."""
        return self.file if self.line is None else f"{self.file}:{self.line}"


Report = Callable[[Fault], None]


@dataclass(frozen=True, slots=True)
class AttributeSpec:
    """One attribute that boxes of a class may have."""

    name: str
    type: Literal["text", "number", "choice", "flag"] = "text"
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClassSpec:
    """A class as a file or a label schema knows it; `color` as `#rrggbb`, `key` as one letter or digit."""

    name: str
    color: str | None = None
    key: str | None = None
    attributes: tuple[AttributeSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class Box:
    """A checked box: inside its image, with an area, in pixels."""

    class_name: str
    x: float
    y: float
    width: float
    height: float
    attributes: Mapping[str, Scalar] = field(default_factory=dict)
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One image and what is said about it.

    `labelled` without classes and boxes means: somebody looked, and there is nothing. `name` is a relative path with
    forward slashes. `line` and `file` say where the record stands; they are no part of what it says.
    """

    name: str
    labelled: bool
    width: int | None = None
    height: int | None = None
    classes: tuple[str, ...] = ()
    boxes: tuple[Box, ...] = ()
    attributes: Mapping[str, Scalar] = field(default_factory=dict)
    split: str | None = None
    captured_at: datetime | None = None
    source_id: str | None = None
    verified: bool = False
    file: str = field(default="", compare=False)
    line: int | None = field(default=None, compare=False)


@dataclass(slots=True)
class DraftBox:
    """A box as a file says it. `scale` is what a whole side of the image counts: None for pixels, 1 or 100."""

    class_name: str
    x: float
    y: float
    width: float
    height: float
    line: int | None = None
    attributes: dict[str, Scalar] = field(default_factory=dict)
    id: str | None = None
    scale: float | None = None


@dataclass(slots=True)
class Draft:
    """A record as a file says it, unchecked. `near`: the folders to look for the image first."""

    name: str
    file: str
    line: int | None = None
    near: tuple[str, ...] = ()
    labelled: bool = True
    width: int | None = None
    height: int | None = None
    classes: list[str] = field(default_factory=list)
    boxes: list[DraftBox] = field(default_factory=list)
    attributes: dict[str, Scalar] = field(default_factory=dict)
    split: str | None = None
    captured_at: datetime | None = None
    source_id: str | None = None


def split_name(text: str | None) -> str | None:
    """`train`, `validation` or `test` for any of the names tools use; None for anything else."""
    return SPLITS.get(text.strip().lower()) if text else None
