"""Which boxes of several people are the same object, by geometry alone.

Pairs of boxes of different people are joined from the largest overlap (intersection over union, IoU) down, as the COCO
and Pascal VOC evaluations match detections greedily; a join stands only if no person is in it twice and every two boxes
of it overlap by the threshold (complete linkage). So a group never holds boxes that merely touch through a third one,
and what is made of its middle lies where all of its people drew. Nothing depends on the order of people or boxes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

Box = tuple[float, float, float, float]
"""x, y, width, height in pixels."""


@dataclass(frozen=True)
class Drawn:
    """A box as one person drew it; `annotation` is the whole value, with its class."""

    annotator: int
    annotation: dict[str, Any]

    @property
    def box(self) -> Box:
        x, y, width, height = self.annotation["box"]
        return float(x), float(y), float(width), float(height)

    @property
    def place(self) -> tuple[Any, ...]:
        """What orders boxes without regard to who drew them."""
        return (*self.box, self.annotation["class"], self.annotation["id"])


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes, from 0 (apart) to 1 (the same)."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    # Rounding may put equal boxes a hair above one.
    return min(1.0, shared / (one[2] * one[3] + other[2] * other[3] - shared))


def middle(boxes: Sequence[Box]) -> Box:
    """The median of each edge, to a tenth of a pixel: one careless edge moves it less than a mean would."""
    left, top = median(b[0] for b in boxes), median(b[1] for b in boxes)
    right, bottom = median(b[0] + b[2] for b in boxes), median(b[1] + b[3] for b in boxes)
    return round(left, 1), round(top, 1), round(right - left, 1), round(bottom - top, 1)


def groups(drawn: Sequence[Drawn], least_overlap: float) -> list[list[Drawn]]:
    """The boxes of each object, at most one of each person, ordered by place; every box is in exactly one group."""
    boxes = sorted(drawn, key=lambda one: one.place)
    member_of = {index: {index} for index in range(len(boxes))}
    for one, other in _best_first(boxes, least_overlap):
        first, second = member_of[one], member_of[other]
        if first is second or not _may_join(boxes, first, second, least_overlap):
            continue
        first |= second
        for index in second:
            member_of[index] = first
    found = {id(members): sorted(members) for members in member_of.values()}
    return [[boxes[index] for index in members] for members in sorted(found.values())]


def _may_join(boxes: Sequence[Drawn], first: set[int], second: set[int], least_overlap: float) -> bool:
    people = {boxes[index].annotator for index in first}
    if any(boxes[index].annotator in people for index in second):
        return False
    return all(overlap(boxes[a].box, boxes[b].box) >= least_overlap for a in first for b in second)


def _best_first(boxes: Sequence[Drawn], least_overlap: float) -> list[tuple[int, int]]:
    """Pairs of different people's boxes that overlap enough; of equal overlaps those that name the same class first."""
    scored = []
    for one, other in _touching(boxes):
        a, b = boxes[one], boxes[other]
        if a.annotator == b.annotator:
            continue
        score = overlap(a.box, b.box)
        if score >= least_overlap:
            same = a.annotation["class"] == b.annotation["class"]
            scored.append((-score, not same, a.place, b.place, one, other))
    return [(entry[-2], entry[-1]) for entry in sorted(scored)]


def _touching(boxes: Sequence[Drawn]) -> Iterator[tuple[int, int]]:
    """Pairs that share some columns of the image. `boxes` are ordered by their left edge (a sweep line)."""
    open_boxes: list[int] = []
    for index, drawn in enumerate(boxes):
        left = drawn.box[0]
        open_boxes = [one for one in open_boxes if boxes[one].box[0] + boxes[one].box[2] > left]
        yield from ((one, index) for one in open_boxes)
        open_boxes.append(index)
