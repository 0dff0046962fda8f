"""What an import adds to a label schema, as changes of it: classes and attributes that come, none that goes.

Pure: stored schemas in, changes as a caller would send them out.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Stored = Mapping[str, Any]


def additions(before: Stored, after: Stored) -> list[dict[str, Any]]:
    """The changes from `before` to `after`, which says all that `before` says and more."""
    known = {entry["name"]: entry for entry in before["classes"]}
    changes: list[dict[str, Any]] = []
    for entry in after["classes"]:
        present = known.get(entry["name"])
        if present is None:
            changes.append({"change": "add", "new": dict(entry)})
        elif more_of(present, entry):
            changes.append({"change": "edit", "class": entry["name"], "attributes": list(entry["attributes"])})
    return changes


def in_words(before: Stored, after: Stored) -> list[str]:
    """The same, a line for each class."""
    known = {entry["name"]: entry for entry in before["classes"]}
    lines = []
    for entry in after["classes"]:
        present = known.get(entry["name"])
        named = ", ".join(f"{one['name']} ({one['type']})" for one in more_of(present or {}, entry))
        if present is None:
            lines.append(f"class {entry['name']}" + (f", with {named}" if named else ""))
        elif named:
            lines.append(f"attributes of class {entry['name']}: {named}")
    return lines


def more_of(present: Stored, entry: Stored) -> Sequence[Stored]:
    """The attributes of `entry` that `present` lacks."""
    has = {attribute["name"] for attribute in present.get("attributes") or ()}
    return [attribute for attribute in entry.get("attributes") or () if attribute["name"] not in has]
