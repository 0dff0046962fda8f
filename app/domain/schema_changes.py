"""Changing the label schema of a dataset in use: what the new schema is, and what becomes of every label.

`SchemaPlan` takes changes one after another and ends with the new classes and, for every class of the present schema,
one `Fate`: what a label with that class becomes. There are three ends:

- another class, or the same one (rename, merge, split);
- DROPPED: the class is gone. A box of it is removed and a class of several is taken out of the list, and the rest of
  the sample's label stays true. A sample that had only this class has no label any more;
- UNDECIDED: a split says nothing of this label, so a person has to label the whole sample again.

Nothing else can happen to a label, so what is not in the fates is not changed. `recoded` is the rule for one value, in
plain Python; the database applies the same rule to all of them at once (`app/services/recoding.py`), and a property
test holds the two together. Pure: stored schemas in, stored schemas out.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from app.domain.labels import AttributeType, LabelSchema, LabelValue, Task
from app.errors import Invalid

Stored = dict[str, Any]
SAMPLE = "sample"  # what a split by chosen samples goes by
# Not names of classes: those are text.
DROPPED, UNDECIDED = None, False
End = str | None | bool


@dataclass(frozen=True)
class Fate:
    """What becomes of the labels of one class: `cases` by the value of an attribute or by sample, otherwise `end`.

    `by`: the name of an attribute, `SAMPLE`, or None if there are no cases. `chosen`: a person chose the samples, so
    what follows is a new label by that person, and nobody verified it yet.
    """

    end: End
    by: str | None = None
    chosen: bool = False
    cases: Mapping[str, End] = field(default_factory=dict)

    def moved(self, step: Callable[[End], End]) -> "Fate":
        """The same, with `step` after it."""
        return replace(self, end=step(self.end), cases={key: step(end) for key, end in self.cases.items()})

    def of(self, sample: str, attributes: Mapping[str, Any]) -> End:
        """The end of one label of `sample`."""
        if self.by is None:
            return self.end
        key = sample if self.chosen else as_text(attributes.get(self.by))
        return self.cases.get(key, self.end) if key is not None else self.end


def as_text(value: object) -> str | None:
    """The value of an attribute as the key of a case: what PostgreSQL's `->>` gives."""
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)


class SchemaPlan:
    """A label schema under change. Every method is one change, and raises `Invalid` if it makes no sense."""

    def __init__(self, stored: Mapping[str, Any]) -> None:
        self.task = LabelSchema.of(stored).task
        self.classes: list[Stored] = [dict(known) for known in stored["classes"]]
        self._before = {known["name"]: known for known in self.classes}
        self.fates: dict[str, Fate] = {name: Fate(name) for name in self._before}

    @property
    def schema(self) -> Stored:
        """The schema as it is by now."""
        return {"task": str(self.task), "classes": self.classes}

    @property
    def touched(self) -> list[str]:
        """The present classes whose labels may change: their fate is another, or they declare other attributes."""
        after = {known["name"]: _declared(known) for known in self.classes}
        same = {name for name, fate in self.fates.items() if fate == Fate(name)}
        return [name for name, known in self._before.items() if name not in same or _declared(known) != after[name]]

    def add(self, new: Stored) -> None:
        """One more class, at the end."""
        self._free(new["name"])
        self.classes.append(dict(new))

    def edit(self, name: str, changes: Stored) -> None:
        """Another colour, key or other attributes. Values of attributes that are gone are taken out of the boxes."""
        place = self._place(name)
        self.classes[place] = {**self.classes[place], **changes}

    def rename(self, name: str, to: str) -> None:
        """Another name; every label follows."""
        place = self._place(name)
        if to != name:
            self._free(to)
        self.classes[place] = {**self.classes[place], "name": to}
        self._move(lambda end: to if end == name else end)

    def merge(self, names: Sequence[str], into: str) -> None:
        """Labels of `names` become `into`, a class that is there; the others are no classes any more."""
        for name in (*names, into):
            self._place(name)
        gone = set(names) - {into}
        if not gone:
            raise Invalid(f"Merging into {into!r} needs at least one other class.", field="classes")
        self.classes = [known for known in self.classes if known["name"] not in gone]
        self._move(lambda end: into if end in gone else end)

    def remove(self, name: str) -> None:
        """One class less; its labels go."""
        del self.classes[self._place(name)]
        self._move(lambda end: DROPPED if end == name else end)

    def split(
        self,
        name: str,
        into: Sequence[Stored],
        *,
        attribute: str | None = None,
        cases: Mapping[str, str],
        otherwise: str | None,
    ) -> None:
        """The class becomes the classes `into`: by the value of `attribute`, or by sample id if that is None.

        A label that no case names becomes `otherwise`; if that is None its sample goes back to unlabelled.
        """
        place = self._place(name)
        old = self.classes.pop(place)
        for offset, new in enumerate(into):
            self._free(new["name"])
            self.classes.insert(place + offset, dict(new))
        for target in {*cases.values(), *([otherwise] if otherwise else [])} - {new["name"] for new in into}:
            raise Invalid(f"{target!r} is none of the classes that {name!r} is split into.", field="into")
        kinds = {entry["name"]: entry["type"] for entry in old.get("attributes") or ()}
        if attribute is not None and kinds.get(attribute, AttributeType.NUMBER) == AttributeType.NUMBER:
            raise Invalid(
                f"Class {name!r} has no attribute {attribute!r} to split by, with choices, a flag or a text.",
                field="attribute",
            )
        fate = Fate(otherwise or UNDECIDED, attribute or SAMPLE, attribute is None, dict(cases))
        for origin, present in self.fates.items():
            ends = {present.end, *present.cases.values()}
            if name in ends and present.by is not None:
                raise Invalid(f"{name!r} comes from a split in this same change. Apply that one first.", field="class")
            if name in ends:
                self.fates[origin] = fate

    def _move(self, step: Callable[[End], End]) -> None:
        self.fates = {name: fate.moved(step) for name, fate in self.fates.items()}

    def _place(self, name: str) -> int:
        for place, known in enumerate(self.classes):
            if known["name"] == name:
                return place
        listed = ", ".join(known["name"] for known in self.classes[:30])
        raise Invalid(f"There is no class {name!r}. The classes at that point: {listed}.", field="class")

    def _free(self, name: str) -> None:
        if any(known["name"] == name for known in self.classes):
            raise Invalid(f"There is a class {name!r} already. To join two classes, merge them.", field="name")


def recoded(plan: SchemaPlan, sample: str, value: LabelValue) -> LabelValue | None:
    """What `value`, said of `sample`, is after the plan; None if the sample has no label any more.

    The rule that the database applies to every label at once.
    """
    schema = LabelSchema.of(plan.schema)
    if plan.task is Task.DETECTION:
        boxes = [(box, plan.fates[box["class"]].of(sample, box.get("attributes") or {})) for box in value.annotations]
        if any(end is UNDECIDED for _, end in boxes):
            return None
        return LabelValue({}, [_reclassed(schema, box, end) for box, end in boxes if isinstance(end, str)])
    ends = {plan.fates[name].of(sample, {}) for name in value.classes}
    if UNDECIDED in ends:
        return None
    names = [name for name in schema.by_name if name in ends]
    if plan.task is Task.MULTILABEL:
        return LabelValue({"classes": names}, [])
    return LabelValue({"class": names[0]}, []) if names else None


def _reclassed(schema: LabelSchema, box: Stored, name: str) -> Stored:
    declared = schema.by_name[name].attributes
    kept = {
        key: value
        for key, value in (box.get("attributes") or {}).items()
        if key in declared and declared[key].fault(value) is None
    }
    return {**box, "class": name, "attributes": kept}


def _declared(known: Mapping[str, Any]) -> list[tuple[str, AttributeType, tuple[str, ...]]]:
    """What boxes of a class may say, for comparing."""
    attributes: Iterable[Mapping[str, Any]] = known.get("attributes") or ()
    return sorted(
        (entry["name"], AttributeType(entry["type"]), tuple(entry.get("choices") or ())) for entry in attributes
    )
