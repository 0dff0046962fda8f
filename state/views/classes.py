"""Classes of a dataset as their page shows them, and what a change of them would do, in words."""

from collections.abc import Mapping
from typing import Any, TypedDict

from app.schemas.schema_changes import ClassFate, SchemaImpact

TASKS = {
    "classification": "Classification: one class per sample",
    "multilabel": "Multilabel: any number of classes per sample",
    "detection": "Detection: boxes with a class each",
}


class ClassRow(TypedDict):
    """A class, and how often it is named. `attributes` is a line for each, as the form takes them."""

    name: str
    color: str
    key: str
    attributes: str
    shown_attributes: str
    count: str
    percent: int


class Consequence(TypedDict):
    """One thing that a change would do; `tone` is loss where something goes that people made."""

    text: str
    tone: str


NO_CLASS: ClassRow = {
    "name": "",
    "color": "#6e56cf",
    "key": "",
    "attributes": "",
    "shown_attributes": "",
    "count": "",
    "percent": 0,
}


def class_row(known: Mapping[str, Any], counts: Mapping[str, int]) -> ClassRow:
    """A class of a stored schema, with its share of everything that is labelled."""
    attributes: list[Mapping[str, Any]] = known.get("attributes") or []
    total, count = sum(counts.values()), counts.get(known["name"], 0)
    return {
        "name": known["name"],
        "color": known.get("color") or NO_CLASS["color"],
        "key": known.get("key") or "",
        "attributes": "\n".join(_attribute_line(attribute) for attribute in attributes),
        "shown_attributes": ", ".join(attribute["name"] for attribute in attributes),
        "count": f"{count:,}",
        "percent": count * 100 // total if total else 0,
    }


def consequences(impact: SchemaImpact) -> list[Consequence]:
    """What would become of the labels, class by class, and what would be lost in all."""
    unit = "box" if impact.label_schema["task"] == "detection" else "label"
    lines = [_fate(fate, unit) for fate in impact.fates]
    losses = [
        (impact.samples_unlabelled, "sample goes back to unlabelled", "samples go back to unlabelled"),
        (impact.verified_lost, "verified label is lost", "verified labels are lost"),
        (impact.attribute_values_removed, "value of an attribute is removed", "values of attributes are removed"),
        (impact.opinions_removed, "person's opinion is removed", "opinions of people are removed"),
    ]
    lines += [_line(f"{count:,} {one if count == 1 else more}.", "loss") for count, one, more in losses if count]
    if impact.opinions_changed:
        lines.append(_line(f"{_many(impact.opinions_changed, 'opinion')} of people change with it.", "plain"))
    return lines or [_line("No label changes.", "plain")]


def _fate(fate: ClassFate, unit: str) -> Consequence:
    what = f"{_many(fate.labels, unit)} in {_many(fate.samples, 'sample')}"
    if fate.verified_samples:
        what += f", {fate.verified_samples:,} of them verified"
    words = {
        "recoded": f"{fate.class_name} becomes {fate.becomes}: {what}.",
        "kept": f"{fate.class_name} loses values of attributes: {what}.",
        "removed": f"{fate.class_name} is removed: {what}.",
        "unlabelled": f"{fate.class_name} has no class any more: {what}.",
    }
    return _line(words[fate.outcome], "plain" if fate.outcome == "recoded" else "loss")


def attributes_of(text: str) -> list[dict[str, Any]]:
    """The attributes that somebody wrote, a line for each: `cut: flag`, `stage: young, old`."""
    found = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        name, _, rest = (part.strip() for part in line.partition(":"))
        choices = [choice.strip() for choice in rest.split(",") if choice.strip()]
        plain = rest if rest in ("text", "number", "flag") else "text" if not rest else ""
        found.append({"name": name, "type": plain or "choice", "choices": [] if plain else choices})
    return found


def _attribute_line(attribute: Mapping[str, Any]) -> str:
    rest = ", ".join(attribute.get("choices") or []) or attribute["type"]
    return f"{attribute['name']}: {rest}"


def _many(count: int, noun: str) -> str:
    ending = "es" if noun == "box" else "s"
    return f"{count:,} {noun}{'' if count == 1 else ending}"


def _line(text: str, tone: str) -> Consequence:
    return {"text": text, "tone": tone}
