"""Pascal VOC: one XML file per image (`Annotations`), images (`JPEGImages`), lists of names (`ImageSets/Main`).

Layout: the devkit of the VOC challenge (http://host.robots.ox.ac.uk/pascal/VOC/voc2012/devkit_doc.pdf), as labelImg,
CVAT and Roboflow write it. Corners are taken as they stand, `width = xmax - xmin`, as those tools do; the challenge's
own count from 1 and include the last pixel. `truncated`, `difficult` and `pose` become attributes where they say
anything, CVAT's `<attributes>` become attributes always.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from xml.sax.saxutils import escape

from app.formats.files import read_text
from app.formats.records import Box, ClassSpec, Draft, DraftBox, Record, Scalar, split_name
from app.formats.source import Source, number, scalar, short, whole, written
from app.formats.xml_nodes import Node, nodes, root_tag

NAME, TITLE = "voc", "Pascal VOC"
SETS = "ImageSets/Main"
_FLAGS = ("truncated", "difficult", "occluded")
_PARTS = {"train": "train", "validation": "val", "test": "test"}


def matches(root: Path, files: Sequence[str]) -> bool:
    """True if some XML file is a VOC annotation."""
    return any(name.lower().endswith(".xml") and root_tag(root / name) == "annotation" for name in files)


def classes(_source: Source) -> list[ClassSpec]:
    """VOC has no list of classes."""
    return []


def drafts(source: Source) -> Iterator[Draft]:
    """One draft per XML file."""
    with _Sets(source) as sets:
        for name in source.files(".xml"):
            if root_tag(source.root / name) not in ("annotation", None):
                source.fault("not-voc", name, 1, "this XML is no VOC annotation", "Remove it, or name its format.")
                continue
            for node in nodes(source.root, name, frozenset({"annotation"}), source.report):
                yield _draft(source, name, node, sets)


def _draft(source: Source, file: str, node: Node, sets: "_Sets") -> Draft:
    stem = PurePosixPath(file).stem
    size = node.first("size")
    folder = PurePosixPath(file).parent
    beside = [str(folder), str(folder.parent / "JPEGImages"), str(folder.parent / "images"), node.word("folder")]
    draft = Draft(
        name=node.word("filename") or stem,
        file=file,
        line=node.line,
        near=tuple("" if part == "." else part for part in beside),
        width=whole(size.word("width")) if size is not None else None,
        height=whole(size.word("height")) if size is not None else None,
        split=sets.of(stem),
    )
    for item in node.all("object"):
        box = _box(source, file, item)
        if box is not None:
            draft.boxes.append(box)
    return draft


def _box(source: Source, file: str, item: Node) -> DraftBox | None:
    corners = item.first("bndbox")
    if corners is None:
        source.fault("no-box", file, item.line, "the object has no bndbox", "Draw a box, or remove the object.")
        return None
    left, top, right, bottom = (number(corners.word(key)) for key in ("xmin", "ymin", "xmax", "ymax"))
    return DraftBox(item.word("name"), left, top, right - left, bottom - top, item.line, _attributes(item))


def _attributes(item: Node) -> dict[str, Scalar]:
    found: dict[str, Scalar] = {flag: True for flag in _FLAGS if item.word(flag) == "1"}
    pose = item.word("pose")
    if pose and pose != "Unspecified":
        found["pose"] = pose
    group = item.first("attributes")
    for node in group.all("attribute") if group is not None else ():
        value = node.first("value")
        found[node.word("name")] = scalar(value.text if value is not None else "")
    return found


class _Sets:
    """Which part of the split a name is in, out of `ImageSets/Main/{train,val,test}.txt`."""

    def __init__(self, source: Source) -> None:
        self._db = sqlite3.connect("")
        self._db.execute("CREATE TABLE part (stem TEXT PRIMARY KEY, split TEXT)")
        for name in source.files(".txt"):
            split = split_name(PurePosixPath(name).stem)
            if split is not None and str(PurePosixPath(name).parent).endswith(SETS):
                self._read(source, name, split)

    def _read(self, source: Source, name: str, split: str) -> None:
        text = read_text(source.root, name, source.report) or ""
        for line, row in enumerate(text.splitlines(), 1):
            stem = row.split()[0] if row.split() else ""
            if not stem:
                continue
            if not self._db.execute("INSERT OR IGNORE INTO part VALUES (?, ?)", (stem, split)).rowcount:
                what = f"{stem!r} is in {self.of(stem)} already"
                source.fault("two-splits", name, line, what, "Name each image in one part only.", left_out=False)

    def of(self, stem: str) -> str | None:
        """The part that `stem` is in, or None."""
        row = self._db.execute("SELECT split FROM part WHERE stem = ?", (stem,)).fetchone()
        return row[0] if row else None

    def __enter__(self) -> "_Sets":
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()


class Writer:
    """Writes the layout of a VOC devkit into an empty folder."""

    def __init__(self, root: Path, _classes: Sequence[ClassSpec]) -> None:
        self.root = root
        for folder in ("Annotations", "JPEGImages", SETS):
            (root / folder).mkdir(parents=True, exist_ok=True)

    def image_path(self, record: Record) -> str:
        """Where the image of a record goes, relative to the root."""
        return f"JPEGImages/{record.name}"

    def add(self, record: Record) -> None:
        """Write what is said about one image; what nobody labelled has no XML file."""
        if not record.labelled:
            return
        path = self.root / "Annotations" / f"{PurePosixPath(record.name).stem}.xml"
        path.write_text(_document(record), encoding="utf-8")
        part = _PARTS.get(record.split or "")
        if part is not None:
            with (self.root / SETS / f"{part}.txt").open("a", encoding="utf-8") as file:
                file.write(f"{PurePosixPath(record.name).stem}\n")

    def close(self) -> None:
        """Nothing is left to write."""


def _document(record: Record) -> str:
    objects = "".join(_object(box) for box in record.boxes)
    return (
        "<annotation>\n\t<folder>JPEGImages</folder>\n"
        f"\t<filename>{escape(record.name)}</filename>\n"
        "\t<source>\n\t\t<database>Unknown</database>\n\t</source>\n"
        f"\t<size>\n\t\t<width>{record.width}</width>\n\t\t<height>{record.height}</height>\n"
        "\t\t<depth>3</depth>\n\t</size>\n\t<segmented>0</segmented>\n"
        f"{objects}</annotation>\n"
    )


def _object(box: Box) -> str:
    known = {flag: box.attributes.get(flag) is True for flag in _FLAGS}
    pose = box.attributes.get("pose")
    pose = pose if isinstance(pose, str) and _plain(pose) and pose != "Unspecified" else None
    rest = {
        name: value
        for name, value in box.attributes.items()
        if not (known.get(name) or (name == "pose" and pose is not None))
    }
    corners = {"xmin": box.x, "ymin": box.y, "xmax": box.x + box.width, "ymax": box.y + box.height}
    lines = [
        "\t<object>",
        f"\t\t<name>{escape(box.class_name)}</name>",
        f"\t\t<pose>{escape(pose or 'Unspecified')}</pose>",
        *(f"\t\t<{flag}>{int(on)}</{flag}>" for flag, on in known.items() if on or flag != "occluded"),
        "\t\t<bndbox>",
        *(f"\t\t\t<{name}>{short(value)}</{name}>" for name, value in corners.items()),
        "\t\t</bndbox>",
        *(_written_attributes(rest) if rest else ()),
        "\t</object>\n",
    ]
    return "\n".join(lines)


def _written_attributes(values: dict[str, Scalar]) -> Iterator[str]:
    yield "\t\t<attributes>"
    for name, value in values.items():
        text = escape(written(value), {"\r": "&#13;"})
        yield f"\t\t\t<attribute><name>{escape(name)}</name><value>{text}</value></attribute>"
    yield "\t\t</attributes>"


def _plain(text: str) -> bool:
    return bool(text) and text == text.strip() and "\r" not in text
