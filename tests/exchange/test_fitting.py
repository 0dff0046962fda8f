"""Records fitted to a dataset's classes: what has no place there is reported, and the rest goes in."""

from app.domain.labels import LabelSchema, LabelValue
from app.exchange.fitting import Fitting
from app.exchange.report import Report
from app.formats.records import Box, Record

SCHEMA = LabelSchema.of(
    {
        "task": "detection",
        "classes": [
            {"name": "cell", "attributes": [{"name": "note", "type": "text"}, {"name": "late", "type": "flag"}]}
        ],
    }
)


def fitted(box: Box) -> tuple[LabelValue | None, list[str]]:
    report = Report()
    record = Record(name="a.png", labelled=True, width=100, height=80, boxes=(box,), file="a.json")
    return Fitting(SCHEMA, report).label(record), [fault.kind for fault in report.first]


def test_values_that_no_attribute_can_hold_are_dropped_and_the_box_goes_in() -> None:
    said = {"note": "a\0b", "late": "yes", "colour": "red"}
    label, faults = fitted(Box("cell", 1, 2, 30, 40, said))
    assert label is not None
    assert label.annotations == [{"id": "b1", "class": "cell", "box": [1, 2, 30, 40], "attributes": {"late": True}}]
    assert faults == ["other-value", "unknown-attribute"]


def test_box_of_an_unknown_class_leaves_the_sample_without_a_label() -> None:
    assert fitted(Box("dog", 1, 2, 30, 40)) == (None, ["unknown-class"])
