"""Imports and exports of a dataset as pages show them."""

from typing import Any, TypedDict

from app.domain.machines import TransferStatus
from app.formats import AUTO, TITLES
from app.schemas.transfers import TransferDetail, TransferView
from state.views.words import iso

FAULTS, CLASSES = 100, 30


class TransferRow(TypedDict):
    """One import (or look at an archive) or export."""

    id: str
    what: str
    format: str
    status: str
    percent: int
    is_running: bool
    note: str
    reason: str
    created_at: str
    can_import: bool
    can_cancel: bool
    has_archive: bool
    has_report: bool
    until: str
    files: str


class FaultRow(TypedDict):
    """One thing that is not as it should be."""

    place: str
    what: str
    todo: str
    is_left_out: bool


class LossRow(TypedDict):
    """One kind of thing that the format could not carry."""

    what: str
    count: str
    example: str


class TransferReport(TypedDict):
    """Everything that is known of one of them. `archive` and `faults_url` are signed, expiring addresses."""

    id: str
    title: str
    status: str
    summary: str
    reason: str
    lacking: list[str]
    lacking_note: str
    faults_note: str
    faults: list[FaultRow]
    classes: list[dict[str, Any]]
    losses: list[LossRow]
    archive: str
    faults_url: str
    until: str
    files: str
    can_import: bool


NO_REPORT: TransferReport = {
    "id": "",
    "title": "",
    "status": "",
    "summary": "",
    "reason": "",
    "lacking": [],
    "lacking_note": "",
    "faults_note": "",
    "faults": [],
    "classes": [],
    "losses": [],
    "archive": "",
    "faults_url": "",
    "until": "",
    "files": "",
    "can_import": False,
}


def transfer_row(view: TransferView) -> TransferRow:
    """One line of the list."""
    done = view.status == TransferStatus.COMPLETED
    running = view.status == TransferStatus.RUNNING
    percent = min(100, round(view.done / view.total * 100)) if view.total else 0
    return {
        "id": str(view.id),
        "what": _what(view),
        "format": _format(view),
        "status": str(view.status),
        "percent": 100 if done else percent,
        "is_running": running and bool(view.total),
        "note": summary(view),
        "reason": view.error or "",
        "created_at": iso(view.created_at),
        "can_import": done and _is_look(view),
        "can_cancel": view.status in (TransferStatus.QUEUED, TransferStatus.RUNNING),
        "has_archive": done and view.kind == "export" and not view.files_removed,
        "has_report": bool(view.report),
        "until": iso(view.files_until),
        "files": _files(view),
    }


def transfer_report(view: TransferDetail) -> TransferReport:
    """What the dialog shows."""
    report, left_out = view.report, view.report.get("left_out", 0)
    count = report.get("faults", 0)
    note = f"{_count(count, 'fault')}; {_count(left_out, 'item')} left out." if count else ""
    shown = report.get("first", [])[:FAULTS]
    change = report.get("schema_change", {}) if _is_look(view) else {}
    lacking = change.get("lines", [])
    return {
        "id": str(view.id),
        "title": f"{_what(view)}: {_format(view)}",
        "status": str(view.status),
        "summary": summary(view),
        "reason": view.error or "",
        "lacking": lacking[:CLASSES],
        "lacking_note": _lacking_note(change, len(lacking)),
        "faults_note": note + (f" The first {len(shown)} are below." if count > len(shown) else ""),
        "faults": [
            {"place": f["place"], "what": f["what"], "todo": f["todo"], "is_left_out": f["left_out"]} for f in shown
        ],
        "classes": _bars(report.get("survey", {}).get("classes", {})),
        "losses": [
            {"what": loss["what"], "count": f"{loss['count']:,}", "example": loss["example"]}
            for loss in report.get("losses", [])
        ],
        "archive": view.archive or "",
        "faults_url": view.faults or "",
        "until": iso(view.files_until),
        "files": _files(view),
        "can_import": view.status == TransferStatus.COMPLETED and _is_look(view),
    }


def _lacking_note(change: dict[str, Any], lines: int) -> str:
    """What the change of the schema does to labels, and how much of it is not listed."""
    if not lines:
        return str(change.get("refused", ""))
    changed = change.get("labels_changed", 0)
    touched = f"{_count(changed, 'label')} would change." if changed else "No label changes by that."
    return (f"… and {lines - CLASSES:,} more. " if lines > CLASSES else "") + touched


def summary(view: TransferView) -> str:
    """How much there is, or went in."""
    survey, counts = view.report.get("survey", {}), view.report.get("counts")
    if view.kind == "export":
        return f"{counts['images']:,} images, {counts['boxes']:,} boxes" if counts else ""
    if counts:
        known = f", {counts['known']:,} there already" if counts["known"] else ""
        refused = f", {counts['refused']:,} refused" if counts["refused"] else ""
        return f"{counts['added']:,} images added, {counts['boxes']:,} boxes{known}{refused}"
    return f"{survey['images']:,} images, {survey['boxes']:,} boxes" if survey else ""


def _files(view: TransferView) -> str:
    """What is said of the files that it made: the moment of its removal follows, if that is to come."""
    what = "The archive" if view.kind == "export" else "The list of every fault"
    if view.files_removed:
        again = " Export again to get a new one." if view.kind == "export" else ""
        return f"{what} was removed: its time is over.{again}"
    return f"{what} can be fetched, and is removed" if view.files_until is not None else ""


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _is_look(view: TransferView) -> bool:
    return view.kind == "import" and bool(view.options.get("dry_run"))


def _what(view: TransferView) -> str:
    return "Look at an archive" if _is_look(view) else view.kind.capitalize()


def _format(view: TransferView) -> str:
    name = view.report.get("format", view.format)
    return "Format found out by itself" if name == AUTO else TITLES.get(name, name)


def _bars(classes: dict[str, int]) -> list[dict[str, Any]]:
    most = max(classes.values(), default=1) or 1
    return [
        {"label": name, "percent": round(n / most * 100), "text": f"{n:,}", "hint": f"{name}: {n:,}", "tone": "plain"}
        for name, n in list(classes.items())[:CLASSES]
    ]
