"""What may be said about a sample: label schemas and the values that fit them.

Three tasks, and what a labelled sample holds in each:

| task | labels | annotations |
| --- | --- | --- |
| classification | `{"class": name}` | `[]` |
| multilabel | `{"classes": [name, …]}`, in the schema's order; none is "none of these" | `[]` |
| detection | `{}` | boxes; none is "nothing here" |

A box is `{"id", "class", "box": [x, y, width, height], "attributes": {…}}` in pixels of the upright image, kept to a
tenth of a pixel. Rules of boxes: every number finite, width and height positive (negative ones are swapped corners), no
more than half a pixel outside the image (that much is clipped: it is how tools round), a class of the schema, ids
unique in the sample, and only attributes that the class declares.

Pure: plain values in, checked plain values out. Whoever reads a file of another tool uses `checked_box` for each box,
so that one bad box can be reported and the rest go in.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, Self

from app.errors import Invalid

MAX_BOXES = 1_000
MAX_TEXT = 1_000
# Tools round corners outwards; what lies further outside than this is a mistake of somebody.
TOLERANCE = 0.5
# Larger than any pixel, duration or measure, and exact in a float and in the database.
_LARGEST = 1e15
_BOX_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Task(StrEnum):
    """What the labels of a dataset are for."""

    CLASSIFICATION = "classification"
    MULTILABEL = "multilabel"
    DETECTION = "detection"


class AttributeType(StrEnum):
    """What kind of value an attribute of a box has."""

    TEXT = "text"
    NUMBER = "number"
    CHOICE = "choice"
    FLAG = "flag"


@dataclass(frozen=True)
class Attribute:
    """Something a box of a class can say about itself, such as `occluded`."""

    name: str
    type: AttributeType
    choices: tuple[str, ...] = ()

    def fault(self, value: object) -> str | None:
        """Why `value` is not one of this attribute, in words, or None when it is."""
        match self.type:
            case AttributeType.FLAG:
                return None if isinstance(value, bool) else "must be true or false"
            case AttributeType.NUMBER:
                return None if _is_number(value) else "must be a finite number"
            case AttributeType.CHOICE:
                return None if value in self.choices else f"must be one of {', '.join(self.choices)}"
        fits = isinstance(value, str) and len(value) <= MAX_TEXT
        return None if fits else f"must be text of at most {MAX_TEXT:,} characters"


@dataclass(frozen=True)
class LabelClass:
    """One class, with the attributes that its boxes may have by name."""

    name: str
    color: str = ""
    key: str | None = None
    attributes: Mapping[str, Attribute] = field(default_factory=dict)


@dataclass(frozen=True)
class LabelSchema:
    """The classes of a dataset and the task that they are for."""

    task: Task
    classes: tuple[LabelClass, ...]

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """Read what a dataset or a version stores as its `label_schema`."""
        return cls(Task(stored.get("task", Task.CLASSIFICATION)), tuple(map(_label_class, stored["classes"])))

    @cached_property
    def by_name(self) -> Mapping[str, LabelClass]:
        """The classes by their names, in the schema's order."""
        return {known.name: known for known in self.classes}

    def class_of(self, name: object, where: str) -> LabelClass:
        """The class called `name`; `Invalid` names `where` it was asked for, and the classes there are."""
        known = self.by_name.get(name) if isinstance(name, str) else None
        if known is None:
            listed = ", ".join(list(self.by_name)[:30])
            more = ", …" if len(self.by_name) > 30 else ""
            raise Invalid(f"{name!r} is not a class of this dataset. Its classes: {listed}{more}.", field=where)
        return known


@dataclass(frozen=True)
class LabelValue:
    """What one person says about a sample: checked, and as the database keeps it."""

    labels: dict[str, Any]
    annotations: list[dict[str, Any]]

    @property
    def classes(self) -> list[str]:
        """The classes it names, once for every box."""
        return classes_in(self.labels, self.annotations)


def classes_in(labels: Mapping[str, Any], annotations: Sequence[Mapping[str, Any]]) -> list[str]:
    """The classes that a stored value names, in any task: once per sample, or once for every box."""
    single = [labels["class"]] if "class" in labels else []
    return [*single, *labels.get("classes", ()), *(box["class"] for box in annotations)]


def checked_value(
    schema: LabelSchema,
    labels: Mapping[str, Any],
    annotations: Sequence[Mapping[str, Any]] = (),
    size: tuple[int, int] | None = None,
) -> LabelValue:
    """`labels` and `annotations` as a value that fits `schema`, or `Invalid` with the `field` that does not.

    `size`: width and height of the upright image in pixels, None where they are not known.
    """
    if annotations and schema.task is not Task.DETECTION:
        raise Invalid(f"This dataset is for {schema.task}: its samples have no boxes.", field="annotations")
    wrong = [name for name in labels if name != _LABEL_KEY[schema.task]]
    if wrong:
        raise Invalid(f"labels.{wrong[0]} does not fit: {_SHAPE[schema.task]}", field=f"labels.{wrong[0]}")
    match schema.task:
        case Task.CLASSIFICATION:
            return LabelValue({"class": _single(schema, labels)}, [])
        case Task.MULTILABEL:
            return LabelValue({"classes": _several(schema, labels)}, [])
    return LabelValue({}, _boxes(schema, annotations, size))


_LABEL_KEY = {Task.CLASSIFICATION: "class", Task.MULTILABEL: "classes", Task.DETECTION: None}
_SHAPE = {
    Task.CLASSIFICATION: 'a label of this dataset is {"class": name}.',
    Task.MULTILABEL: 'a label of this dataset is {"classes": [names]}.',
    Task.DETECTION: "labels of this dataset are boxes. Send them as annotations, and labels: {}.",
}


def _single(schema: LabelSchema, labels: Mapping[str, Any]) -> str:
    if "class" not in labels:
        raise Invalid(f"The label has no class: {_SHAPE[schema.task]}", field="labels.class")
    return schema.class_of(labels["class"], "labels.class").name


def _several(schema: LabelSchema, labels: Mapping[str, Any]) -> list[str]:
    """The classes in the schema's order, so that equal opinions are equal values."""
    if "classes" not in labels:
        raise Invalid(f"The label has no classes: {_SHAPE[schema.task]}", field="labels.classes")
    named = [schema.class_of(name, "labels.classes").name for name in labels["classes"]]
    if len(set(named)) != len(named):
        raise Invalid("A class is named twice; name each class that applies once.", field="labels.classes")
    wanted = set(named)
    return [name for name in schema.by_name if name in wanted]


def _boxes(
    schema: LabelSchema, annotations: Sequence[Mapping[str, Any]], size: tuple[int, int] | None
) -> list[dict[str, Any]]:
    if len(annotations) > MAX_BOXES:
        raise Invalid(f"A sample has at most {MAX_BOXES:,} boxes, got {len(annotations):,}.", field="annotations")
    boxes, seen = [], set()
    for place, annotation in enumerate(annotations):
        box = checked_box(schema, annotation, size, f"annotations.{place}")
        if box["id"] in seen:
            raise Invalid(f"Two boxes have the id {box['id']!r}; each needs its own.", field=f"annotations.{place}.id")
        seen.add(box["id"])
        boxes.append(box)
    return boxes


def checked_box(
    schema: LabelSchema, annotation: Mapping[str, Any], size: tuple[int, int] | None, where: str = "box"
) -> dict[str, Any]:
    """One box as the database keeps it, or `Invalid` that says what is wrong with it and `where`."""
    name = annotation.get("id")
    if not isinstance(name, str) or not _BOX_ID.fullmatch(name):
        raise Invalid(f"The id of a box is 1 to 64 letters, digits, _ or -, got {name!r}.", field=f"{where}.id")
    known = schema.class_of(annotation.get("class"), f"{where}.class")
    return {
        "id": name,
        "class": known.name,
        "box": checked_rectangle(annotation.get("box"), size, f"{where}.box"),
        "attributes": _attributes(known, annotation.get("attributes") or {}, f"{where}.attributes"),
    }


def checked_rectangle(box: object, size: tuple[int, int] | None, where: str = "box") -> list[float]:
    """`[x, y, width, height]` in tenths of a pixel inside an image of `size`, or `Invalid`."""
    if not isinstance(box, list | tuple) or len(box) != 4 or not all(_is_number(part) for part in box):
        raise Invalid(f"A box is four finite numbers [x, y, width, height], got {box!r}.", field=where)
    x, y, width, height = (float(part) for part in box)
    if width < 0 or height < 0:
        raise Invalid(
            f"The box {_words(box)} has a negative side: its corners are swapped. It begins at its top left corner.",
            field=where,
        )
    across, down = size if size is not None else (math.inf, math.inf)
    if min(x, y) < -TOLERANCE or x + width > across + TOLERANCE or y + height > down + TOLERANCE:
        limits = f"of {across} × {down} pixels" if size is not None else "which begins at 0, 0"
        raise Invalid(f"The box {_words(box)} reaches outside its image, {limits}.", field=where)
    left, wide = _clipped(x, width, across)
    top, high = _clipped(y, height, down)
    if wide <= 0 or high <= 0:
        raise Invalid(f"The box {_words(box)} has no area: a side is shorter than a tenth of a pixel.", field=where)
    return [left, top, wide, high]


def _clipped(start: float, length: float, limit: float) -> tuple[float, float]:
    """A side in tenths of a pixel, and inside the image also after that rounding."""
    begin, end = max(start, 0.0), min(start + length, limit)
    inside = length if (begin, end) == (start, start + length) else end - begin
    begin = round(begin, 1)
    return begin, round(min(round(inside, 1), limit - begin), 1)


def _attributes(known: LabelClass, values: object, where: str) -> dict[str, Any]:
    if not isinstance(values, Mapping):
        raise Invalid("The attributes of a box are an object of names and values.", field=where)
    for name, value in values.items():
        here, attribute = f"{where}.{name}", known.attributes.get(name)
        if attribute is None:
            declared = ", ".join(known.attributes) or "none"
            raise Invalid(f"Class {known.name!r} has no attribute {name!r}. It has: {declared}.", field=here)
        fault = attribute.fault(value)
        if fault is not None:
            raise Invalid(f"Attribute {name!r} of class {known.name!r} {fault}, got {value!r}.", field=here)
    return {name: values[name] for name in known.attributes if name in values}


def _label_class(stored: Mapping[str, Any]) -> LabelClass:
    attributes = [
        Attribute(entry["name"], AttributeType(entry["type"]), tuple(entry.get("choices") or ()))
        for entry in stored.get("attributes") or ()
    ]
    return LabelClass(
        stored["name"], stored.get("color", ""), stored.get("key"), {entry.name: entry for entry in attributes}
    )


def _is_number(value: object) -> bool:
    # Compared, not asked: `math.isfinite` fails for a whole number that is too large for a float.
    return isinstance(value, int | float) and not isinstance(value, bool) and -_LARGEST <= value <= _LARGEST


def _words(box: Sequence[float]) -> str:
    return "[" + ", ".join(f"{part:g}" for part in box) + "]"
