"""A record as a label of one dataset: its task, its classes, its attributes. What does not fit is reported."""

import re
from typing import Any

from app.domain.labels import AttributeType, LabelClass, LabelSchema, LabelValue, Task, checked_box
from app.errors import Invalid
from app.exchange.report import Report
from app.formats.records import Box, Fault, Record, Scalar
from app.formats.source import written

_BOX_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FLAGS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_TEXT = 1000


class Fitting:
    """Fits records to the schema of a dataset."""

    def __init__(self, schema: LabelSchema, report: Report) -> None:
        self.schema, self._report = schema, report
        self._unknown: set[tuple[str, str]] = set()

    def label(self, record: Record) -> LabelValue | None:
        """The label of the record, or None if it has none that fits."""
        if not record.labelled:
            return None
        if self.schema.task is Task.DETECTION:
            return self._detection(record)
        if record.boxes:
            self._fault(record, "no-place", f"this dataset is for {self.schema.task}, and boxes have no place in it")
            return None
        names = [name for name in record.classes if self._is_known(record, name)]
        if self.schema.task is Task.MULTILABEL:
            return LabelValue({"classes": names}, []) if names or not record.classes else None
        if len(names) > 1:
            self._fault(record, "no-place", f"the image has {len(names)} classes, and this dataset wants one")
        return LabelValue({"class": names[0]}, []) if len(names) == 1 else None

    def _is_known(self, record: Record, name: str) -> bool:
        if name in self.schema.by_name:
            return True
        self._fault(record, "unknown-class", f"{name!r} is not a class of this dataset")
        return False

    def _detection(self, record: Record) -> LabelValue | None:
        if record.classes:
            what = "classes of the whole image have no place in a dataset for detection"
            self._fault(record, "no-place", what)
        taken: set[str] = {box.id for box in record.boxes if box.id is not None}
        boxes = [self._box(record, box, number, taken) for number, box in enumerate(record.boxes, 1)]
        kept = [box for box in boxes if box is not None]
        if (record.boxes or record.classes) and not kept:
            return None
        return LabelValue({}, kept)

    def _box(self, record: Record, box: Box, number: int, taken: set[str]) -> dict[str, Any] | None:
        known = self.schema.by_name.get(box.class_name)
        if known is None:
            self._fault(record, "unknown-class", f"{box.class_name!r} is not a class of this dataset")
            return None
        key = box.id if box.id is not None and _BOX_ID.fullmatch(box.id) else _free(number, taken)
        value = {
            "id": key,
            "class": box.class_name,
            "box": [box.x, box.y, box.width, box.height],
            "attributes": self._attributes(record, known, box),
        }
        assert record.width is not None
        assert record.height is not None
        try:
            return checked_box(self.schema, value, (record.width, record.height))
        except Invalid as refused:
            self._fault(record, "refused", refused.message)
            return None

    def _attributes(self, record: Record, known: LabelClass, box: Box) -> dict[str, Scalar]:
        found: dict[str, Scalar] = {}
        for name, value in box.attributes.items():
            attribute = known.attributes.get(name)
            if attribute is None:
                if (known.name, name) not in self._unknown and len(self._unknown) < 1000:
                    self._unknown.add((known.name, name))
                    what = f"class {known.name!r} has no attribute {name!r}; it is dropped here and further on"
                    self._fault(record, "unknown-attribute", what, left_out=False)
                continue
            fitted = _as(attribute.type, value)
            if fitted is None or attribute.fault(fitted) is not None:
                what = f"attribute {name!r} of class {known.name!r} cannot be {value!r}; it is dropped"
                self._fault(record, "other-value", what, left_out=False)
                continue
            found[name] = fitted
        return found

    def _fault(self, record: Record, kind: str, what: str, *, left_out: bool = True) -> None:
        todo = {
            "unknown-class": "Add the class to the dataset, or rename it in the file.",
            "unknown-attribute": "Add the attribute to the class, if you need it.",
        }.get(kind, "Import it into another dataset, or change the file.")
        self._report.add(Fault(kind, record.file or record.name, record.line, what, todo, left_out))


def _free(number: int, taken: set[str]) -> str:
    """An id that no box of the sample has."""
    while f"b{number}" in taken:
        number += 1000
    taken.add(f"b{number}")
    return f"b{number}"


def _as(kind: AttributeType, value: Scalar) -> Scalar | None:
    """The value as the attribute's type wants it, or None if it cannot be."""
    if kind is AttributeType.FLAG:
        return value if isinstance(value, bool) else _FLAGS.get(written(value).lower())
    if kind is AttributeType.NUMBER:
        try:
            return value if isinstance(value, int | float) and not isinstance(value, bool) else float(written(value))
        except ValueError:
            return None
    text = written(value)[:_TEXT]
    return text if "\0" not in text else None
