"""Datasets and samples as pages show them."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, TypedDict

from app.domain.machines import sample_status
from app.schemas.dataset_activity import PersonActivity
from app.schemas.datasets import DatasetView
from app.schemas.overview import LabelsToVerify
from app.schemas.plans import Used
from app.schemas.samples import FILE_NAME, SampleDetail
from state.views.words import iso, share, size

TINY_PIXELS = 64
MOST_BOXES = 300


class DatasetRow(TypedDict):
    """A dataset."""

    id: str
    name: str
    description: str
    ai_module: str
    version: str
    environment: str
    status: str
    samples: int
    labeled: int
    verified: int
    labeled_percent: int
    verified_percent: int
    counts: str
    size: str
    plan_share: str
    plan_level: str
    classes: int
    owner: str
    is_single: bool
    created_at: str


class BoxLine(TypedDict):
    """A box over a picture, in its pixels."""

    id: str
    name: str
    colour: str
    x: float
    y: float
    width: float
    height: float


class SampleCard(TypedDict):
    """A sample that is shown large."""

    id: str
    url: str
    label: str
    status: str
    is_tiny: bool
    is_video: bool
    alt: str
    pixels: str
    view_box: str
    boxes: list[BoxLine]
    size: str
    sha256: str
    quality: str
    reason: str
    file_name: str
    duration: str
    captured_at: str
    video_id: str
    near_group: str
    created_at: str


class ActivityRow(TypedDict):
    """What somebody did in a dataset lately."""

    id: str
    name: str
    labeled: str
    reviewed: str


NO_DATASET: DatasetRow = {
    "id": "",
    "name": "",
    "description": "",
    "ai_module": "",
    "version": "",
    "environment": "",
    "status": "",
    "samples": 0,
    "labeled": 0,
    "verified": 0,
    "labeled_percent": 0,
    "verified_percent": 0,
    "counts": "",
    "size": "",
    "plan_share": "",
    "plan_level": "",
    "classes": 0,
    "owner": "",
    "is_single": False,
    "created_at": "",
}
NO_SAMPLE: SampleCard = {
    "id": "",
    "url": "",
    "label": "",
    "status": "",
    "is_tiny": False,
    "is_video": False,
    "alt": "",
    "pixels": "",
    "view_box": "",
    "boxes": [],
    "size": "",
    "sha256": "",
    "quality": "",
    "reason": "",
    "file_name": "",
    "duration": "",
    "captured_at": "",
    "video_id": "",
    "near_group": "",
    "created_at": "",
}


def dataset_row(item: DatasetView, room: Used | None = None) -> DatasetRow:
    """A dataset with how far its labels are. A share is only full when everything is done.

    `room`: what all datasets of its organization use of the plan's room, where that is shown.
    """
    return {
        "id": str(item.id),
        "name": item.name,
        "description": item.description,
        "ai_module": item.ai_module,
        "version": item.version,
        "environment": item.environment,
        "status": str(item.status),
        "samples": item.sample_count,
        "labeled": item.labeled_count,
        "verified": item.verified_count,
        "labeled_percent": _percent(item.labeled_count, item.sample_count),
        "verified_percent": _percent(item.verified_count, item.sample_count),
        "counts": f"{item.labeled_count:,} labelled · {item.verified_count:,} verified of {item.sample_count:,}",
        "size": size(item.size_bytes),
        "plan_share": _plan_share(item, room),
        "plan_level": str(room.level) if room is not None else "",
        "classes": len(item.label_schema["classes"]),
        "owner": "Global" if item.organization_id is None else f"Organization {item.organization_id}",
        "is_single": item.single_person_review,
        "created_at": iso(item.created_at),
    }


def sample_card(item: SampleDetail, colours: Mapping[str, str]) -> SampleCard:
    """A sample with its file's signed URL, and its boxes in the colours of their classes."""
    label = label_words(item)
    width, height = item.width or 0, item.height or 0
    return {
        "id": str(item.id),
        "url": item.url,
        "label": label,
        "status": str(sample_status(item.is_labeled, item.is_verified, item.rejection_reason)),
        "is_tiny": 0 < max(width, height) <= TINY_PIXELS,
        "is_video": item.file_type == "video",
        "alt": f"sample {str(item.id)[:8]}" + (f", labelled {label}" if label else ", no label"),
        "pixels": f"{width} × {height}",
        "view_box": f"0 0 {width} {height}",
        "boxes": [_box(box, colours) for box in item.annotations[:MOST_BOXES]],
        "size": size(item.file_size),
        "sha256": item.sha256,
        "quality": share(item.quality_score),
        "reason": item.rejection_reason or "",
        "file_name": str(item.metadata.get(FILE_NAME) or ""),
        "duration": clock(item.duration_ms if item.frame_ms is None else item.frame_ms),
        "captured_at": iso(item.captured_at),
        "video_id": str(item.video_id or ""),
        "near_group": str(item.near_group or ""),
        "created_at": iso(item.created_at),
    }


def _plan_share(item: DatasetView, room: Used | None) -> str:
    if item.organization_id is None:
        return "global, no limit"
    if room is None:
        return ""
    if room.allowed is None:
        return "plan without a limit"
    return f"plan: {size(room.used)} of {size(room.allowed)}"


def label_words(item: SampleDetail) -> str:
    """What a sample was said to be; "" for nothing."""
    if "class" in item.labels:
        return str(item.labels["class"])
    if "classes" in item.labels:
        return ", ".join(item.labels["classes"]) or "none of them"
    if not item.is_labeled:
        return ""
    counts = Counter(str(box.get("class", "")) for box in item.annotations)
    named = [f"{name} ×{count}" if count > 1 else name for name, count in counts.items()]
    return ", ".join(named) or "nothing there"


def clock(milliseconds: int | None) -> str:
    """A time in a video: 1:02.5, or nothing."""
    if milliseconds is None:
        return ""
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes}:{rest / 1000:04.1f}"


def activity_row(item: PersonActivity) -> ActivityRow:
    """One person's week."""
    return {
        "id": str(item.user_id),
        "name": item.name,
        "labeled": f"{item.labeled:,}",
        "reviewed": f"{item.reviewed:,}",
    }


def _box(box: Mapping[str, Any], colours: Mapping[str, str]) -> BoxLine:
    x, y, width, height = box["box"]
    name = str(box["class"])
    colour = colours.get(name) or "#ffffff"
    return {
        "id": str(box["id"]), "name": name, "colour": colour, "x": x, "y": y, "width": width, "height": height,
    }  # fmt: skip


def _percent(part: int, whole: int) -> int:
    return part * 100 // whole if whole else 0


def to_verify(labels: LabelsToVerify | None) -> str:
    """How many labels wait for somebody to verify them, and where; nothing if none do."""
    if labels is None:
        return ""
    many = f"{labels.count:,} {'label is' if labels.count == 1 else 'labels are'} not verified yet"
    if labels.dataset_count == labels.count:
        return f"{many}, in {labels.dataset_name}"
    return f"{many}, {labels.dataset_count:,} of them in {labels.dataset_name}"
