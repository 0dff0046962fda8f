"""A dataset into the layout of another tool: records page by page, files beside them, and what was lost on the way."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from posixpath import basename, splitext
from typing import Any
from uuid import UUID

from app.errors import Invalid
from app.exchange import Run
from app.exchange.importing import SOURCE_ID
from app.formats import TITLES, writer
from app.formats.losses import Loss, LossCounter
from app.formats.records import AttributeSpec, Box, ClassSpec, Record, split_name
from app.infra.object_store import ObjectStore
from app.schemas.samples import FILE_NAME, SPLIT
from app.services import exported_samples
from app.services.exported_samples import PAGE, ExportedSample

PARALLEL = 8
LOSS_REPORT = "LOSSES.md"
# What the product itself keeps in a sample's metadata.
OWN = frozenset({FILE_NAME, SPLIT, SOURCE_ID, "original_sha256", "changes"})


@dataclass(slots=True)
class Exported:
    """What was written until now."""

    images: int = 0
    labelled: int = 0
    boxes: int = 0
    videos: int = 0
    losses: list[Loss] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For a column or a screen."""
        return asdict(self)


def specs(schema: dict[str, Any]) -> list[ClassSpec]:
    """A dataset's label schema as formats take it."""
    return [
        ClassSpec(entry["name"], entry.get("color"), entry.get("key"), _attributes(entry))
        for entry in schema["classes"]
    ]


def _attributes(entry: dict[str, Any]) -> tuple[AttributeSpec, ...]:
    given = entry.get("attributes") or ()
    return tuple(AttributeSpec(a["name"], a["type"], tuple(a.get("choices") or ())) for a in given)


def of_dataset(run: Run, dataset_id: UUID, version: str | None = None) -> Iterator[list[ExportedSample]]:
    """The samples of a dataset as it is now, or of a version, a page at a time, each in a transaction of its own."""
    after = None
    while True:
        rows: list[ExportedSample] = (
            run(exported_samples.page, dataset_id, after)
            if version is None
            else run(exported_samples.version_page, dataset_id, version, after)
        )
        if rows:
            yield rows
        if len(rows) < PAGE:
            return
        after = rows[-1].key


def export(
    pages: Iterable[list[ExportedSample]],
    schema: dict[str, Any],
    format_name: str,
    root: Path,
    store: ObjectStore | None,
    tell: Callable[[Exported], None] = lambda _done: None,
) -> Exported:
    """Write everything into `root`; images too, if a `store` to read them from is given. `tell` may raise to end it."""
    classes, done = specs(schema), Exported()
    if format_name == "folders" and schema.get("task") == "detection":
        raise Invalid("Folders by class cannot hold boxes. Export this dataset in another format.")
    out, lost, names = writer(format_name, root, classes), LossCounter(format_name, classes), _Names()
    with ThreadPoolExecutor(PARALLEL, thread_name_prefix="export") as pool:
        for rows in pages:
            records = [_record(row, names.free(row)) for row in rows if row.file_type == "image"]
            done.videos += len(rows) - len(records)
            for record in records:
                out.add(record)
                lost.add(record)
                done.labelled += record.labelled
                done.boxes += len(record.boxes)
            if store is not None:
                urls = [row.file_url for row in rows if row.file_type == "image"]
                places = [root / out.image_path(record) for record in records]
                list(pool.map(lambda url, place: _fetch(store, url, place), urls, places))
            done.images += len(records)
            tell(done)
    out.close()
    done.losses = [*lost.result(), *_videos(done)]
    (root / LOSS_REPORT).write_text(loss_report(done.losses, TITLES[format_name]), encoding="utf-8")
    return done


def loss_report(losses: Sequence[Loss], title: str) -> str:
    """The list as a page for people; what is lost is not to be found out later."""
    if not losses:
        return f"# What {title} cannot carry\n\nNothing of this dataset was lost.\n"
    rows = (f"| {loss.what} | {loss.count:,} | {loss.example} |" for loss in losses)
    head = ("| lost | how many | such as |", "| --- | --- | --- |")
    return "\n".join([f"# What {title} cannot carry", "", *head, *rows, ""])


def _videos(done: Exported) -> list[Loss]:
    return [Loss("videos", "videos; their frames are exported", done.videos, "")] if done.videos else []


def _fetch(store: ObjectStore, url: str, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    store.get_to_file(store.key(url), place)


def _record(row: ExportedSample, name: str) -> Record:
    said = row.metadata
    classes = [row.labels["class"]] if "class" in row.labels else row.labels.get("classes", [])
    split, source = row.split or said.get(SPLIT), said.get(SOURCE_ID)
    return Record(
        name=name,
        labelled=row.is_labeled,
        width=row.width,
        height=row.height,
        classes=tuple(classes),
        boxes=tuple(Box(a["class"], *a["box"], a.get("attributes") or {}, a.get("id")) for a in row.annotations),
        attributes={k: v for k, v in said.items() if v is not None and k not in OWN},
        split=split_name(split) if isinstance(split, str) else None,
        captured_at=row.captured_at,
        source_id=source if isinstance(source, str) else None,
        verified=row.is_verified,
    )


class _Names:
    """File names for samples: the one it came with where it is known, and each stem once (also on Windows)."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", check_same_thread=False)
        self._db.execute("CREATE TABLE taken (stem TEXT PRIMARY KEY) WITHOUT ROWID")

    def free(self, row: ExportedSample) -> str:
        """A plain file name with the ending of what is stored."""
        given = row.metadata.get(FILE_NAME)
        stem = _stem(given) if isinstance(given, str) else ""
        suffix = splitext(row.file_url)[1]
        for name in (stem, f"{stem}-{row.sha256[:8]}" if stem else "", row.sha256):
            if name and self._take(name):
                return f"{name}{suffix}"
        return f"{row.sha256}-{row.key[1]}{suffix}"

    def _take(self, stem: str) -> bool:
        return bool(self._db.execute("INSERT OR IGNORE INTO taken VALUES (?)", (stem.casefold(),)).rowcount)


def _stem(name: str) -> str:
    """The stem of a file name, of letters that every file system takes."""
    stem = splitext(basename(name.replace("\\", "/").rstrip("/")))[0].strip(". ")
    return "".join(c if c.isprintable() and c not in '/\\:*?"<>|' else "_" for c in stem)[:120]
