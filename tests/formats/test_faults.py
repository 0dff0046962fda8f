"""Bad input: each item is reported with its file and line, and the rest goes in."""

import json
from pathlib import Path

import pytest

from app.errors import Invalid, NotFound
from app.formats import detect, open_source
from tests.formats.folder import boxes, image, loaded, text, told


def voc(name: str, *objects: tuple[str, object, object, object, object], size: tuple[int, int] = (640, 480)) -> str:
    """A VOC document; the first object begins on line 4, each further one a line later."""
    lines = [
        f"<object><name>{label}</name><bndbox><xmin>{a}</xmin><ymin>{b}</ymin><xmax>{c}</xmax><ymax>{d}</ymax></bndbox></object>"
        for label, a, b, c, d in objects
    ]
    head = f"<annotation>\n<filename>{name}</filename>\n<size><width>{size[0]}</width><height>{size[1]}</height></size>"
    return "\n".join([head, *lines, "</annotation>"])


@pytest.mark.parametrize(
    ("corners", "kind"),
    [
        ((181, 329, 181, 400), "zero-area"),
        ((10, 20, 5, 30), "swapped-corners"),
        ((10, 20, 700, 30), "outside"),
        ((-50, 20, 60, 30), "outside"),
        (("NaN", 20, 60, 30), "not-a-number"),
        ((1, 20, "Infinity", 30), "not-a-number"),
        (("one", 20, 60, 30), "not-a-number"),
        (("", 20, 60, 30), "not-a-number"),
    ],
)
def test_a_box_that_is_none_is_reported_by_line_and_the_rest_goes_in(
    tmp_path: Path, corners: tuple[object, object, object, object], kind: str
) -> None:
    text(tmp_path / "a.xml", voc("a.png", ("WBC", 1, 2, 3, 4), ("RBC", *corners), ("RBC", 5, 6, 7, 8)))
    image(tmp_path / "a.png")
    _, records, faults = loaded(tmp_path)
    assert told(faults) == [f"a.xml:5 {kind}"]
    assert boxes(records["a.png"]) == [("WBC", 1, 2, 2, 2), ("RBC", 5, 6, 2, 2)]


def test_a_box_that_is_half_a_pixel_over_the_edge_is_cut_there(tmp_path: Path) -> None:
    text(tmp_path / "a.xml", voc("a.png", ("WBC", -0.5, 2, 640.5, 4)))
    image(tmp_path / "a.png")
    _, records, faults = loaded(tmp_path)
    assert faults == []
    assert boxes(records["a.png"]) == [("WBC", 0, 2, 640, 2)]


def test_an_image_that_lost_every_box_is_not_said_to_show_nothing(tmp_path: Path) -> None:
    text(tmp_path / "a.xml", voc("a.png", ("WBC", 5, 5, 5, 5)))
    image(tmp_path / "a.png")
    _, records, faults = loaded(tmp_path)
    assert records["a.png"].labelled is False
    assert told(faults) == ["a.xml:1 label-lost", "a.xml:4 zero-area"]


def test_missing_images_and_images_without_annotation(tmp_path: Path) -> None:
    text(tmp_path / "a.xml", voc("gone.png", ("WBC", 1, 2, 3, 4)))
    text(tmp_path / "b.xml", voc("b.png"))
    image(tmp_path / "b.png")
    image(tmp_path / "alone.png")
    _, records, faults = loaded(tmp_path)
    assert told(faults) == ["a.xml:1 missing-image", "alone.png no-annotation"]
    assert {name: record.labelled for name, record in records.items()} == {"b.png": True, "alone.png": False}


def test_an_image_is_described_once(tmp_path: Path) -> None:
    text(tmp_path / "a.xml", voc("x.png", ("WBC", 1, 2, 3, 4)))
    text(tmp_path / "b.xml", voc("x.png", ("RBC", 1, 2, 3, 4)))
    image(tmp_path / "x.png")
    _, records, faults = loaded(tmp_path)
    assert boxes(records["x.png"]) == [("WBC", 1, 2, 2, 2)]
    assert told(faults) == ["b.xml:1 image-twice"]


def test_annotations_of_another_image_size_stay_outside(tmp_path: Path) -> None:
    text(tmp_path / "a.xml", voc("a.png", ("WBC", 1, 2, 3, 4), size=(480, 640)))
    image(tmp_path / "a.png")
    _, _, faults = loaded(tmp_path)
    assert told(faults) == ["a.xml:1 other-size"]


def test_a_file_that_is_no_image_is_reported(tmp_path: Path) -> None:
    text(tmp_path / "a.xml", voc("a.png", ("WBC", 1, 2, 3, 4)))
    text(tmp_path / "a.png", b"GIF89a but not really")
    _, records, faults = loaded(tmp_path)
    assert records == {}
    assert told(faults) == ["a.png unreadable-image"]


LAUGHS = """<?xml version="1.0"?>
<!DOCTYPE annotation [
 <!ENTITY lol "lol">
 <!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">
]>
<annotation><filename>a.png</filename>&lol2;</annotation>
"""


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (LAUGHS, "bad.xml:2 xml-refused"),
        ("<annotation>" + "<a>" * 100 + "</a>" * 100 + "</annotation>", "bad.xml:1 xml-refused"),
        (voc("a.png", ("WBC", 1, 2, 3, 4))[:-14], "bad.xml:4 xml"),
        (voc("a.png", ("W\xe9C", 1, 2, 3, 4)).encode("latin-1"), "bad.xml:4 xml"),
        ("<annotation>\n<filename>a.png</filenam>\n</annotation>", "bad.xml:2 xml"),
        ("", "bad.xml:1 xml"),
    ],
)
def test_xml_that_is_dangerous_or_broken_is_refused_alone(tmp_path: Path, content: str | bytes, expected: str) -> None:
    text(tmp_path / "bad.xml", content)
    text(tmp_path / "good.xml", voc("b.png", ("WBC", 1, 2, 3, 4)))
    image(tmp_path / "b.png")
    _, records, faults = loaded(tmp_path, "voc")
    assert told(faults) == [expected]
    assert boxes(records["b.png"]) == [("WBC", 1, 2, 2, 2)]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_xml_with_a_byte_order_mark_is_read(tmp_path: Path, encoding: str) -> None:
    text(tmp_path / "a.xml", voc("a.png", ("Zelle ä", 1, 2, 3, 4)).encode(encoding))
    image(tmp_path / "a.png")
    _, records, faults = loaded(tmp_path, "voc")
    assert (boxes(records["a.png"]), faults) == ([("Zelle ä", 1, 2, 2, 2)], [])


def coco(images: list[object], annotations: list[object], categories: list[object]) -> str:
    """A COCO document with one entry a line: images from line 2 on."""

    def rows(values: list[object]) -> str:
        return ",\n".join(json.dumps(value, ensure_ascii=False) for value in values)

    members = {"images": images, "annotations": annotations, "categories": categories}
    return "{" + ",\n".join(f'"{name}": [\n{rows(values)}]' for name, values in members.items()) + "}"


CELL = [{"id": 1, "name": "cell"}]


def test_ids_that_stand_twice_and_names_that_are_unknown(tmp_path: Path) -> None:
    pictures: list[object] = [{"id": 1, "file_name": "a.png"}, {"id": 1, "file_name": "b.png"}]
    annotations: list[object] = [
        {"id": 5, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]},
        {"id": 5, "image_id": 1, "category_id": 1, "bbox": [5, 6, 7, 8]},
        {"id": 6, "image_id": 1, "category_id": 99, "bbox": [1, 2, 3, 4]},
        {"id": 7, "image_id": 77, "category_id": 1, "bbox": [1, 2, 3, 4]},
        {"id": 8, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3]},
        {"id": 9, "image_id": 1, "category_id": 1, "bbox": [1, 2, float("nan"), 4]},
        17,
    ]
    text(tmp_path / "coco.json", coco(pictures, annotations, CELL))
    image(tmp_path / "a.png")
    _, records, faults = loaded(tmp_path)
    assert told(faults) == [
        "coco.json:10 not-a-number",
        "coco.json:11 not-an-object",
        "coco.json:3 id-twice",
        "coco.json:6 id-twice",
        "coco.json:7 unknown-class",
        "coco.json:8 missing-image",
        "coco.json:9 no-box",
    ]
    assert boxes(records["a.png"]) == [("cell", 1, 2, 3, 4)]


def test_json_that_breaks_off_keeps_what_came_before(tmp_path: Path) -> None:
    whole = coco([{"id": 1, "file_name": "a.png"}], [], CELL)
    text(tmp_path / "coco.json", whole[: whole.index("annotations") + 14])
    image(tmp_path / "a.png")
    _, records, faults = loaded(tmp_path)
    assert told(faults) == ["coco.json:3 json"]
    assert list(records) == ["a.png"]


def test_json_in_latin_1_loses_only_the_items_that_are_not_ascii(tmp_path: Path) -> None:
    pictures: list[object] = [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "é.png"}]
    text(tmp_path / "coco.json", coco(pictures, [], CELL).encode("latin-1"))
    image(tmp_path / "a.png")
    _, records, faults = loaded(tmp_path)
    assert told(faults) == ["coco.json:3 encoding"]
    assert list(records) == ["a.png"]


def test_json_in_utf_16_is_read(tmp_path: Path) -> None:
    text(tmp_path / "coco.json", coco([{"id": 1, "file_name": "a.png"}], [], CELL).encode("utf-16"))
    image(tmp_path / "a.png")
    _, records, faults = loaded(tmp_path)
    assert (list(records), faults) == (["a.png"], [])


def test_json_that_is_nested_without_end_is_refused(tmp_path: Path) -> None:
    text(tmp_path / "coco.json", '{"images": [' + "[" * 200_000)
    _, records, faults = loaded(tmp_path, "coco")
    assert (records, told(faults)) == ({}, ["coco.json:1 json"])


def test_yolo_lines_that_are_no_boxes(tmp_path: Path) -> None:
    text(tmp_path / "data.yaml", "names: [cell]\n")
    rows = [
        "0 0.5 0.5 0.5 0.5",
        "3 0.5 0.5 0.5 0.5",
        "0 0.1 0.1 0.2 0.2 0.3 0.3",
        "0 0.9 0.5 0.5 0.5",
        "0 nan 0 1 1",
        "",
    ]
    text(tmp_path / "labels/a.txt", "\n".join(rows))
    text(tmp_path / "labels/gone.txt", "0 0.5 0.5 0.5 0.5")
    image(tmp_path / "images/a.png", 100, 100)
    _, records, faults = loaded(tmp_path)
    assert told(faults) == [
        "labels/a.txt:2 unknown-class",
        "labels/a.txt:3 no-box",
        "labels/a.txt:4 outside",
        "labels/a.txt:5 not-a-number",
        "labels/gone.txt missing-image",
    ]
    assert boxes(records["a.png"]) == [("cell", 25, 25, 50, 50)]


def test_a_table_in_latin_1_loses_only_those_rows(tmp_path: Path) -> None:
    text(tmp_path / "t.csv", "filename,class\na.png,ok\nb.png,caf\xe9\n,x\n".encode("latin-1"))
    image(tmp_path / "a.png")
    _, records, faults = loaded(tmp_path)
    assert told(faults) == ["t.csv:3 encoding", "t.csv:4 missing-image"]
    assert records["a.png"].classes == ("ok",)


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    outside = image(tmp_path / "outside/secret.png")
    inside = tmp_path / "inside"
    image(inside / "cat/1.png")
    (inside / "cat/link.png").symlink_to(outside)
    (inside / "dog").symlink_to(outside.parent)
    _, records, _ = loaded(inside)
    assert list(records) == ["1.png"]


def test_names_that_climb_out_of_the_folder_find_nothing(tmp_path: Path) -> None:
    image(tmp_path / "secret.png")
    text(tmp_path / "in/a.xml", voc("../secret.png", ("WBC", 1, 2, 3, 4)))
    _, records, faults = loaded(tmp_path / "in")
    assert (records, told(faults)) == ({}, ["a.xml:1 missing-image"])


def test_what_is_in_no_format_is_refused_with_the_formats_there_are(tmp_path: Path) -> None:
    text(tmp_path / "notes.md", "# Notes")
    with pytest.raises(Invalid, match=r"coco, label_studio, yolo"):
        detect(tmp_path)
    with pytest.raises(NotFound), open_source(tmp_path / "nowhere", "auto", lambda _fault: None):
        pass
