"""What several independent opinions about one sample say together: a proposal, and where they differ.

A proposal holds what at least `quorum` people say: the class that they name (classification), each class that they name
(multilabel), each object that they drew, with the median of its edges and the class that most of them gave it
(detection; see `box_matching`). It is *unanimous* if nobody said anything else. Whatever somebody said otherwise is a
`Difference`, so disagreements surface and are never averaged out. Where votes are tied there is no answer, the proposal
is not *complete*, and a person has to decide.

Rules: the order of people and boxes does not matter; opinions that are equal give exactly that opinion back; no box is
proposed that overlaps anything less than everybody in its group drew. Plain values in, plain values out.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from app.domain.box_matching import Box, Drawn, groups, middle

Kind = Literal["class", "missing", "attribute"]
FEWEST, MOST = 1, 20


@dataclass(frozen=True)
class Opinion:
    """What one person says of a sample, in the values of its dataset's task."""

    annotator: int
    labels: dict[str, Any]
    annotations: list[dict[str, Any]]


@dataclass(frozen=True)
class Rule:
    """How opinions become a proposal: how many people must agree, and when two boxes are one object."""

    task: str
    quorum: int
    least_overlap: float = 0.5


@dataclass(frozen=True)
class Difference:
    """One thing that not everybody says. `votes` names who said what; `box` is where, None for the whole sample.

    class: people named different classes; missing: some named or drew it and others did not; attribute: one object,
    described differently.
    """

    kind: Kind
    name: str
    votes: dict[str, list[int]]
    box: Box | None = None


@dataclass(frozen=True)
class Proposal:
    """What the opinions say together. `agreement` is from 0 to 1: how much of what was said everybody would say."""

    labels: dict[str, Any]
    annotations: list[dict[str, Any]]
    differences: list[Difference]
    is_complete: bool
    agreement: float

    @property
    def is_unanimous(self) -> bool:
        return self.is_complete and not self.differences


def majority(people: int) -> int:
    """More than half of `people`."""
    return people // 2 + 1


def propose(opinions: Sequence[Opinion], rule: Rule) -> Proposal:
    """What `opinions` (at least one, one of each person) say together under `rule`."""
    if not opinions:
        raise ValueError("a proposal needs opinions")
    ordered = sorted(opinions, key=lambda one: one.annotator)
    if rule.task == "detection":
        return _objects(ordered, rule)
    return _classes(ordered, rule) if rule.task == "multilabel" else _class(ordered, rule)


def _class(opinions: Sequence[Opinion], rule: Rule) -> Proposal:
    votes = _votes((one.labels.get("class", ""), one.annotator) for one in opinions)
    winner = _winner(votes, rule.quorum)
    differences = [Difference("class", "", votes)] if len(votes) > 1 else []
    labels = {} if winner is None else {"class": winner}
    most = max(len(people) for people in votes.values())
    return Proposal(labels, [], differences, winner is not None, most / len(opinions))


def _classes(opinions: Sequence[Opinion], rule: Rule) -> Proposal:
    """Each class is a question of its own: shown or not."""
    votes = _votes((name, one.annotator) for one in opinions for name in one.labels.get("classes", []))
    kept = sorted(name for name, people in votes.items() if len(people) >= rule.quorum)
    differences = [
        Difference("missing", name, {"yes": people, "no": _others(opinions, people)})
        for name, people in sorted(votes.items())
        if len(people) < len(opinions)
    ]
    # Without a majority for or against it, silence is no answer either.
    tied = any(len(people) * 2 == len(opinions) and len(people) < rule.quorum for people in votes.values())
    shares = [max(len(people), len(opinions) - len(people)) / len(opinions) for people in votes.values()]
    return Proposal({"classes": kept}, [], differences, not tied, _mean(shares))


def _objects(opinions: Sequence[Opinion], rule: Rule) -> Proposal:
    drawn = [Drawn(one.annotator, annotation) for one in opinions for annotation in one.annotations]
    kept: list[dict[str, Any]] = []
    differences: list[Difference] = []
    shares, is_complete = [], True
    for group in groups(drawn, rule.least_overlap):
        box = middle([one.box for one in group])
        votes = _votes((str(one.annotation["class"]), one.annotator) for one in group)
        winner = _winner(votes, 1)
        people = [one.annotator for one in group]
        named = winner or " or ".join(sorted(votes))
        if len(group) < len(opinions):
            differences.append(Difference("missing", named, {"yes": people, "no": _others(opinions, people)}, box))
        if len(votes) > 1:
            differences.append(Difference("class", named, votes, box))
        shares.append(max(len(voters) for voters in votes.values()) / len(opinions))
        is_complete &= not _is_open(group, winner, len(opinions), rule.quorum)
        if winner is None or len(group) < rule.quorum:
            continue
        attributes, unlike = _attributes([one for one in group if one.annotation["class"] == winner], winner, box)
        differences.extend(unlike)
        kept.append({"id": _common_id(group), "class": winner, "box": list(box), "attributes": attributes})
    return Proposal({}, _with_ids(kept), differences, is_complete, _mean(shares))


def _is_open(group: Sequence[Drawn], winner: str | None, people: int, quorum: int) -> bool:
    """True if the votes say neither that the object is there nor what it is, nor that it is not there."""
    if len(group) >= quorum:
        return winner is None
    return len(group) * 2 == people


def _attributes(group: Sequence[Drawn], named: str, box: Box) -> tuple[dict[str, Any], list[Difference]]:
    """What most say of one object; what is tied is left out, and told as all that differs."""
    kept: dict[str, Any] = {}
    differences: list[Difference] = []
    described = [(one.annotator, one.annotation.get("attributes") or {}) for one in group]
    for name in sorted({name for _, values in described for name in values}):
        said = [(values.get(name), annotator) for annotator, values in described]
        known = {_hashable(value): value for value, _ in said}
        votes = _votes((_hashable(value), annotator) for value, annotator in said)
        winner = _winner(votes, 1)
        if winner is not None and known[winner] is not None:
            kept[name] = known[winner]
        if len(votes) > 1:
            told = {"—" if known[key] is None else str(known[key]): people for key, people in votes.items()}
            differences.append(Difference("attribute", f"{named}: {name}", told, box))
    return kept, differences


def _votes(said: Iterable[tuple[Any, int]]) -> dict[Any, list[int]]:
    votes: dict[Any, list[int]] = {}
    for value, annotator in said:
        votes.setdefault(value, []).append(annotator)
    return votes


def _winner(votes: dict[Any, list[int]], quorum: int) -> Any:
    """What most say, if these are enough and no other answer has as many; None otherwise."""
    best = Counter({value: len(people) for value, people in votes.items()}).most_common(2)
    if not best or best[0][1] < quorum or (len(best) > 1 and best[0][1] == best[1][1]):
        return None
    return best[0][0]


def _others(opinions: Sequence[Opinion], people: Sequence[int]) -> list[int]:
    return [one.annotator for one in opinions if one.annotator not in people]


def _hashable(value: Any) -> Hashable:
    # True equals 1 in Python, and a flag is not a number.
    return isinstance(value, bool), value


def _common_id(group: Sequence[Drawn]) -> str:
    ids = {str(one.annotation["id"]) for one in group}
    return ids.pop() if len(ids) == 1 else ""


def _with_ids(kept: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """An id that all gave to a box stays, unless two boxes have it; the others are numbered by place."""
    taken = Counter(one["id"] for one in kept if one["id"])
    numbers = (f"c{number}" for number in range(1, 2 * len(kept) + 2))
    fresh = (name for name in numbers if name not in taken)
    return [{**one, "id": one["id"] if taken[one["id"]] == 1 else next(fresh)} for one in kept]


def _mean(shares: Sequence[float]) -> float:
    return sum(shares) / len(shares) if shares else 1.0
