"""Labels under review as the page shows them."""

from typing import Any, TypedDict

from app.schemas.review_queue import Risk, Waiting
from app.schemas.samples import SampleDetail
from state.views.words import number

WORDS = {
    Risk.DISAGREEMENT: "People disagree",
    Risk.LOW_QUALITY: "Often corrected author",
    Risk.NEW_ANNOTATOR: "New author",
    Risk.RANDOM: "Random check",
}


class QueueCard(TypedDict):
    """A label that waits, in the line of small pictures and as the large one."""

    id: str
    url: str
    thumbnail: str
    alt: str
    width: int
    height: int
    label: str
    author: str
    reasons: list[str]
    risk: str


NOTHING: QueueCard = {
    "id": "",
    "url": "",
    "thumbnail": "",
    "alt": "",
    "width": 0,
    "height": 0,
    "label": "",
    "author": "",
    "reasons": [],
    "risk": "",
}


def queue_card(item: Waiting) -> QueueCard:
    """A label that waits and why it does."""
    sample, label = item.sample, label_in_words(item.sample)
    return {
        "id": str(sample.id),
        "url": sample.url,
        "thumbnail": sample.thumbnail or sample.url,
        "alt": f"sample {str(sample.id)[:8]}, labelled {label}",
        "width": sample.width or 0,
        "height": sample.height or 0,
        "label": label,
        "author": item.author,
        "reasons": [WORDS[reason] for reason in item.reasons],
        "risk": f"{item.risk:.2f}",
    }


def label_in_words(sample: SampleDetail) -> str:
    """What a label says in a line: the class, the classes, or how many boxes of which class."""
    if "class" in sample.labels:
        return str(sample.labels["class"])
    if "classes" in sample.labels:
        return ", ".join(map(str, sample.labels["classes"])) or "none of the classes"
    found: dict[str, int] = {}
    for box in sample.annotations:
        found[box["class"]] = found.get(box["class"], 0) + 1
    return ", ".join(f"{name} × {number(count)}" for name, count in sorted(found.items())) or "nothing there"


def colours(label_schema: dict[str, Any]) -> dict[str, str]:
    """The colour of each class."""
    return {str(entry["name"]): str(entry.get("color", "#6e56cf")) for entry in label_schema["classes"]}
