"""A folder on disk as a test describes it, and what reading it gives."""

from pathlib import Path

from PIL import Image

from app.formats import AUTO, open_source, read
from app.formats.records import Fault, Record


def image(path: Path, width: int = 640, height: int = 480) -> Path:
    """A real image of that size."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("1", (width, height)).save(path)
    return path


def text(path: Path, content: str | bytes) -> Path:
    """A text file, with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def loaded(path: Path, format_name: str = AUTO) -> tuple[str, dict[str, Record], list[Fault]]:
    """The format, the records by file name, and the faults."""
    faults: list[Fault] = []
    with open_source(path, format_name, faults.append) as (name, source):
        records = list(read(name, source))
    return name, {record.name.rpartition("/")[2]: record for record in records}, faults


def boxes(record: Record) -> list[tuple[str, float, float, float, float]]:
    """Class and sides of every box."""
    return [(b.class_name, b.x, b.y, b.width, b.height) for b in record.boxes]


def told(faults: list[Fault]) -> list[str]:
    """`file:line kind` of every fault, in order of the alphabet."""
    return sorted(f"{fault.place} {fault.kind}" for fault in faults)
