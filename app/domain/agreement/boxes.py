"""Which boxes of different people are the same object, by intersection over union (IoU), for many samples at once.

Two boxes are candidates for one object when their IoU reaches the threshold, whatever their classes: a wrong class is a
disagreement about an object, not two objects. Candidates are taken from the best overlap down (greedily), and a box has
at most one partner per person. The usual threshold of 0.5 and one-to-one assignment are those of PASCAL VOC (Everingham
et al., The PASCAL Visual Object Classes (VOC) Challenge, IJCV 2010); of equal overlaps the same class comes first.
For all people together the rule is that of `app.domain.box_matching`, which makes the proposals: what is one object
there is one object here.

Boxes come flat, for a whole batch of samples, sorted by sample and then by person. Almost all of them overlap nothing
but their own partners; those are settled by counting, and only the rest one by one.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
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

    def only(self, rows: Flags) -> "Overlaps":
        """Some of them, in the same order."""
        return Overlaps(self.left[rows], self.right[rows], self.iou[rows])


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


def partners_of_two(boxes: Boxes, found: Overlaps, people: int) -> Overlaps:
    """For every two people by themselves: what they both marked, each box with at most one of the other's."""
    lefts = found.left * people + boxes.person[found.right]
    rights = found.right * people + boxes.person[found.left]
    often = np.bincount(np.concatenate([lefts, rights]), minlength=1)
    alone = (often[lefts] == 1) & (often[rights] == 1)
    taken: set[int] = set()
    kept = alone.copy()
    for row in np.flatnonzero(~alone).tolist():
        left, right = int(lefts[row]), int(rights[row])
        if left not in taken and right not in taken:
            taken.update((left, right))
            kept[row] = True
    return found.only(kept)


def objects_of_all(boxes: Boxes, found: Overlaps) -> Ints:
    """The number of the object that each box marks, `[N]`: nobody marks it twice, and all boxes of it overlap.

    Groups grow from the best overlap down and join only while that stays true (complete linkage).
    """
    component = _components(len(boxes.sample), found)
    size = np.bincount(component, minlength=len(component))
    inside = np.bincount(component[found.left], minlength=len(component))
    # Where every two boxes overlap, they are of different people (nobody is compared with themselves): one object.
    complete = inside == size * (size - 1) // 2
    return _joined_one_by_one(
        boxes,
        found.only(~complete[component[found.left]]),
        np.where(complete[component], component, np.arange(len(component))),
    )


def _components(count: int, found: Overlaps) -> Ints:
    """The lowest box that each box is connected with."""
    lowest = np.arange(count)
    while True:
        before = lowest.copy()
        np.minimum.at(lowest, found.left, before[found.right])
        np.minimum.at(lowest, found.right, before[found.left])
        if np.array_equal(before, lowest):
            return lowest


def _joined_one_by_one(boxes: Boxes, found: Overlaps, group: Ints) -> Ints:
    pairs = list(zip(found.left.tolist(), found.right.tolist(), strict=True))
    near = set(pairs)
    members: dict[int, list[int]] = {box: [box] for pair in pairs for box in pair}
    for left, right in pairs:
        one, other = members[left], members[right]
        if one is other or {boxes.person[box] for box in one} & {boxes.person[box] for box in other}:
            continue
        if all((min(a, b), max(a, b)) in near for a in one for b in other):
            one += other
            for box in other:
                members[box] = one
    group = group.copy()
    for box, together in members.items():
        group[box] = min(together)
    return group


def _compared(boxes: Boxes, rows: Ints, partners: Ints, threshold: float) -> tuple[Ints, Ints, Floats]:
    """Each of `rows` with the `partners` boxes after it."""
    left = np.repeat(rows, partners)
    first = np.repeat(np.cumsum(partners) - partners, partners)
    right = left + 1 + np.arange(len(left)) - first
    low, width = boxes.corners[:, 0], boxes.corners[:, 2]
    # Most pairs have no column in common, or are of one person: the rest is little.
    touching = (low[left] < (low + width)[right]) & (low[right] < (low + width)[left])
    touching &= boxes.person[left] != boxes.person[right]
    left, right = left[touching], right[touching]
    iou = intersection_over_union(boxes.corners[left], boxes.corners[right])
    near = iou >= threshold
    return left[near], right[near], iou[near]


def intersection_over_union(one: Floats, other: Floats) -> Floats:
    """IoU of boxes `[N, 4]` (x, y, width, height) with as many others, `[N]`; 0 where both are empty."""
    (x, y, width, height), (a, b, wide, high) = one.T, other.T
    across = np.clip(np.minimum(x + width, a + wide) - np.maximum(x, a), 0, None)
    down = np.clip(np.minimum(y + height, b + high) - np.maximum(y, b), 0, None)
    shared = across * down
    union = width * height + wide * high - shared
    iou: Floats = np.divide(shared, union, out=np.zeros(len(one)), where=union > 0)
    return iou
