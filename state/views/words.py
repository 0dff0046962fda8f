"""Numbers, times and sizes as people read them; shapes that many pages use."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypedDict

_DIGEST = re.compile(r"\b[0-9a-f]{64}\b")


class Option(TypedDict):
    """One entry of a select."""

    value: str
    label: str


class Pair(TypedDict):
    """A name and what stands behind it."""

    name: str
    value: str


def iso(moment: datetime | None) -> str:
    """ISO 8601, or nothing."""
    return moment.isoformat() if moment else ""


def share(value: Any) -> str:
    """A score between 0 and 1 in percent, or a dash."""
    return f"{float(value) * 100:.1f} %" if value is not None else "–"


def size(count: int) -> str:
    """A number of bytes that a person can read."""
    for unit, length in (("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)):
        if count >= length:
            return f"{count / length:,.1f} {unit}"
    return f"{count} bytes"


def number(value: Any) -> str:
    """A number as people write it: no noise behind the point."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return "automatic" if value is None else str(value)


def span(start: int, count: int, total: int, is_exact: bool, one: str, more: str) -> str:
    """What a page shows of its list: the whole, or `count` after the first `start` of all or of about so many."""
    end = start + count
    if count == 0:
        return f"No more {more}" if start else f"0 {more}"
    if start == 0 and is_exact and count == total:
        return f"{count:,} {one if count == 1 else more}"
    about = max(round(total, 2 - len(str(total))), end)
    whole = f"{max(total, end):,}" if is_exact else f"about {about:,}"
    return f"{start + 1:,}–{end:,} of {whole} {more}"


def plainly(text: str | None) -> str:
    """A reason in words: digests are cut to what a person compares; the whole is in the API and the log."""
    return _DIGEST.sub(lambda found: f"{found[0][:12]}…", text or "")


def pairs(values: Mapping[str, Any]) -> list[Pair]:
    """A mapping as rows, names in words."""
    return [{"name": name.replace("_", " ").capitalize(), "value": number(value)} for name, value in values.items()]
