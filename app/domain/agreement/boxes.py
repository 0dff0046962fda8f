"""Which boxes of different people are the same object, by intersection over union (IoU).

Two boxes are candidates for one object when their IoU reaches the threshold, whatever their classes: a wrong class is a
disagreement about an object, not two objects. Candidates are taken from the best overlap down (greedily), and a box has
at most one partner per person. The threshold of 0.5 and one-to-one assignment are those of PASCAL VOC (Everingham et
al., The PASCAL Visual Object Classes (VOC) Challenge, IJCV 2010); of equal overlaps the one of the same class comes
first.

Boxes come flat, for a whole batch of samples, sorted by sample and then by person.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
# Pairs of boxes compared at a time, so that one image with thousands of boxes does not fill the memory.
MOST_PAIRS = 500_000


@dataclass(frozen=True)
class Boxes:
    """`N` boxes: whose and of which sample (`[N]`), of which class (`[N]`), and `x, y, width, height` (`[N, 4]`)."""

    sample: Ints
    person: Ints
    category: Ints
    corners: Floats


@dataclass(frozen=True)
class Overlaps:
    """Pairs of boxes of different people in one sample whose IoU reaches the threshold, best first."""

    left: Ints
    right: Ints
    iou: Floats


def overlaps(boxes: Boxes, threshold: float) -> Overlaps:
    """Every candidate pair; `left` stands before `right` in the order of the boxes."""
    count = len(boxes.sample)
    ends = np.searchsorted(boxes.sample, boxes.sample, side="right")
    partners = ends - np.arange(count) - 1
    upto = np.cumsum(partners)
    found: list[tuple[Ints, Ints, Floats]] = []
    start = 0
    while start < count:
        before = upto[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(upto, before + MOST_PAIRS, side="right")))
        found.append(_compared(boxes, np.arange(start, stop), partners[start:stop], threshold))
        start = stop
    if not found:
        return Overlaps(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    left, right, iou = (np.concatenate(part) for part in zip(*found, strict=True))
    differs = boxes.category[left] != boxes.category[right]
    order = np.lexsort((right, left, differs, -iou))
    return Overlaps(left[order], right[order], iou[order])


def partners_of_two(boxes: Boxes, found: Overlaps, people: int) -> list[tuple[int, int, float]]:
    """For every two people by themselves: `(left box, right box, IoU)` of what they both marked."""
    taken: set[int] = set()
    pairs: list[tuple[int, int, float]] = []
    lefts = found.left * people + boxes.person[found.right]
    rights = found.right * people + boxes.person[found.left]
    columns = (found.left, found.right, found.iou, lefts, rights)
    for left, right, iou, key, other in zip(*(column.tolist() for column in columns), strict=True):
        if key in taken or other in taken:
            continue
        taken.update((key, other))
        pairs.append((left, right, iou))
    return pairs


def objects_of_all(boxes: Boxes, found: Overlaps) -> Ints:
    """The number of the object that each box marks, `[N]`; nobody marks an object twice.

    Groups grow from the best overlap down and join only while they have nobody in common.
    """
    group = list(range(len(boxes.sample)))
    present = [1 << int(person) for person in boxes.person]

    def root(box: int) -> int:
        while group[box] != box:
            group[box] = group[group[box]]
            box = group[box]
        return box

    for left, right in zip(found.left.tolist(), found.right.tolist(), strict=True):
        one, other = root(left), root(right)
        if one != other and not present[one] & present[other]:
            group[other] = one
            present[one] |= present[other]
    return np.array([root(box) for box in range(len(group))], np.int64)


def _compared(boxes: Boxes, rows: Ints, partners: Ints, threshold: float) -> tuple[Ints, Ints, Floats]:
    """Each of `rows` with the `partners` boxes after it."""
    left = np.repeat(rows, partners)
    first = np.repeat(np.cumsum(partners) - partners, partners)
    right = left + 1 + np.arange(len(left)) - first
    apart = boxes.person[left] != boxes.person[right]
    left, right = left[apart], right[apart]
    iou = intersection_over_union(boxes.corners[left], boxes.corners[right])
    near = iou >= threshold
    return left[near], right[near], iou[near]


def intersection_over_union(one: Floats, other: Floats) -> Floats:
    """IoU of boxes `[N, 4]` (x, y, width, height) with as many others, `[N]`; 0 where both are empty."""
    low = np.maximum(one[:, :2], other[:, :2])
    high = np.minimum(one[:, :2] + one[:, 2:], other[:, :2] + other[:, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    union = np.prod(one[:, 2:], axis=1) + np.prod(other[:, 2:], axis=1) - shared
    iou: Floats = np.divide(shared, union, out=np.zeros(len(one)), where=union > 0)
    return iou
