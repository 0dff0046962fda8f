"""Versions of datasets, what they changed, and what a sample touched, as pages show them."""

from typing import Any, TypedDict

from app.domain.dataset_versions import SPLITS, Kind
from app.schemas.dataset_versions import SampleChange, VersionPreview, VersionSummary, VersionView
from app.schemas.training_jobs import TrainingJobView
from state.views.words import iso, size

SCOPES = {"verified": "verified samples", "labeled": "labelled samples", "all": "all samples"}
KINDS: dict[str, str] = {
    Kind.ADDED: "added",
    Kind.REMOVED: "removed",
    Kind.RELABELED: "relabelled",
    Kind.BOXES_ADDED: "boxes added",
    Kind.BOXES_REMOVED: "boxes removed",
    Kind.BOXES_MOVED: "boxes moved",
    Kind.BOXES_RELABELED: "boxes relabelled",
    Kind.REVIEWED: "reviewed",
    Kind.MOVED_SPLIT: "changed split",
    Kind.DETAILS: "other details",
}
# What a sample has, where the others say what became of it: "1 with boxes added", but "1 added".
_HAD = {Kind.BOXES_ADDED, Kind.BOXES_REMOVED, Kind.BOXES_MOVED, Kind.BOXES_RELABELED, Kind.DETAILS}


class SplitPart(TypedDict):
    """One part of a split: its share in percent, and how many."""

    name: str
    percent: str
    count: int


class DatasetVersionRow(TypedDict):
    """A version in the list."""

    id: str
    version: str
    message: str
    author: str
    created_at: str
    samples: str
    scope: str
    changes: str
    split: list[SplitPart]
    split_words: str
    single_person: bool
    has_samples: bool


class ClassLine(TypedDict):
    """A class of a version, with how many samples and boxes show it."""

    name: str
    color: str
    samples: str
    split: str
    boxes: str


class VersionFacts(TypedDict):
    """What stands beside the list about one version."""

    version: str
    sha256: str
    size: str
    sources: str
    boxes: str
    has_boxes: bool
    unlabeled: str
    seed: str
    shares: str
    classes: list[ClassLine]


class Box(TypedDict):
    """A box over a picture, in percent of its width and height."""

    x: str
    y: str
    width: str
    height: str
    tone: str
    label: str


class ChangeCard(TypedDict):
    """A sample that differs between two versions."""

    id: str
    url: str
    alt: str
    kinds: str
    before: str
    after: str
    boxes: list[Box]


class UseRow(TypedDict):
    """A job that was trained on a version, and the model that it made."""

    id: str
    name: str
    status: str
    model: str


class CountChip(TypedDict):
    """How many samples something happened to; `kind` filters by it."""

    kind: str
    text: str


NO_FACTS: VersionFacts = {
    "version": "", "sha256": "", "size": "", "sources": "", "boxes": "", "has_boxes": False, "unlabeled": "",
    "seed": "", "shares": "", "classes": [],
}  # fmt: skip


def dataset_version_row(item: VersionSummary) -> DatasetVersionRow:
    """A version, with its split as parts of a bar."""
    splits = item.statistics.get("splits", {})
    whole = sum(splits.get(name, 0) for name in SPLITS) or 1
    parts: list[SplitPart] = [
        {"name": name, "percent": f"{splits.get(name, 0) * 100 / whole:.1f}", "count": splits.get(name, 0)}
        for name in SPLITS
        if splits.get(name)
    ]
    return {
        "id": str(item.id),
        "version": item.version,
        "message": item.message,
        "author": item.created_by_name or "a super admin",
        "created_at": iso(item.created_at),
        "samples": f"{item.sample_count:,}",
        "scope": SCOPES[item.scope],
        "changes": changes_in_words(item.changes),
        "split": parts,
        "split_words": " · ".join(f"{part['count']:,} {part['name']}" for part in parts),
        "single_person": item.single_person_review,
        "has_samples": item.has_samples,
    }


def changes_in_words(changes: dict[str, int]) -> str:
    """How many samples changed in which way."""
    known = [_counted(changes[kind], kind) for kind in KINDS if changes.get(kind)]
    return ", ".join(known) or "no sample changed"


def count_chips(counts: dict[str, int]) -> list[CountChip]:
    """The same as chips to filter by."""
    return [{"kind": kind, "text": _counted(counts[kind], kind)} for kind in KINDS if counts.get(kind)]


def _counted(count: int, kind: str) -> str:
    return f"{count:,} {'with ' if kind in _HAD else ''}{KINDS[kind]}"


def version_facts(item: VersionView) -> VersionFacts:
    """What a version holds, in numbers."""
    found = item.statistics
    colors = {entry["name"]: entry.get("color", "") for entry in item.label_schema.get("classes", [])}
    classes = found.get("classes", {})
    plan = item.split
    return {
        "version": item.version,
        "sha256": item.sha256,
        "size": size(found.get("bytes", 0)),
        "sources": ", ".join(f"{count:,} {name}" for name, count in found.get("sources", {}).items()),
        "boxes": f"{found.get('boxes', 0):,}",
        "has_boxes": item.label_schema.get("task") == "detection",
        "unlabeled": f"{found.get('unlabeled', 0):,}",
        "seed": str(plan.get("seed", "")),
        "shares": f"{plan.get('validation', 0):.0%} validation, {plan.get('test', 0):.0%} test",
        "classes": [_class_line(name, colors, classes.get(name, {})) for name in [*colors, *(classes - colors.keys())]]
        if classes
        else [],
    }


def _class_line(name: str, colors: dict[str, str], counts: dict[str, int]) -> ClassLine:
    return {
        "name": name,
        "color": colors.get(name, "#888888"),
        "samples": f"{counts.get('samples', 0):,}",
        "split": " · ".join(f"{counts[part]:,} {part}" for part in SPLITS if counts.get(part)),
        "boxes": f"{counts.get('boxes', 0):,}",
    }


def use_row(job: TrainingJobView) -> UseRow:
    """A job in one line."""
    model = str(job.output_model_version) if job.output_model_version else ""
    return {"id": str(job.id), "name": job.name, "status": str(job.status), "model": model}


def preview_lines(item: VersionPreview) -> list[str]:
    """What a commit would make, in sentences."""
    if item.version is None:
        return [f"Nothing changed since {item.since}: there is nothing to commit."]
    since = f"Since {item.since}: {changes_in_words(item.changes)}." if item.since else "The first version."
    splits = item.statistics.get("splits", {})
    parts = ", ".join(f"{splits[name]:,} {name}" for name in SPLITS if splits.get(name))
    return [since, f"{item.sample_count:,} samples: {parts}."]


def change_card(item: SampleChange) -> ChangeCard:
    """A changed sample with its boxes before (dashed) and after."""
    shown: dict[str, Any] = item.after or item.before or {}
    width, height = shown.get("width") or 0, shown.get("height") or 0
    old, new = (_boxes(side, width, height) for side in (item.before, item.after))
    gone = {**{key: box for key, box in old.items() if new.get(key) != box}} if item.after else old
    boxes: list[Box] = [{**box, "tone": "before"} for box in gone.values()]
    boxes += [{**box, "tone": "after" if old.get(key) != box else "same"} for key, box in new.items()]
    return {
        "id": str(item.sample_id),
        "url": item.url,
        "alt": f"sample {str(item.sample_id)[:8]}",
        "kinds": ", ".join(KINDS[kind] for kind in item.kinds),
        "before": _said(item.before),
        "after": _said(item.after),
        "boxes": boxes[:200],
    }


def _boxes(side: dict[str, Any] | None, width: int, height: int) -> dict[str, Box]:
    if side is None or not width or not height:
        return {}
    found: dict[str, Box] = {}
    for place, box in enumerate(side["annotations"]):
        if "box" not in box:
            continue
        x, y, w, h = box["box"]
        found[str(box.get("id", place))] = {
            "x": f"{x * 100 / width:.3f}%",
            "y": f"{y * 100 / height:.3f}%",
            "width": f"{w * 100 / width:.3f}%",
            "height": f"{h * 100 / height:.3f}%",
            "tone": "",
            "label": str(box.get("class", "")),
        }
    return found


def _said(side: dict[str, Any] | None) -> str:
    """A label in words: the class, the classes, or how many boxes; and the split."""
    if side is None:
        return "not there"
    labels = side["labels"]
    named = labels.get("class") or ", ".join(labels.get("classes", []))
    if not named:
        count = len(side["annotations"])
        named = f"{count} box{'' if count == 1 else 'es'}" if count else "no label"
    return f"{named} · {side['split']}" if side.get("split") else named
