"""Annotation formats of other tools, in and out. Pure: files to `Record`s and back, nothing of the product.

A format is a module: `NAME`, `TITLE`, `matches`, `classes`, `drafts` and a `Writer`. `open_source` and `read` take
any of them; docs/formats.md has the table of what each can carry, and `losses.py` computes it for given records.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from app.errors import Invalid
from app.formats import coco, cvat, folders, label_studio, table, voc, yolo
from app.formats.files import Images, walk
from app.formats.reading import checked
from app.formats.records import ClassSpec, Draft, Record, Report
from app.formats.source import Source, place

# In the order in which they are recognised: what has a file of its own comes before what only has folders.
_MODULES: tuple[Any, ...] = (cvat, voc, coco, label_studio, yolo, table, folders)
FORMATS: dict[str, Any] = {module.NAME: module for module in _MODULES}
TITLES: dict[str, str] = {module.NAME: module.TITLE for module in _MODULES}
AUTO = "auto"
# So many files of a folder are looked at to recognise its format.
LOOKED_AT = 5000


class Writer(Protocol):
    """Writes records one by one into a folder of its own."""

    def image_path(self, record: Record) -> str: ...
    def add(self, record: Record) -> None: ...
    def close(self) -> None: ...


def detect(root: Path, only: str | None = None) -> str:
    """The name of the format of a folder. Raises `Invalid` if it is none of them."""
    names: list[str] = [only] if only else []
    for name in () if only else walk(root):
        names.append(name)
        if len(names) >= LOOKED_AT:
            break
    for module in _MODULES:
        if module.matches(root, names):
            return str(module.NAME)
    listed = ", ".join(FORMATS)
    raise Invalid(f"{root} is in none of the known formats ({listed}). Name one with --format, or see docs/formats.md.")


@contextmanager
def open_source(path: Path, format_name: str, report: Report) -> Iterator[tuple[str, Source]]:
    """The name of the format (found out, if `auto`) and what its reader takes. Raises `NotFound`, `Invalid`."""
    root, only = place(path)
    name = detect(root, only) if format_name == AUTO else known(format_name)
    images = Images(root)
    try:
        yield name, Source(root, images, report, only)
    finally:
        images.close()


def known(format_name: str) -> str:
    """The name itself, or `Invalid` with the names that there are."""
    if format_name not in FORMATS:
        raise Invalid(f"There is no format {format_name!r}. There are: {', '.join(FORMATS)}.")
    return format_name


def read(format_name: str, source: Source) -> Iterator[Record]:
    """The checked records of a source; what is wrong goes to its report."""
    drafts: Callable[[Source], Iterator[Draft]] = FORMATS[format_name].drafts
    return checked(source, drafts(source))


def declared_classes(format_name: str, source: Source) -> list[ClassSpec]:
    """The classes that the format lists by itself, with colours and attributes where it has them."""
    return list(FORMATS[format_name].classes(source))


def writer(format_name: str, root: Path, classes: Sequence[ClassSpec]) -> Writer:
    """A writer into `root`, which is empty or not there yet."""
    made: Writer = FORMATS[known(format_name)].Writer(root, classes)
    return made
