"""CSV: a row per box or class, with a header. `filename`, `class` and the corners `xmin,ymin,xmax,ymax` are enough.

That is the layout of TensorFlow's and Roboflow's object detection tables; `x,y,width,height` is read as well. Without
corners a row is a class of the image. A row with neither says that there is nothing. Columns that begin with
`attribute:` are attributes of the box, those that begin with `metadata:` belong to the image.
"""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, Any

from app.formats.files import encoding_of, is_image, not_utf8
from app.formats.gathered import Gathered, Gatherer
from app.formats.records import Box, ClassSpec, Draft, DraftBox, Record, Scalar, split_name
from app.formats.source import Source, moment, number, scalar, short, whole, written

NAME, TITLE = "csv", "CSV"
_IMAGE = ("filename", "file_name", "image", "image_path", "path", "file", "image_id")
_CLASS = ("class", "label", "category", "class_name", "name")
_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_SIDES = ("x", "y", "width", "height")
_ATTRIBUTE, _METADATA = "attribute:", "metadata:"
_HEAD = ("filename", "image_width", "image_height", "class", *_CORNERS, "id", "split", "captured_at")


def matches(root: Path, files: Sequence[str]) -> bool:
    """True if some CSV file has a column that names images."""
    for name in files:
        if name.lower().endswith(".csv"):
            with (root / name).open("rb") as file:
                data = file.read(16 * 1024)
            head = data.decode(encoding_of(data), errors="replace").split("\n")[0]
            if {word.strip(' "\r').lower() for word in head.replace(";", ",").split(",")} & set(_IMAGE):
                return True
    return False


def classes(_source: Source) -> list[ClassSpec]:
    """A table has no list of classes."""
    return []


def drafts(source: Source) -> Iterator[Draft]:
    """One draft per image; its rows may stand anywhere in the table."""
    for name in source.files(".csv"):
        with Gatherer() as gatherer:
            _read(source, name, gatherer)
            for found in gatherer.images():
                yield _draft(name, found)


def _lines(source: Source, name: str, limit: int = 1 << 20) -> Iterator[str]:
    """The lines of a file, one at a time; those that are no UTF-8 are reported and come as empty ones."""
    path = source.root / name
    with path.open("rb") as file:
        head = file.read(4)
        encoding = encoding_of(head)
    if encoding == "utf-16":
        with path.open(encoding=encoding, errors="replace", newline="") as text:
            yield from text
        return
    with path.open("rb") as file:
        for number_, data in enumerate(iter(lambda: file.readline(limit), b""), 1):
            try:
                yield data.removeprefix(b"\xef\xbb\xbf").decode() if number_ == 1 else data.decode()
            except UnicodeDecodeError as error:
                source.report(not_utf8(name, number_, data[error.start]))
                yield "\n"


def _read(source: Source, name: str, gatherer: Gatherer) -> None:
    lines = _lines(source, name)
    first = next(lines, "")
    rows = csv.reader(lines, delimiter=";" if first.count(";") > first.count(",") else ",", strict=True)
    head = [word.strip() for word in next(csv.reader([first], delimiter=rows.dialect.delimiter), [])]
    known = [word.lower() for word in head]
    image = next((known.index(word) for word in _IMAGE if word in known), None)
    if image is None:
        what = f"no column names images; there must be one of {', '.join(_IMAGE)}"
        source.fault("no-column", name, 1, what, "Give the table a header.")
        return
    corners = all(word in known for word in _CORNERS)
    boxed = corners or all(word in known for word in _SIDES)
    keep = [word if word.startswith((_ATTRIBUTE, _METADATA)) else low for word, low in zip(head, known, strict=True)]
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            source.fault("csv", name, rows.line_num + 1, f"this row cannot be read: {error}", "Correct it.")
            continue
        if row is None:
            return
        if any(row):
            _take(
                source,
                name,
                rows.line_num + 1,
                dict(zip(keep, row, strict=False)),
                gatherer,
                row[image : image + 1],
                boxed,
            )


def _take(
    source: Source, file: str, line: int, row: dict[str, str], gatherer: Gatherer, image: list[str], boxed: bool
) -> None:
    if not image or not image[0].strip():
        source.fault("missing-image", file, line, "the row names no image", "Fill in the column, or remove the row.")
        return
    name = image[0].strip()
    if not is_image(name):
        name += ".jpg"  # tables of ids alone; found by its stem
    gatherer.image(name, line, {"name": name, **{k: v for k, v in row.items() if not k.startswith(_ATTRIBUTE)}})
    label = next((row[key].strip() for key in _CLASS if row.get(key, "").strip()), "")
    sides = _CORNERS if "xmin" in row else _SIDES
    said = [row.get(key, "").strip() for key in sides] if boxed else []
    if not label and not any(said):
        return
    attributes = {k.removeprefix(_ATTRIBUTE): v for k, v in row.items() if k.startswith(_ATTRIBUTE) and v != ""}
    gatherer.object(name, line, [label, said if any(said) else None, sides == _CORNERS, attributes, row.get("id")])


def _draft(file: str, found: Gathered) -> Draft:
    row = found.value
    folder = str(PurePosixPath(file).parent)
    folder = "" if folder == "." else folder
    sized = "xmin" in row
    draft = Draft(
        name=row["name"],
        file=file,
        line=found.line,
        near=(folder, f"{folder}/images".lstrip("/")),
        width=whole(row.get("image_width") or (row.get("width") if sized else None)),
        height=whole(row.get("image_height") or (row.get("height") if sized else None)),
        split=split_name(row.get("split") or row.get("set")),
        captured_at=moment(row.get("captured_at")),
        attributes={k.removeprefix(_METADATA): scalar(v) for k, v in row.items() if k.startswith(_METADATA) and v},
    )
    for line, (label, said, corners, attributes, key) in found.objects:
        if said is None:
            draft.classes.append(label)
            continue
        a, b, c, d = (number(text) for text in said)
        wide, high = (c - a, d - b) if corners else (c, d)
        values: dict[str, Scalar] = {name: scalar(text) for name, text in attributes.items()}
        draft.boxes.append(DraftBox(label, a, b, wide, high, line, values, key.strip() or None if key else None))
    return draft


class Writer:
    """Writes `annotations.csv` and `images/…`. Rows wait in a temporary database until all columns are known."""

    def __init__(self, root: Path, classes_: Sequence[ClassSpec]) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self._root = root
        self._extra: dict[str, None] = dict.fromkeys(
            f"{_ATTRIBUTE}{attribute.name}" for spec in classes_ for attribute in spec.attributes
        )
        self._waiting: IO[str] = (root / "annotations.part").open("w+", encoding="utf-8", newline="")

    def image_path(self, record: Record) -> str:
        """Where the image of a record goes, relative to the root."""
        return f"images/{record.name}"

    def add(self, record: Record) -> None:
        """Write the rows of one image; what nobody labelled has none."""
        if not record.labelled:
            return
        rows = [self._row(record, box) for box in record.boxes]
        rows += [self._row(record, None, name) for name in record.classes]
        writer = csv.writer(self._waiting)
        for row in rows or [self._row(record, None)]:
            writer.writerow([part for pair in row.items() for part in pair])

    def _row(self, record: Record, box: Box | None, label: str = "") -> dict[str, str]:
        row: dict[str, Any] = {
            "filename": record.name,
            "image_width": record.width,
            "image_height": record.height,
            "class": box.class_name if box else label,
            "split": record.split or "",
            "captured_at": record.captured_at.isoformat() if record.captured_at else "",
        }
        row.update({f"{_METADATA}{name}": written(value) for name, value in record.attributes.items()})
        if box is not None:
            right, bottom = box.x + box.width, box.y + box.height
            row.update(zip(_CORNERS, map(short, (box.x, box.y, right, bottom)), strict=True))
            row["id"] = box.id or ""
            row.update({f"{_ATTRIBUTE}{name}": written(value) for name, value in box.attributes.items()})
        self._extra.update(dict.fromkeys(key for key in row if key not in _HEAD))
        return {key: str(value) for key, value in row.items()}

    def close(self) -> None:
        """Put the header before the rows."""
        head = [*_HEAD, *self._extra]
        self._waiting.seek(0)
        path = self._root / "annotations.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(head)
            for row in csv.reader(self._waiting):
                values = dict(zip(row[::2], row[1::2], strict=True))
                writer.writerow([values.get(key, "") for key in head])
        self._waiting.close()
        (self._root / "annotations.part").unlink()
