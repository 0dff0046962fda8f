"""What a reader is given: a folder (or one file in it), its images, and where to report faults."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from app.errors import NotFound
from app.formats.files import Images, walk
from app.formats.records import Fault, Report, Scalar

_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,15})?")


@dataclass(slots=True)
class Source:
    """A place to read from. `only` is the one annotation file the caller named, relative to `root`."""

    root: Path
    images: Images
    report: Report
    only: str | None = None

    def files(self, *suffixes: str) -> Iterator[str]:
        """The annotation files with one of these endings, in order."""
        names = [self.only] if self.only else walk(self.root)
        return (name for name in names if PurePosixPath(name).suffix.lower() in suffixes)

    def fault(self, kind: str, file: str, line: int | None, what: str, todo: str, *, left_out: bool = True) -> None:
        """Report one fault."""
        self.report(Fault(kind, file, line, what, todo, left_out))


def place(path: Path) -> tuple[Path, str | None]:
    """The folder to read and, if `path` is a file, the one file in it. Raises `NotFound`."""
    if path.is_dir():
        return path, None
    if path.is_file():
        return path.parent, path.name
    raise NotFound(f"There is nothing at {path}. Name a folder, or an annotation file.")


def number(text: Any) -> float:
    """A number out of a file; NaN for whatever is none, so that it is refused where boxes are checked."""
    if isinstance(text, bool) or text is None:
        return float("nan")
    try:
        return float(text)
    except (TypeError, ValueError, OverflowError):
        return float("nan")


def whole(text: Any) -> int | None:
    """A positive whole number, or None."""
    value = number(text)
    return int(value) if value > 0 and value == value and value < 1e9 else None


def scalar(text: str) -> Scalar:
    """`true`, `12` and `1.5` as what they are, if written back they are the same text; else the text."""
    if text in ("true", "false"):
        return text == "true"
    if _NUMBER.fullmatch(text):
        value: Scalar = float(text) if "." in text else int(text)
        return value if written(value) == text else text
    return text


def written(value: Scalar) -> str:
    """A value as text formats hold it; `scalar` reads it back."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value)


def moment(text: Any) -> datetime | None:
    """A moment as ISO 8601 (UTC if it says no zone), or None."""
    if not isinstance(text, str) or not text.strip():
        return None
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def short(number_: float) -> str:
    """A coordinate without needless zeros: `12`, `12.5`."""
    return str(int(number_)) if number_ == int(number_) else repr(round(number_, 4))
