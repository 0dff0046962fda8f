"""A look at everything before anything is imported: how much there is, of which classes, and what is at fault."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from app.domain.schema_additions import more_of
from app.formats.records import AttributeSpec, ClassSpec, Record, Scalar, Task

MAX_CLASSES = 1000
# Distinct also for people who do not tell red from green (Okabe and Ito, 2008), then the ones of the interface.
COLORS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#6e56cf", "#8d6e63", "#607d8b", "#b8860b")
KEYS = "123456789"


@dataclass(slots=True)
class Survey:
    """What a source holds. Grows with the number of classes and attributes, not with that of images."""

    images: int = 0
    labelled: int = 0
    boxes: int = 0
    several: int = 0
    classes: Counter[str] = field(default_factory=Counter)
    splits: Counter[str] = field(default_factory=Counter)
    declared: list[ClassSpec] = field(default_factory=list)
    _kinds: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, record: Record) -> None:
        """Count one record."""
        self.images += 1
        self.labelled += record.labelled
        self.boxes += len(record.boxes)
        self.several += len(record.classes) > 1
        self.classes.update(record.classes)
        for box in record.boxes:
            self.classes[box.class_name] += 1
            for name, value in box.attributes.items():
                self._see(box.class_name, name, value)
        if record.split is not None:
            self.splits[record.split] += 1

    def _see(self, label: str, name: str, value: Scalar) -> None:
        kind = "flag" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"
        before = self._kinds.setdefault((label, name), kind)
        if before != kind:
            self._kinds[label, name] = "text"

    @property
    def task(self) -> Task | None:
        """What the labels are for; None if nothing is labelled with a class."""
        if self.boxes:
            return "detection"
        if self.several:
            return "multilabel"
        return "classification" if self.classes else None

    def specs(self) -> list[ClassSpec]:
        """Declared and found classes, with the attributes that were declared or found."""
        declared = {spec.name: spec for spec in self.declared}
        names = [*declared, *(name for name, _ in self.classes.most_common() if name not in declared)]
        return [self._with_attributes(declared.get(name, ClassSpec(name))) for name in names[:MAX_CLASSES]]

    def _with_attributes(self, spec: ClassSpec) -> ClassSpec:
        known = {attribute.name for attribute in spec.attributes}
        found = tuple(
            AttributeSpec(name, kind)  # type: ignore[arg-type]
            for (label, name), kind in self._kinds.items()
            if label == spec.name and name not in known and name.strip()
        )
        return replace(spec, attributes=(*spec.attributes, *found)[:30])

    def as_dict(self) -> dict[str, Any]:
        """For a column, an answer or a screen."""
        return {
            "images": self.images,
            "labelled": self.labelled,
            "boxes": self.boxes,
            "task": self.task,
            "classes": dict(self.classes.most_common(MAX_CLASSES)),
            "splits": dict(self.splits),
        }


def survey(
    records: Iterator[Record], declared: Sequence[ClassSpec], tell: Callable[[Survey], None] = lambda _found: None
) -> Survey:
    """Look at every record; `tell` is called now and then with what was counted until then."""
    found = Survey(declared=list(declared))
    for record in records:
        found.add(record)
        if found.images % 200 == 0:
            tell(found)
    tell(found)
    return found


def as_schema(specs: Sequence[ClassSpec], task: Task) -> dict[str, Any]:
    """A label schema with these classes: colours and keys of their own where the format has none."""
    free = [key for key in KEYS if all(spec.key != key for spec in specs)]
    taken: set[str] = set()
    classes = []
    for number, spec in enumerate(specs):
        key = spec.key if spec.key and len(spec.key) == 1 and spec.key in KEYS + "abcdefghijklmnopqrstuvwxyz" else None
        key = (free.pop(0) if free else None) if key is None or key in taken else key
        taken.update({key} if key else ())
        classes.append(as_class(spec, number, key, with_attributes=task == "detection"))
    return {"task": task, "classes": classes}


def as_class(spec: ClassSpec, number: int, key: str | None = None, *, with_attributes: bool = True) -> dict[str, Any]:
    """One class of a label schema; `number` chooses the colour where it has none."""
    return {
        "name": spec.name,
        "color": spec.color or COLORS[number % len(COLORS)],
        "key": key,
        "attributes": [as_attribute(attribute) for attribute in spec.attributes] if with_attributes else [],
    }


def as_attribute(spec: AttributeSpec) -> dict[str, Any]:
    """One attribute of a label schema; a choice without choices is a text."""
    kind = "text" if spec.type == "choice" and not spec.choices else spec.type
    return {"name": spec.name, "type": kind, "choices": list(spec.choices) if kind == "choice" else []}


def missing_classes(schema: dict[str, Any], specs: Sequence[ClassSpec], used: Counter[str]) -> list[ClassSpec]:
    """The classes that are used, and the schema lacks."""
    known = {entry["name"] for entry in schema["classes"]}
    return [spec for spec in specs if spec.name not in known and used[spec.name]]


def with_classes(schema: dict[str, Any], specs: Sequence[ClassSpec], used: Counter[str]) -> dict[str, Any]:
    """The schema with the classes and attributes that are used and that it lacks; what it has stays as it is."""
    classes = [dict(entry) for entry in schema["classes"]]
    by_name = {entry["name"]: entry for entry in classes}
    keys = [key for key in KEYS if all(entry.get("key") != key for entry in classes)]
    boxed = schema["task"] == "detection"
    for spec in specs:
        if not used[spec.name]:
            continue
        known = by_name.get(spec.name)
        if known is None:
            key = keys.pop(0) if keys else None
            classes.append(as_class(spec, len(classes), key, with_attributes=boxed))
        elif boxed:
            more = more_of(known, {"attributes": [as_attribute(attribute) for attribute in spec.attributes]})
            known["attributes"] = [*(known.get("attributes") or ()), *more][:30]
    return {**schema, "classes": classes}
