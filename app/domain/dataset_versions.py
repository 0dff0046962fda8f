"""What changed between two versions of a dataset, what that means for the number, and what a version counts.

Works on records: samples as plain dictionaries, as `dataset_trees` keeps them. No I/O.
"""

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from app.domain.dataset_trees import Record
from app.domain.semver import Version
from app.errors import Invalid

SPLITS = ("train", "validation", "test")
Counts = Counter[tuple[str, ...]]


class Scope(StrEnum):
    """Which samples a version holds. Withdrawn ones are in none."""

    VERIFIED = "verified"
    LABELED = "labeled"
    ALL = "all"


class Bump(StrEnum):
    """Which part of the number grows."""

    PATCH = "patch"
    MINOR = "minor"
    MAJOR = "major"


class Kind(StrEnum):
    """What happened to a sample between two versions; several may be true of one."""

    ADDED = "added"
    REMOVED = "removed"
    RELABELED = "relabeled"
    BOXES_ADDED = "boxes_added"
    BOXES_REMOVED = "boxes_removed"
    BOXES_MOVED = "boxes_moved"
    BOXES_RELABELED = "boxes_relabeled"
    REVIEWED = "reviewed"
    MOVED_SPLIT = "moved_split"
    DETAILS = "details"


_REVIEW = ("is_labeled", "is_verified", "labeled_by", "verified_by", "quality_score", "rejection_reason")
_COMPARED = ("labels", "annotations", "split", *_REVIEW)


def kinds_between(before: Record | None, after: Record | None) -> list[Kind]:
    """What happened to one sample; empty if nothing did."""
    if before is None or after is None:
        return [Kind.ADDED] if after is not None else [Kind.REMOVED] if before is not None else []
    found = [Kind.RELABELED] if before["labels"] != after["labels"] else []
    found += _box_kinds(before["annotations"], after["annotations"])
    if any(before[name] != after[name] for name in _REVIEW):
        found.append(Kind.REVIEWED)
    if before["split"] != after["split"]:
        found.append(Kind.MOVED_SPLIT)
    if any(value != after.get(name) for name, value in before.items() if name not in _COMPARED):
        found.append(Kind.DETAILS)
    return found


def _box_kinds(before: list[Any], after: list[Any]) -> list[Kind]:
    """Boxes are the same box as long as they keep their id."""
    if before == after:
        return []
    old, new = _by_id(before), _by_id(after)
    both = old.keys() & new.keys()
    facts = {
        Kind.BOXES_ADDED: new.keys() - old.keys(),
        Kind.BOXES_REMOVED: old.keys() - new.keys(),
        Kind.BOXES_MOVED: {key for key in both if old[key].get("box") != new[key].get("box")},
        Kind.BOXES_RELABELED: {key for key in both if _said(old[key]) != _said(new[key])},
    }
    return [kind for kind, keys in facts.items() if keys] or [Kind.DETAILS]  # the order alone


def _by_id(boxes: list[Any]) -> dict[str, dict[str, Any]]:
    return {str(box.get("id", place)): box for place, box in enumerate(boxes)}


def _said(box: Mapping[str, Any]) -> tuple[Any, Any]:
    return box.get("class"), box.get("attributes") or {}


def classes_of(record: Record) -> set[str]:
    """The classes that a sample shows, by its labels or its boxes."""
    labels = record["labels"]
    named = {labels["class"]} if "class" in labels else set(labels.get("classes", ()))
    return named | {box["class"] for box in record["annotations"] if "class" in box}


def add_to(counts: Counts, record: Record, times: int = 1) -> None:
    """Count a sample in the statistics of a version, or with -1 take it out: in place, as there may be a million."""
    split = record["split"] or ""
    counts["samples",] += times
    counts["bytes",] += times * record["file_size"]
    counts["splits", split] += times
    counts["types", record["file_type"]] += times
    counts["sources", _source(record)] += times
    if record["is_verified"]:
        counts["verified",] += times
    if not record["is_labeled"]:
        counts["unlabeled",] += times
    classes = classes_of(record)
    if not classes:
        counts["no_class", "samples"] += times
        counts["no_class", split] += times
    for name in classes:
        counts["classes", name, "samples"] += times
        counts["classes", name, split] += times
    for box in record["annotations"]:
        if "class" in box:
            counts["boxes",] += times
            counts["classes", box["class"], "boxes"] += times


def _source(record: Record) -> str:
    if record.get("video_id"):
        return "video frames"
    return "cameras" if record.get("source_camera_id") else "files"


def nested(counts: Counts) -> dict[str, Any]:
    """Counts as they are stored: what is zero is left out."""
    tree: dict[str, Any] = {}
    for path, number in sorted(counts.items()):
        if number:
            place = tree
            for part in path[:-1]:
                place = place.setdefault(part, {})
            place[path[-1]] = number
    return tree


def flat(tree: Mapping[str, Any]) -> Counts:
    """The way back from `nested`."""
    found: Counts = Counter()
    waiting: list[tuple[tuple[str, ...], Any]] = [((), tree)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, Mapping):
            waiting += [((*path, key), inner) for key, inner in value.items()]
        else:
            found[path] = value
    return found


def needed_bump(
    changes: Mapping[str, int], old_schema: Mapping[str, Any] | None, new_schema: Mapping[str, Any]
) -> Bump:
    """What the number has to say at least: major if the classes no longer mean what they did, minor if the version
    holds other samples or more classes, patch if only labels changed."""
    if old_schema is not None and not _compatible(old_schema, new_schema):
        return Bump.MAJOR
    grown = old_schema is not None and len(new_schema["classes"]) > len(old_schema["classes"])
    others = changes.get(Kind.ADDED, 0) + changes.get(Kind.REMOVED, 0)
    return Bump.MINOR if grown or others else Bump.PATCH


def _compatible(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Every class and attribute of `old` is in `new` and means the same; colours and keys may differ."""
    if old.get("task") != new.get("task"):
        return False
    present = {c["name"]: _attributes(c) for c in new["classes"]}
    return all(c["name"] in present and _attributes(c).items() <= present[c["name"]].items() for c in old["classes"])


def _attributes(entry: Mapping[str, Any]) -> dict[str, str]:
    return {a["name"]: repr((a.get("type"), a.get("choices"))) for a in entry.get("attributes") or ()}


def next_number(newest: str | None, needed: Bump, wanted: Bump | None) -> str:
    """The number after `newest`: 1.0.0 first, then raised by `wanted`, which may be more than `needed` but not less."""
    order = list(Bump)
    if wanted is not None and order.index(wanted) < order.index(needed):
        raise Invalid(
            f"These changes need a new {needed} number at least; a {wanted} would hide them from those who rely on it.",
            field="bump",
        )
    last = Version.parse(newest) if newest is not None else None
    if last is None or last.major == 0:
        return "1.0.0"
    bump = wanted or needed
    if bump is Bump.MAJOR:
        return str(Version(last.major + 1, 0, 0))
    raised = (last.minor + 1, 0) if bump is Bump.MINOR else (last.minor, last.patch + 1)
    return str(Version(last.major, *raised))
