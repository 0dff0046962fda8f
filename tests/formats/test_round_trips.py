"""Out and in again: exact, but for what the loss report lists. Over any records, for every format."""

import dataclasses
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.formats import FORMATS, declared_classes, detect, open_source, read, writer
from app.formats.losses import CARRIES, losses, table
from app.formats.records import AttributeSpec, Box, ClassSpec, Record
from tests.formats.folder import image

WIDTH, HEIGHT = 64, 48
LETTERS = st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs"), exclude_characters="\u2028\u2029")
LABEL = st.text(LETTERS, min_size=1, max_size=12).map(str.strip).filter(lambda t: t and t.isprintable() and t[0] != ".")
SCALAR = st.one_of(st.booleans(), st.integers(-(10**9), 10**9), st.floats(-1e6, 1e6).map(lambda f: round(f, 3)), LABEL)
SPLIT = st.sampled_from([None, "train", "validation", "test"])
MOMENT = st.datetimes(datetime(2000, 1, 1), datetime(2030, 1, 1)).map(lambda t: t.replace(tzinfo=UTC))


@st.composite
def boxes(draw: st.DrawFn, labels: list[str], attributes: list[str], key: int) -> Box:
    left = draw(st.integers(0, WIDTH * 10_000 - 1)) / 10_000
    top = draw(st.integers(0, HEIGHT * 10_000 - 1)) / 10_000
    wide = draw(st.integers(1, WIDTH * 10_000 - round(left * 10_000))) / 10_000
    high = draw(st.integers(1, HEIGHT * 10_000 - round(top * 10_000))) / 10_000
    values = draw(st.dictionaries(st.sampled_from(attributes), SCALAR, max_size=2))
    return Box(draw(st.sampled_from(labels)), left, top, wide, high, values, f"b{key}")


@st.composite
def datasets(draw: st.DrawFn) -> tuple[list[ClassSpec], list[Record]]:
    """Classes, and records of one task: boxes, or classes of whole images."""
    labels = draw(st.lists(LABEL, min_size=1, max_size=4, unique_by=str.casefold))
    detection = draw(st.booleans())
    names = ["stage", "truncated", "pose", "occluded"]
    specs = [ClassSpec(name, "#6e56cf", None, (AttributeSpec("stage"),) if detection else ()) for name in labels]
    records = []
    for number in range(draw(st.integers(1, 4))):
        labelled = draw(st.booleans())
        count = draw(st.integers(0, 3)) if labelled and detection else 0
        found = tuple(draw(boxes(labels, names, key)) for key in range(count))
        classes = draw(st.lists(st.sampled_from(labels), unique=True)) if labelled and not detection else []
        record = Record(
            name=f"image_{number}.png",
            labelled=labelled,
            width=WIDTH,
            height=HEIGHT,
            classes=tuple(classes),
            boxes=found,
            split=draw(SPLIT),
            captured_at=draw(st.none() | MOMENT),
            attributes=draw(st.dictionaries(st.sampled_from(["site", "lens"]), SCALAR, max_size=2)),
        )
        records.append(record)
    return specs, records


def out_and_in(format_name: str, specs: list[ClassSpec], records: list[Record]) -> tuple[list[Record], list[ClassSpec]]:
    """Write, read again, and fail if anything was found at fault."""
    root = Path(mkdtemp())
    try:
        out = writer(format_name, root / "out", specs)
        for record in records:
            image(root / "out" / out.image_path(record), WIDTH, HEIGHT)
            out.add(record)
        out.close()
        faults = []
        with open_source(root / "out", format_name, faults.append) as (name, source):
            again = list(read(name, source))
            declared = declared_classes(name, source)
        assert [f for f in faults if f.kind != "no-annotation"] == []
        return again, declared
    finally:
        shutil.rmtree(root)


def without(record: Record, lost: set[str]) -> Record:
    """The record as it must come back, when those kinds of things are lost."""
    boxes_ = () if "boxes" in lost else record.boxes
    if "box_ids" in lost:
        boxes_ = tuple(dataclasses.replace(box, id=None) for box in boxes_)
    if "box_attributes" in lost:
        boxes_ = tuple(dataclasses.replace(box, attributes={}) for box in boxes_)
    classes = () if "image_classes" in lost else record.classes
    if "several_classes" in lost:
        classes = classes[:1]
    says_nothing = record.labelled and not boxes_ and not classes
    labelled = record.labelled and not (says_nothing and not _carries_nothing(lost))
    gone = {"split": None} if "split" in lost else {}
    gone |= {"captured_at": None} if "captured_at" in lost else {}
    gone |= {"attributes": {}} if "image_metadata" in lost else {}
    return dataclasses.replace(record, labelled=labelled, classes=classes, boxes=boxes_, **gone)  # type: ignore[arg-type]


def _carries_nothing(lost: set[str]) -> bool:
    return "nothing" not in lost and "boxes" not in lost


def plain(record: Record) -> Record:
    """Without what is not said but added on the way: where the image lies, ids of the tool's own."""
    boxes_ = tuple(
        dataclasses.replace(box, id=box.id if (box.id or "").startswith("b") else None) for box in record.boxes
    )
    return dataclasses.replace(record, name=record.name.rpartition("/")[2], source_id=None, boxes=boxes_)


def compared(record: Record, format_name: str) -> Record:
    """What is not labelled stands in no document, so what else is known of it cannot come back."""
    if record.labelled or format_name == "label_studio":
        return record
    return dataclasses.replace(record, split=None, captured_at=None, attributes={})


@pytest.mark.parametrize("format_name", sorted(FORMATS))
@settings(max_examples=20, deadline=None)
@given(data=datasets())
def test_what_comes_back_differs_only_by_the_loss_report(
    format_name: str, data: tuple[list[ClassSpec], list[Record]]
) -> None:
    specs, records = data
    lost = {loss.kind for loss in losses(records, format_name, specs)}
    if format_name == "folders" and {"class_names", "boxes"} & lost:
        return
    again, _ = out_and_in(format_name, specs, records)
    expected = [compared(without(r, lost), format_name) for r in records]
    found = sorted((compared(plain(r), format_name) for r in again), key=lambda r: r.name)
    if "typed_values" in lost:
        expected, found = [untyped(r) for r in expected], [untyped(r) for r in found]
    if "mixed_split" in lost:
        expected, found = ([dataclasses.replace(r, split=None) for r in rs] for rs in (expected, found))
    assert found == expected


def untyped(record: Record) -> Record:
    """Every attribute as text."""
    values: Callable[[Box], dict[str, str]] = lambda box: {k: str(v).lower() for k, v in box.attributes.items()}  # noqa: E731
    boxes_ = tuple(dataclasses.replace(box, attributes=values(box)) for box in record.boxes)
    attributes = {k: str(v).lower() for k, v in record.attributes.items()}
    return dataclasses.replace(record, boxes=boxes_, attributes=attributes)


SPECS = [
    ClassSpec("RBC", "#ff0000", "r", (AttributeSpec("stage", "choice", ("early", "late")), AttributeSpec("note"))),
    ClassSpec("WBC", "#00ff00", "w"),
    ClassSpec("Platelets", "#0000ff", None),
]
RECORDS = [
    Record(
        "a.png",
        labelled=True,
        width=WIDTH,
        height=HEIGHT,
        boxes=(Box("RBC", 1.5, 2, 10.0625, 20, {"stage": "late"}, "b1"), Box("WBC", 0, 0, 64, 48, {}, "b2")),
    ),
    Record("b.png", labelled=True, width=WIDTH, height=HEIGHT),
    Record("c.png", labelled=False, width=WIDTH, height=HEIGHT),
]


@pytest.mark.parametrize("format_name", sorted(set(FORMATS) - {"folders"}))
def test_what_is_written_is_recognised_as_its_own_format(tmp_path: Path, format_name: str) -> None:
    out = writer(format_name, tmp_path, SPECS)
    for record in RECORDS:
        image(tmp_path / out.image_path(record), WIDTH, HEIGHT)
        out.add(record)
    out.close()
    assert detect(tmp_path) == format_name


@pytest.mark.parametrize("format_name", sorted(FORMATS))
def test_classes_come_back_as_far_as_the_format_carries_them(format_name: str) -> None:
    carries = CARRIES[format_name]
    _, declared = out_and_in(format_name, SPECS, [r for r in RECORDS if carries.boxes or not r.boxes])
    if not carries.unused_classes:
        assert declared == []
        return
    assert sorted(spec.name for spec in declared) == ["Platelets", "RBC", "WBC"]
    found = {spec.name: spec for spec in declared}
    for spec in SPECS:
        assert found[spec.name].color == (spec.color if carries.colors else None)
        assert found[spec.name].key == (spec.key if carries.keys else None)
        assert found[spec.name].attributes == (spec.attributes if carries.attribute_schema else ())


def test_the_loss_report_counts_and_gives_an_example() -> None:
    found = {loss.kind: (loss.count, loss.example) for loss in losses(RECORDS, "yolo", SPECS)}
    assert found["box_ids"] == (1, "a.png")
    assert found["box_attributes"] == (1, "a.png")
    assert found["colors"] == (3, "RBC")
    assert found["attribute_schema"] == (1, "RBC")


def test_nothing_is_listed_where_nothing_is_lost() -> None:
    record = Record("a.png", labelled=True, width=8, height=8, boxes=(Box("x", 1, 1, 2, 2),))
    assert losses([record], "coco", [ClassSpec("x")]) == []


def test_the_documentation_has_the_table_of_what_each_format_carries() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs/formats.md").read_text()
    assert table() in text
