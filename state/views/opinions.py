"""Opinions as the page shows them side by side: panels with boxes in percent of the picture, and words for the rest."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from app.domain.box_matching import Box, overlap
from app.schemas.opinions import (
    AnnotatorProgress,
    DecisionView,
    DifferenceView,
    DisagreementView,
    OpinionProgress,
    OpinionsView,
)
from state.views.words import iso

# A box that overlaps a difference by so much is the one that it speaks of.
SAME_PLACE = 0.3
KINDS = {
    "automatic": "All said the same",
    "proposal": "Proposal taken",
    "opinion": "One opinion taken",
    "edited": "Decided with a label of their own",
    "corrected": "Corrected later",
}


class BoardBox(TypedDict):
    """A box over a picture: where it is in percent, what it is, and how it is drawn (plain, differs or missing)."""

    left: str
    top: str
    width: str
    height: str
    name: str
    look: str


class Panel(TypedDict):
    """What one person says, or the proposal."""

    key: str
    title: str
    label: str
    note: str
    person: int
    can_take: bool
    boxes: list[BoardBox]


class DisagreementRow(TypedDict):
    """An entry of the queue."""

    sample_id: str
    url: str
    title: str
    note: str
    created_at: str


class DecisionRow(TypedDict):
    """A decision, and whether it can still be undone."""

    id: str
    sample_id: str
    title: str
    note: str
    reason: str
    created_at: str
    can_undo: bool


def panels(found: OpinionsView, size: tuple[int, int], people: Mapping[int, str], me: int) -> list[Panel]:
    """The proposal first, then each person; what differs is marked in each, and what somebody did not draw too."""
    differences = found.proposal.differences if found.proposal else []
    shown: list[Panel] = []
    if found.proposal is not None:
        complete = found.proposal.is_complete
        shown.append(
            {
                "key": "proposal",
                "title": "Proposal",
                "label": label_of(found.proposal.labels, found.proposal.annotations),
                "note": f"{found.proposal.agreement_percent} % agreement" + ("" if complete else " · votes are tied"),
                "person": 0,
                "can_take": complete and all(one.annotator_id != me for one in found.opinions),
                "boxes": _boxes(found.proposal.annotations, size, differences, None),
            }
        )
    for one in found.opinions:
        shown.append(
            {
                "key": str(one.annotator_id),
                "title": people.get(one.annotator_id, "") or f"Person {one.annotator_id}",
                "label": label_of(one.labels, one.annotations),
                "note": "your own" if one.annotator_id == me else "",
                "person": one.annotator_id,
                "can_take": found.state == "disputed" and one.annotator_id != me,
                "boxes": _boxes(one.annotations, size, differences, one.annotator_id),
            }
        )
    return shown


def label_of(labels: Mapping[str, Any], annotations: Sequence[Any]) -> str:
    """A label in a few words."""
    if "class" in labels:
        return str(labels["class"])
    if "classes" in labels:
        return ", ".join(labels["classes"]) or "none of the classes"
    if not annotations:
        return "nothing"
    return f"{len(annotations)} {'box' if len(annotations) == 1 else 'boxes'}"


def difference_text(one: DifferenceView, people: Mapping[int, str]) -> str:
    """A difference in a sentence: who says what."""

    def named(ids: Sequence[int]) -> str:
        return ", ".join(people.get(person, "") or f"person {person}" for person in ids)

    if one.kind == "missing":
        what = f"Box {one.name}: drawn" if one.box else f"{one.name}: named"
        return f"{what} by {named(one.votes['yes'])}, not by {named(one.votes['no'])}"
    votes = "; ".join(f"{value} by {named(ids)}" for value, ids in one.votes.items())
    if one.kind == "class":
        return f"Class of a box: {votes}" if one.box else f"Class: {votes}"
    return f"{one.name}: {votes}"


def disagreement_row(one: DisagreementView) -> DisagreementRow:
    """An entry of the queue with its picture."""
    count = one.difference_count
    return {
        "sample_id": str(one.sample_id),
        "url": one.url,
        "title": f"sample {str(one.sample_id)[:8]}",
        "note": f"{one.agreement_percent} % agreement, {count} {'difference' if count == 1 else 'differences'}",
        "created_at": iso(one.created_at),
    }


def decision_row(one: DecisionView) -> DecisionRow:
    """A decision in words."""
    undone = " · undone" if one.undone_at else " · replaced" if one.ended_at else ""
    by = f" by {one.decided_by_name}" if one.decided_by_name else ""
    return {
        "id": str(one.id),
        "sample_id": str(one.sample_id),
        "title": f"{KINDS[one.kind]}{by}{undone}",
        "note": label_of(one.labels, one.annotations),
        "reason": one.reason,
        "created_at": iso(one.created_at),
        "can_undo": one.undone_at is None and one.ended_at is None,
    }


def count_bars(found: OpinionProgress) -> list[dict[str, Any]]:
    """A bar for each number of opinions that samples have."""
    most = found.opinions_per_sample
    return [
        {
            "label": f"{count} of {most}",
            "percent": samples * 100 // found.asked if found.asked else 0,
            "text": f"{samples:,}",
            "hint": f"{samples:,} samples have {count} of {most} opinions",
            "tone": "plain",
        }
        for count, samples in enumerate(found.by_count)
    ]


def annotator_bars(people: Sequence[AnnotatorProgress]) -> list[dict[str, Any]]:
    """A bar for each person, of how many opinions they gave."""
    most = max((one.given for one in people), default=0)
    return [
        {
            "label": one.annotator or f"Person {one.annotator_id}",
            "percent": one.given * 100 // most if most else 0,
            "text": f"{one.given:,}" + (f" (+{one.waiting:,} open)" if one.waiting else ""),
            "hint": f"{one.given:,} opinions given, {one.waiting:,} samples handed out and not answered",
            "tone": "plain",
        }
        for one in people
    ]


def _boxes(
    annotations: Sequence[Any], size: tuple[int, int], differences: Sequence[DifferenceView], person: int | None
) -> list[BoardBox]:
    """The boxes of one panel, and a ghost where it has none: what a person did not draw, or the proposal leaves out."""
    width, height = size
    if not width or not height:
        return []
    told = [(one, _place(one.box)) for one in differences if one.box is not None]
    boxes = []
    for annotation in annotations:
        place = _place(annotation["box"])
        differs = any(overlap(place, other) >= SAME_PLACE for _, other in told)
        boxes.append(_drawn(place, size, str(annotation["class"]), "differs" if differs else "plain"))
    own = [_place(annotation["box"]) for annotation in annotations]
    for one, place in told:
        if person is not None and one.kind == "missing" and person in one.votes["no"]:
            boxes.append(_drawn(place, size, f"no {one.name}", "missing"))
        elif person is None and all(overlap(place, other) < SAME_PLACE for other in own):
            boxes.append(_drawn(place, size, f"{one.name}?", "missing"))
            own.append(place)
    return boxes


def _place(box: Sequence[float]) -> Box:
    left, top, width, height = box
    return float(left), float(top), float(width), float(height)


def _drawn(place: Box, size: tuple[int, int], name: str, look: str) -> BoardBox:
    left, top, width, height = place
    return {
        "left": f"{left * 100 / size[0]:.3f}%",
        "top": f"{top * 100 / size[1]:.3f}%",
        "width": f"{width * 100 / size[0]:.3f}%",
        "height": f"{height * 100 / size[1]:.3f}%",
        "name": name,
        "look": look,
    }
