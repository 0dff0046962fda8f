"""COCO: one JSON document of `images`, `annotations` and `categories` for each part of the split.

Layout: https://cocodataset.org/#format-data; files `annotations/instances_<part>.json` and images in a folder per part
as the dataset itself has them, and `_annotations.coco.json` beside the images as Roboflow writes it. `attributes` of an
annotation is CVAT's extension. Segmentations are reported and left; their boxes go in.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, Any

from app.formats.files import encoding_of
from app.formats.gathered import Gathered, Gatherer
from app.formats.json_items import Item, JsonFault, has_foreign_bytes, items
from app.formats.records import Box, ClassSpec, Draft, DraftBox, Record, Scalar, split_name
from app.formats.source import Source, moment, number, whole

NAME, TITLE = "coco", "COCO"
_ARRAYS = frozenset({"images", "annotations", "categories"})
_PARTS = {"train": "train", "validation": "val", "test": "test"}
_encoded = json.JSONEncoder(ensure_ascii=False).encode
_FOREIGN = "the text is not UTF-8; it may be Latin-1 (ISO 8859-1)"


def matches(root: Path, files: Sequence[str]) -> bool:
    """True if some JSON file begins like a COCO document."""
    return any(_is_coco(root / name) for name in files if name.lower().endswith(".json"))


def _is_coco(path: Path) -> bool:
    with path.open("rb") as file:
        data = file.read(64 * 1024)
    text = data.decode(encoding_of(data), errors="replace")
    return (text.lstrip().startswith("{") and '"images"' in text) or _has_tail(path, text)


def _has_tail(path: Path, head: str) -> bool:
    """COCO documents may begin with a long list of annotations or categories."""
    begins = head.lstrip().startswith("{") and ('"annotations"' in head or '"categories"' in head)
    return begins and '"bbox"' in head and path.stat().st_size > 0


def classes(source: Source) -> list[ClassSpec]:
    """The categories of all documents, in their order."""
    found: dict[str, ClassSpec] = {}
    for name in source.files(".json"):
        try:
            for item in items(source.root / name, frozenset({"categories"})):
                label = item.value.get("name") if isinstance(item.value, dict) else None
                if isinstance(label, str) and label.strip():
                    found.setdefault(label.strip(), ClassSpec(label.strip()))
        except JsonFault:
            continue  # reported where the drafts are read
    return list(found.values())


def drafts(source: Source) -> Iterator[Draft]:
    """One draft per entry of `images`."""
    for name in source.files(".json"):
        if not _is_coco(source.root / name):
            source.fault("not-coco", name, 1, "this JSON is no COCO document", "Remove it, or name its format.")
            continue
        with Gatherer() as gatherer:
            names = _read(source, name, gatherer)
            split = _split(name)
            for found in gatherer.images():
                yield _draft(source, name, found, names, split)
            for line, key in gatherer.orphans():
                what = f"the annotation names image_id {key}, which is not in images"
                source.fault("missing-image", name, line, what, "Add the image, or remove the annotation.")


def _split(name: str) -> str | None:
    path = PurePosixPath(name)
    parts = path.stem.removeprefix("instances_").rstrip("0123456789")
    return split_name(parts) or split_name(path.parent.name)


def _read(source: Source, file: str, gatherer: Gatherer) -> dict[str, str]:
    """Put the document into `gatherer`; the names of its categories by id."""
    names: dict[str, str] = {}
    try:
        for item in items(source.root / file, _ARRAYS):
            _take(source, file, item, gatherer, names)
    except JsonFault as fault:
        todo = "What stands before this line was read. Export or copy the file again."
        source.fault("json", file, fault.line, fault.what, todo)
    return names


def _take(source: Source, file: str, item: Item, gatherer: Gatherer, names: dict[str, str]) -> None:
    if item.member not in _ARRAYS or item.value is None:
        return
    if not isinstance(item.value, dict):
        source.fault("not-an-object", file, item.line, f"an entry of {item.member} is no object", "Remove it.")
    elif has_foreign_bytes(item.value):
        source.fault("encoding", file, item.line, _FOREIGN, "Save the file as UTF-8.")
    else:
        _TAKE[item.member](source, file, item, gatherer, names)


def _take_category(source: Source, file: str, item: Item, _gatherer: Gatherer, names: dict[str, str]) -> None:
    key, label = str(item.value.get("id")), item.value.get("name")
    if key in names:
        source.fault("id-twice", file, item.line, f"category id {key} stands twice", "Give each an id of its own.")
    elif isinstance(label, str) and label.strip():
        names[key] = label.strip()
    else:
        source.fault("no-class", file, item.line, f"category {key} has no name", "Give it a name.")


def _take_image(source: Source, file: str, item: Item, gatherer: Gatherer, _names: dict[str, str]) -> None:
    value, key = item.value, str(item.value.get("id"))
    if not isinstance(value.get("file_name"), str):
        source.fault("missing-image", file, item.line, f"image {key} has no file_name", "Give it one.")
        return
    kept = {k: value.get(k) for k in ("id", "file_name", "width", "height", "date_captured")}
    before = gatherer.image(key, item.line, kept)
    if before is not None:
        what = f"image id {key} stands twice, first on line {before}"
        source.fault("id-twice", file, item.line, what, "Give each image an id of its own.")


def _take_annotation(source: Source, file: str, item: Item, gatherer: Gatherer, _names: dict[str, str]) -> None:
    value, own = item.value, item.value.get("id")
    box = value.get("bbox")
    if not isinstance(box, list) or len(box) != 4:
        what = f"annotation {own} has no bbox of four numbers"
        source.fault("no-box", file, item.line, what, "Only boxes are kept; give it one.")
        return
    if _is_shape(value.get("segmentation")):
        what = "a segmentation is not kept; its box is"
        source.fault("segmentation", file, item.line, what, "Keep the original if you need it.", left_out=False)
    kept = [own, value.get("category_id"), box, value.get("attributes"), value.get("iscrowd")]
    before = gatherer.object(str(value.get("image_id")), item.line, kept, None if own is None else str(own))
    if before is not None:
        what = f"annotation id {own} stands twice, first on line {before}"
        source.fault("id-twice", file, item.line, what, "Give each annotation an id of its own.")


def _is_shape(value: Any) -> bool:
    """True for a mask, or for a polygon with other than four corners (tools write boxes as four)."""
    if isinstance(value, dict):
        return True
    return isinstance(value, list) and any(isinstance(part, list) and len(part) != 8 for part in value)


_TAKE = {"categories": _take_category, "images": _take_image, "annotations": _take_annotation}


def _draft(source: Source, file: str, found: Gathered, names: dict[str, str], split: str | None) -> Draft:
    value = found.value
    folder = PurePosixPath(file).parent
    part = _PARTS.get(split or "", "")
    near = (str(folder), str(folder.parent / "images" / part), str(folder.parent / part), str(folder / "images"))
    draft = Draft(
        name=value["file_name"],
        file=file,
        line=found.line,
        near=tuple("" if place == "." else place for place in near),
        width=whole(value["width"]),
        height=whole(value["height"]),
        captured_at=moment(value["date_captured"]),
        split=split,
        source_id=None if value["id"] is None else str(value["id"]),
    )
    for line, (own, category, box, attributes, crowd) in found.objects:
        label = names.get(str(category))
        if label is None:
            what = f"category_id {category} is not in categories"
            source.fault("unknown-class", file, line, what, "Add the category, or correct the id.")
            continue
        values = _attributes(attributes, crowd)
        x, y, wide, high = (number(n) for n in box)
        draft.boxes.append(DraftBox(label, x, y, wide, high, line, values, _box_id(own)))
    return draft


def _attributes(value: Any, crowd: Any) -> dict[str, Scalar]:
    found: dict[str, Scalar] = {"iscrowd": True} if crowd == 1 else {}
    if isinstance(value, dict):
        found.update((name, v) for name, v in value.items() if isinstance(v, (str, int, float, bool)))
    return found


def _box_id(own: Any) -> str | None:
    return None if own is None else str(own)


class Writer:
    """Writes `annotations/instances_<part>.json` and `images/<part>/…`, a document at a time, never all in memory."""

    def __init__(self, root: Path, classes_: Sequence[ClassSpec]) -> None:
        self.root, self._ids = root, {spec.name: number_ for number_, spec in enumerate(classes_, 1)}
        self._documents: dict[str, _Document] = {}
        self._image = self._annotation = 0
        (root / "annotations").mkdir(parents=True, exist_ok=True)

    def image_path(self, record: Record) -> str:
        """Where the image of a record goes, relative to the root."""
        part = _PARTS.get(record.split or "")
        return f"images/{part}/{record.name}" if part else f"images/{record.name}"

    def add(self, record: Record) -> None:
        """Write one image and its boxes; what nobody labelled is in no document."""
        if not record.labelled:
            return
        part = _PARTS.get(record.split or "", "default")
        document = self._documents.get(part)
        if document is None:
            document = self._documents[part] = _Document(self.root / "annotations" / f"instances_{part}.json")
        self._image += 1
        document.add_image(self._image, record)
        for box in record.boxes:
            self._annotation += 1
            document.add_box(self._annotation, self._image, self._ids[box.class_name], box)

    def close(self) -> None:
        """Finish every document."""
        categories = [{"id": key, "name": name, "supercategory": ""} for name, key in self._ids.items()]
        if not self._documents:
            self._documents["default"] = _Document(self.root / "annotations" / "instances_default.json")
        for document in self._documents.values():
            document.close(categories)


class _Document:
    """One COCO file; annotations wait in a file of their own until the images are all written."""

    def __init__(self, path: Path) -> None:
        self._path, self._waiting = path, path.with_suffix(".part")
        self._images: IO[str] = path.open("w", encoding="utf-8")
        self._boxes: IO[str] = self._waiting.open("w+", encoding="utf-8")
        info = {"description": "Exported by Trainyard", "version": "1.0"}
        self._images.write(f'{{"info": {json.dumps(info)}, "licenses": [],\n"images": [')
        self._first_image = self._first_box = True

    def add_image(self, key: int, record: Record) -> None:
        """`key` is unique in the export."""
        value: dict[str, Any] = {"id": key, "file_name": record.name, "width": record.width, "height": record.height}
        if record.captured_at is not None:
            value["date_captured"] = record.captured_at.isoformat()
        self._images.write(("\n" if self._first_image else ",\n") + _encoded(value))
        self._first_image = False

    def add_box(self, key: int, image: int, category: int, box: Box) -> None:
        """`key` is unique in the export."""
        crowd, more = 0, ""
        if box.attributes:
            attributes = dict(box.attributes)
            crowd = int(attributes.pop("iscrowd", False) is True)
            more = f', "attributes": {_encoded(attributes)}' if attributes else ""
        # The rest is numbers, which JSON writes as Python does; by the encoder they take three times as long.
        self._boxes.write(
            f'{"" if self._first_box else ","}\n{{"id": {key}, "image_id": {image}, "category_id": {category}, '
            f'"bbox": [{box.x}, {box.y}, {box.width}, {box.height}], "area": {round(box.width * box.height, 4)}, '
            f'"iscrowd": {crowd}, "segmentation": []{more}}}'
        )
        self._first_box = False

    def close(self, categories: list[dict[str, Any]]) -> None:
        """Put the parts together."""
        self._images.write('\n],\n"annotations": [')
        self._boxes.seek(0)
        while text := self._boxes.read(1 << 20):
            self._images.write(text)
        self._images.write(f'\n],\n"categories": {json.dumps(categories, ensure_ascii=False)}}}\n')
        self._images.close()
        self._boxes.close()
        self._waiting.unlink()
