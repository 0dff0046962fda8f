"""The newest cut of a video in words, and a form's wish for one."""

from collections.abc import Mapping
from math import isfinite
from typing import Any, TypedDict

from app.schemas.videos import FrameCutView
from state.views.datasets import clock

EVERY, SCENES = "every", "scenes"


class CutRow(TypedDict):
    """How far a cut is; `percent` is of the video or of the pictures that were asked for, whichever is further."""

    id: str
    status: str
    is_open: bool
    percent: int
    words: str
    error: str


NO_CUT: CutRow = {"id": "", "status": "", "is_open": False, "percent": 0, "words": "", "error": ""}


def cut_row(item: FrameCutView, duration_ms: int) -> CutRow:
    """The cut of a video that lasts `duration_ms`."""
    is_open = item.finished_at is None
    share = max(item.at_ms / duration_ms if duration_ms else 0, (item.made + item.known) / item.limit)
    return {
        "id": str(item.id),
        "status": item.status,
        "is_open": is_open,
        "percent": min(99, int(100 * share)) if is_open else 100,
        "words": _words(item),
        "error": item.error or "",
    }


def wish(form: Mapping[str, Any]) -> dict[str, Any]:
    """What a form asks for, as `FrameCutCreate` names it. A form says seconds, a request milliseconds."""
    limit = str(form.get("limit", "")).strip()
    if form.get("by") == SCENES:
        return {"scene_change": str(form.get("scene_change", "")), "limit": limit}
    return {"every_ms": _milliseconds(str(form.get("seconds", ""))), "limit": limit}


def _milliseconds(seconds: str) -> int:
    """0, which no request admits, for what is no number."""
    try:
        value = float(seconds)
    except ValueError:
        return 0
    return round(value * 1000) if isfinite(value) else 0


def _words(item: FrameCutView) -> str:
    frames = f"{item.made:,} {'frame' if item.made == 1 else 'frames'}"
    there = f", {item.known:,} there already" if item.known else ""
    if item.status == "queued":
        return "Waits for the media worker"
    if item.status == "running":
        return f"{frames} added{there}, at {clock(item.at_ms)}"
    if item.status == "completed":
        full = ": as many as were asked for" if item.made + item.known >= item.limit else ""
        return f"Cut: {frames} added{there}{full}."
    ended = "Cancelled" if item.status == "cancelled" else "The cut failed"
    return f"{ended}. {frames} added until then{there}."
