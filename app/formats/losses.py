"""What a format cannot carry: the table, and what of given records is lost by it, with counts.

`CARRIES` is the table of docs/formats.md. A loss is only listed where there is something to lose.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from app.formats.folders import folder_name
from app.formats.records import ClassSpec, Record
from app.formats.source import scalar, written


@dataclass(frozen=True, slots=True)
class Carries:
    """What one format can hold. Box coordinates, class names and image names every format holds as it can."""

    boxes: bool = True
    image_classes: bool = False
    several_classes: bool = False
    unlabelled: bool = True
    nothing: bool = True
    split: bool = True
    captured_at: bool = False
    box_ids: bool = False
    box_attributes: bool = False
    image_metadata: bool = False
    unused_classes: bool = True
    colors: bool = False
    keys: bool = False
    attribute_schema: bool = False
    # Attribute values are plain text there: `"12"` comes back as a number.
    typed_values: bool = True


CARRIES: dict[str, Carries] = {
    "coco": Carries(box_attributes=True, captured_at=True),
    "yolo": Carries(typed_values=False),
    "voc": Carries(box_attributes=True, unused_classes=False, typed_values=False),
    "cvat": Carries(
        image_classes=True,
        several_classes=True,
        box_attributes=True,
        colors=True,
        attribute_schema=True,
        typed_values=False,
    ),
    "label_studio": Carries(
        image_classes=True,
        several_classes=True,
        captured_at=True,
        box_ids=True,
        box_attributes=True,
        image_metadata=True,
        colors=True,
        keys=True,
    ),
    "folders": Carries(boxes=False, image_classes=True, nothing=False, typed_values=False),
    "csv": Carries(
        image_classes=True,
        several_classes=True,
        captured_at=True,
        box_ids=True,
        box_attributes=True,
        image_metadata=True,
        unused_classes=False,
        typed_values=False,
    ),
}
WORDS = {
    "boxes": "boxes",
    "image_classes": "classes of a whole image",
    "several_classes": "more than one class of an image (the first is kept)",
    "unlabelled": "images that nobody labelled",
    "nothing": "the statement that an image shows nothing",
    "split": "the part of the split",
    "captured_at": "when an image was captured",
    "box_ids": "ids of boxes",
    "box_attributes": "attributes of boxes",
    "image_metadata": "metadata of images",
    "typed_values": "texts that look like numbers or true and false (they come back as such)",
    "unused_classes": "classes that nothing has",
    "colors": "colours of classes",
    "keys": "keys of classes",
    "attribute_schema": "which attributes a class has",
    "verified": "that a label was verified",
    "class_names": "characters of class names that a folder's name cannot have",
    "mixed_split": "images without a part beside ones that have one",
}


@dataclass(frozen=True, slots=True)
class Loss:
    """One kind of thing that is lost, how many of it, and an example."""

    kind: str
    what: str
    count: int
    example: str


class LossCounter:
    """Counts what is lost while records pass by; memory does not grow with their number."""

    def __init__(self, format_name: str, classes: Sequence[ClassSpec]) -> None:
        self._name, self._carries, self._classes = format_name, CARRIES[format_name], classes
        self._counts: dict[str, tuple[int, str]] = {}
        self._used: set[str] = set()
        self._with_part = self._without_part = 0

    def add(self, record: Record) -> None:
        """Note one record that is written."""
        for kind in _said(record):
            lost = kind == "verified" or not getattr(self._carries, kind)
            if lost:
                self._note(kind, record.name)
        if not self._carries.typed_values:
            changed = _changes(record, self._carries)
            if changed:
                self._note("typed_values", record.name, changed)
        self._used.update(record.classes, (box.class_name for box in record.boxes))
        self._with_part += record.split is not None
        self._without_part += record.split is None

    def _note(self, kind: str, example: str, count: int = 1) -> None:
        before, first = self._counts.get(kind, (0, example))
        self._counts[kind] = (before + count, first)

    def result(self) -> list[Loss]:
        """Everything that is lost, in the order of `WORDS`."""
        for spec in self._classes:
            for kind in _of_class(spec):
                if not getattr(self._carries, kind):
                    self._note(kind, spec.name)
            if not self._carries.unused_classes and spec.name not in self._used:
                self._note("unused_classes", spec.name)
            if self._name == "folders" and folder_name(spec.name) != spec.name:
                self._note("class_names", spec.name)
        if self._name == "yolo" and self._with_part and self._without_part:
            self._note("mixed_split", "images", self._without_part)
        return [Loss(kind, words, *self._counts[kind]) for kind, words in WORDS.items() if kind in self._counts]


def losses(records: Iterable[Record], format_name: str, classes: Sequence[ClassSpec] = ()) -> list[Loss]:
    """What is lost when `records` are written in that format."""
    counter = LossCounter(format_name, classes)
    for record in records:
        counter.add(record)
    return counter.result()


def _said(record: Record) -> list[str]:
    """Which kinds of things a record says."""
    says = {
        "unlabelled": not record.labelled,
        "nothing": record.labelled and not record.boxes and not record.classes,
        "boxes": bool(record.boxes),
        "image_classes": bool(record.classes),
        "several_classes": len(record.classes) > 1,
        "split": record.split is not None,
        "captured_at": record.captured_at is not None,
        "image_metadata": bool(record.attributes),
        "box_ids": any(box.id is not None for box in record.boxes),
        "box_attributes": any(box.attributes for box in record.boxes),
        "verified": record.verified,
    }
    return [kind for kind, said in says.items() if said]


def _of_class(spec: ClassSpec) -> Iterator[str]:
    if spec.color is not None:
        yield "colors"
    if spec.key is not None:
        yield "keys"
    if spec.attributes:
        yield "attribute_schema"


def _changes(record: Record, carries: Carries) -> int:
    """How many values that the format holds come back as something else from plain text."""
    values = [v for box in record.boxes for v in box.attributes.values()] if carries.box_attributes else []
    values += record.attributes.values() if carries.image_metadata else []
    return sum(1 for value in values if (again := scalar(written(value))) != value or type(again) is not type(value))


def table() -> str:
    """`CARRIES` as the table of docs/formats.md."""
    names = list(CARRIES)
    rows = [f"| | {' | '.join(names)} |", f"| --- |{' :-: |' * len(names)}"]
    for kind, words in WORDS.items():
        if kind in Carries.__dataclass_fields__:
            marks = ("✓" if getattr(CARRIES[name], kind) else "–" for name in names)
            rows.append(f"| {words.partition(' (')[0]} | {' | '.join(marks)} |")
    return "\n".join(rows)
