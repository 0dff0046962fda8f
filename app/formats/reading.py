"""Drafts become records here, by one rule for every format: the image is there, once, and readable; boxes are boxes.

What is wrong with an item is reported with its file and line; the rest of the record goes in. A record whose every box
was refused goes in without a label, since "nothing here" would be a lie. Images that no annotation names go in without
a label too, and are reported as such.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.formats.files import image_size
from app.formats.geometry import cut, pixels, problem
from app.formats.records import MAX_BOXES, Box, Draft, DraftBox, Record
from app.formats.source import Source

MAX_NAME = 200


def checked(source: Source, drafts: Iterator[Draft], *, whole_folder: bool = True) -> Iterator[Record]:
    """The records of a source; every image under its root once, if `whole_folder`."""
    for draft in drafts:
        record = _record(source, draft)
        if record is not None:
            yield record
    if whole_folder:
        yield from _without_annotation(source)


def _record(source: Source, draft: Draft) -> Record | None:
    name = _image(source, draft)
    if name is None:
        return None
    size = _size(source, draft, name)
    if size is None:
        return None
    boxes = tuple(_boxes(source, draft, *size))
    classes = tuple(dict.fromkeys(_classes(source, draft)))
    lost = (draft.boxes and not boxes) or (draft.classes and not classes and not boxes)
    if lost:
        source.fault(
            "label-lost",
            draft.file,
            draft.line,
            f"nothing of what was said about {name} could be taken, so it goes in without a label",
            "Correct what is reported above, and label it.",
            left_out=False,
        )
    return Record(
        name=name,
        labelled=draft.labelled and not lost,
        width=size[0],
        height=size[1],
        classes=classes,
        boxes=boxes,
        attributes=draft.attributes,
        split=draft.split,
        captured_at=draft.captured_at,
        source_id=draft.source_id,
        file=draft.file,
        line=draft.line,
    )


def _image(source: Source, draft: Draft) -> str | None:
    name = source.images.find(draft.name, draft.near)
    if name is None:
        source.fault(
            "missing-image",
            draft.file,
            draft.line,
            f"there is no image {draft.name!r} in this folder, or more than one fits",
            "Put the image there, or correct its name.",
        )
        return None
    place = draft.file if draft.line is None else f"{draft.file}:{draft.line}"
    before = source.images.claim(name, place)
    if before is not None:
        source.fault(
            "image-twice",
            draft.file,
            draft.line,
            f"{name} was described at {before} already",
            "Keep one of the two.",
        )
        return None
    return name


def _size(source: Source, draft: Draft, name: str) -> tuple[int, int] | None:
    size = image_size(source.root / name)
    if size is None:
        source.fault("unreadable-image", name, None, "this is no image that can be read", "Replace or remove it.")
        return None
    declared = (draft.width or size[0], draft.height or size[1])
    if declared != size:
        source.fault(
            "other-size",
            draft.file,
            draft.line,
            f"the annotation is for {declared[0]} × {declared[1]} pixels, and {name} has {size[0]} × {size[1]} "
            "(upright)",
            "Use the image that was annotated.",
        )
        return None
    return size


def _classes(source: Source, draft: Draft) -> Iterator[str]:
    for name in draft.classes:
        if _is_name(name):
            yield name.strip()
        else:
            source.fault(
                "no-class", draft.file, draft.line, "a class has no usable name", f"Give 1 to {MAX_NAME} letters."
            )


def _boxes(source: Source, draft: Draft, width: int, height: int) -> Iterator[Box]:
    ids: dict[str, int | None] = {}
    taken = 0
    for box in draft.boxes:
        line = draft.line if box.line is None else box.line
        if not _is_name(box.class_name):
            source.fault(
                "no-class", draft.file, line, "the box has no class", f"Give a name of 1 to {MAX_NAME} letters."
            )
            continue
        if box.id is not None and box.id in ids:
            what = f"the id {box.id!r} stands twice in this image, first on line {ids[box.id]}"
            source.fault("id-twice", draft.file, line, what, "Give every box an id of its own.")
            continue
        found = _box(source, draft, box, line, width, height)
        if found is None:
            continue
        taken += 1
        if taken > MAX_BOXES:
            what = f"the image has more than {MAX_BOXES:,} boxes; the rest is left out"
            source.fault("too-many-boxes", draft.file, line, what, "Cut the image into smaller ones.")
            return
        if box.id is not None:
            ids[box.id] = line
        yield found


def _box(source: Source, draft: Draft, box: DraftBox, line: int | None, width: int, height: int) -> Box | None:
    sides = pixels(box, width, height)
    wrong = problem(*sides, width, height)
    if wrong is not None:
        kind, what, todo = wrong
        source.fault(kind, draft.file, line, what, todo)
        return None
    return Box(box.class_name.strip(), *cut(*sides, width, height), box.attributes, box.id)


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and 0 < len(name.strip()) <= MAX_NAME and name.isprintable()


def _without_annotation(source: Source) -> Iterator[Record]:
    for name in source.images.unclaimed():
        size = image_size(source.root / name)
        if size is None:
            source.fault("unreadable-image", name, None, "this is no image that can be read", "Replace or remove it.")
            continue
        source.fault(
            "no-annotation",
            name,
            None,
            "no annotation names this image, so it goes in without a label",
            "Label it later, or remove it.",
            left_out=False,
        )
        yield Record(name=name, labelled=False, width=size[0], height=size[1], file=name)


def relative(root: Path, path: Path) -> str:
    """A path under `root`, with forward slashes."""
    return path.relative_to(root).as_posix()
