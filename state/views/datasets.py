"""Datasets and samples as pages show them."""

from typing import TypedDict

from app.domain.machines import sample_status
from app.schemas.datasets import DatasetView
from app.schemas.plans import Used
from app.schemas.samples import SampleDetail
from state.views.words import iso, share, size

TINY_PIXELS = 64


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
    created_at: str


class SampleCard(TypedDict):
    """A sample in the gallery."""

    id: str
    url: str
    label: str
    status: str
    is_tiny: bool
    alt: str
    pixels: str
    size: str
    sha256: str
    quality: str
    reason: str
    created_at: str


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
    "created_at": "",
}
NO_SAMPLE: SampleCard = {
    "id": "",
    "url": "",
    "label": "",
    "status": "",
    "is_tiny": False,
    "alt": "",
    "pixels": "",
    "size": "",
    "sha256": "",
    "quality": "",
    "reason": "",
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
        "created_at": iso(item.created_at),
    }


def sample_card(item: SampleDetail) -> SampleCard:
    """A sample with its picture's signed URL."""
    label = str(item.labels.get("class", ""))
    width, height = item.width or 0, item.height or 0
    return {
        "id": str(item.id),
        "url": item.url,
        "label": label,
        "status": str(sample_status(item.is_labeled, item.is_verified, item.rejection_reason)),
        "is_tiny": 0 < max(width, height) <= TINY_PIXELS,
        "alt": f"sample {str(item.id)[:8]}" + (f", labelled {label}" if label else ", no label"),
        "pixels": f"{width} × {height}",
        "size": size(item.file_size),
        "sha256": item.sha256,
        "quality": share(item.quality_score),
        "reason": item.rejection_reason or "",
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


def _percent(part: int, whole: int) -> int:
    return part * 100 // whole if whole else 0
