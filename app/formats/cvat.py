"""CVAT XML 1.1 for images: one `annotations.xml` and the images.

Layout: https://docs.cvat.ai/docs/manual/advanced/xml_format/. Boxes and tags are kept; polygons, points, masks, turned
boxes and the tracks of videos are reported one by one and left. Labels carry their colour and attributes.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import IO
from xml.sax.saxutils import escape, quoteattr

from app.formats.records import AttributeSpec, ClassSpec, Draft, DraftBox, Record, Scalar, split_name
from app.formats.source import Source, number, scalar, short, whole, written
from app.formats.xml_nodes import Node, nodes, root_tag

NAME, TITLE = "cvat", "CVAT XML 1.1 (images)"
_TYPES = {"checkbox": "flag", "number": "number", "select": "choice", "radio": "choice", "text": "text"}
_INPUTS = {"flag": "checkbox", "number": "number", "choice": "select", "text": "text"}
_PARTS = {"train": "train", "validation": "val", "test": "test"}
_SHAPES = frozenset({"polygon", "polyline", "points", "mask", "cuboid", "ellipse", "skeleton"})


def matches(root: Path, files: Sequence[str]) -> bool:
    """True if some XML file is a CVAT document."""
    return any(name.lower().endswith(".xml") and root_tag(root / name) == "annotations" for name in files)


def classes(source: Source) -> list[ClassSpec]:
    """The labels of the documents' heads."""
    found: dict[str, ClassSpec] = {}
    for name in source.files(".xml"):
        for node in nodes(source.root, name, frozenset({"label"}), lambda _fault: None):
            spec = _class(node)
            if spec is not None:
                found.setdefault(spec.name, spec)
    return list(found.values())


def _class(node: Node) -> ClassSpec | None:
    name, color = node.word("name"), node.word("color").lower()
    if not name:
        return None
    group = node.first("attributes")
    attributes = tuple(_attribute(child) for child in group.all("attribute") if child.word("name")) if group else ()
    good = len(color) == 7 and color.startswith("#") and all(c in "0123456789abcdef" for c in color[1:])
    return ClassSpec(name, color if good else None, None, attributes)


def _attribute(node: Node) -> AttributeSpec:
    kind = _TYPES.get(node.word("input_type"), "text")
    values = node.first("values")
    choices = tuple(line for line in (values.text if values else "").split("\n") if line.strip())
    return AttributeSpec(node.word("name"), kind, choices if kind == "choice" else ())  # type: ignore[arg-type]


def drafts(source: Source) -> Iterator[Draft]:
    """One draft per `<image>`."""
    for name in source.files(".xml"):
        if root_tag(source.root / name) not in ("annotations", None):
            source.fault("not-cvat", name, 1, "this XML is no CVAT document", "Remove it, or name its format.")
            continue
        for node in nodes(source.root, name, frozenset({"image", "track"}), source.report):
            if node.tag == "track":
                what = f"a video track of {node.attributes.get('label', 'no label')!r} is not kept"
                source.fault("track", name, node.line, what, "Export the task as CVAT for images, frame by frame.")
            else:
                yield _draft(source, name, node)


def _draft(source: Source, file: str, node: Node) -> Draft:
    said = node.attributes
    split = split_name(said.get("subset"))
    folder = PurePosixPath(file).parent
    part = said.get("subset", "")
    near = (str(folder / "images" / part), str(folder / "images"), str(folder))
    draft = Draft(
        name=said.get("name", ""),
        file=file,
        line=node.line,
        near=tuple("" if place == "." else place for place in near),
        width=whole(said.get("width")),
        height=whole(said.get("height")),
        split=split,
        source_id=said.get("id"),
    )
    for child in node.children:
        _take(source, file, child, draft)
    return draft


def _take(source: Source, file: str, child: Node, draft: Draft) -> None:
    said = child.attributes
    if child.tag == "tag":
        draft.classes.append(said.get("label", ""))
    elif child.tag in _SHAPES:
        what = f"a {child.tag} of {said.get('label', 'no label')!r} is not kept"
        source.fault("shape", file, child.line, what, "Only boxes and tags are kept; draw a box.")
    elif child.tag == "box" and number(said.get("rotation", "0")) != 0:
        source.fault("turned-box", file, child.line, "a turned box is not kept", "Draw it upright.")
    elif child.tag == "box":
        left, top, right, bottom = (number(said.get(key)) for key in ("xtl", "ytl", "xbr", "ybr"))
        box = DraftBox(said.get("label", ""), left, top, right - left, bottom - top, child.line, _values(child))
        draft.boxes.append(box)


def _values(node: Node) -> dict[str, Scalar]:
    found: dict[str, Scalar] = {"occluded": True} if node.attributes.get("occluded") == "1" else {}
    for child in node.all("attribute"):
        found[child.attributes.get("name", "")] = scalar(child.text)
    return found


class Writer:
    """Writes `annotations.xml` and `images/<part>/…`, image by image."""

    def __init__(self, root: Path, classes_: Sequence[ClassSpec]) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self._file: IO[str] = (root / "annotations.xml").open("w", encoding="utf-8")
        self._count = 0
        self._file.write('<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n')
        self._file.write("  <meta>\n    <task>\n      <name>Trainyard</name>\n      <mode>annotation</mode>\n")
        self._file.write("      <labels>\n")
        for spec in classes_:
            self._file.write(_label(spec))
        self._file.write("      </labels>\n    </task>\n  </meta>\n")

    def image_path(self, record: Record) -> str:
        """Where the image of a record goes, relative to the root."""
        part = _PARTS.get(record.split or "")
        return f"images/{part}/{record.name}" if part else f"images/{record.name}"

    def add(self, record: Record) -> None:
        """Write one image; what nobody labelled is not in the document."""
        if not record.labelled:
            return
        part = _PARTS.get(record.split or "")
        subset = f" subset={quoteattr(part)}" if part else ""
        self._file.write(
            f"  <image id={quoteattr(str(self._count))} name={_quoted(record.name)}{subset} "
            f'width="{record.width}" height="{record.height}">\n'
        )
        self._count += 1
        for name in record.classes:
            self._file.write(f'    <tag label={_quoted(name)} source="manual"></tag>\n')
        for box in record.boxes:
            attributes = dict(box.attributes)
            occluded = int(attributes.get("occluded") is True)
            if occluded:
                del attributes["occluded"]
            right, bottom = box.x + box.width, box.y + box.height
            self._file.write(
                f'    <box label={_quoted(box.class_name)} source="manual" occluded="{occluded}" '
                f'xtl="{short(box.x)}" ytl="{short(box.y)}" xbr="{short(right)}" ybr="{short(bottom)}" z_order="0">\n'
            )
            for name, value in attributes.items():
                text = escape(written(value), {"\r": "&#13;"})
                self._file.write(f"      <attribute name={_quoted(name)}>{text}</attribute>\n")
            self._file.write("    </box>\n")
        self._file.write("  </image>\n")

    def close(self) -> None:
        """Finish the document."""
        self._file.write("</annotations>\n")
        self._file.close()


def _quoted(text: str) -> str:
    return quoteattr(text, {"\n": "&#10;", "\t": "&#9;", "\r": "&#13;"})


def _label(spec: ClassSpec) -> str:
    color = f"          <color>{escape(spec.color)}</color>\n" if spec.color else ""
    attributes = "".join(
        "            <attribute>\n"
        f"              <name>{escape(attribute.name)}</name>\n"
        "              <mutable>False</mutable>\n"
        f"              <input_type>{_INPUTS[attribute.type]}</input_type>\n"
        "              <default_value></default_value>\n"
        f"              <values>{escape(chr(10).join(attribute.choices))}</values>\n"
        "            </attribute>\n"
        for attribute in spec.attributes
    )
    return (
        f"        <label>\n          <name>{escape(spec.name)}</name>\n{color}"
        f"          <attributes>\n{attributes}          </attributes>\n        </label>\n"
    )
