"""Every tool's own layout is recognised and read: small copies of what the tools write."""

import json
from pathlib import Path

from app.formats import declared_classes, open_source
from tests.formats.folder import boxes, image, loaded, text, told

LABELIMG = """<annotation>
	<folder>JPEGImages</folder>
	<filename>BloodImage_00000.jpg</filename>
	<path>/home/pi/detection_dataset/JPEGImages/BloodImage_00000.jpg</path>
	<source>
		<database>Unknown</database>
	</source>
	<size>
		<width>640</width>
		<height>480</height>
		<depth>3</depth>
	</size>
	<segmented>0</segmented>
	<object>
		<name>WBC</name>
		<pose>Unspecified</pose>
		<truncated>0</truncated>
		<difficult>1</difficult>
		<bndbox>
			<xmin>260</xmin>
			<ymin>177</ymin>
			<xmax>491</xmax>
			<ymax>376</ymax>
		</bndbox>
	</object>
</annotation>
"""


def test_voc_as_label_img_writes_it(tmp_path: Path) -> None:
    text(tmp_path / "BCCD/Annotations/BloodImage_00000.xml", LABELIMG)
    text(tmp_path / "BCCD/ImageSets/Main/val.txt", "BloodImage_00000\n")
    text(tmp_path / "BCCD/ImageSets/Main/trainval.txt", "BloodImage_00000\n")
    image(tmp_path / "BCCD/JPEGImages/BloodImage_00000.jpg")
    name, records, faults = loaded(tmp_path)
    record = records["BloodImage_00000.jpg"]
    assert (name, faults) == ("voc", [])
    assert boxes(record) == [("WBC", 260, 177, 231, 199)]
    assert record.boxes[0].attributes == {"difficult": True}
    assert (record.split, record.labelled) == ("validation", True)


COCO = {
    "info": {"description": "COCO 2017 Dataset", "year": 2017},
    "licenses": [{"id": 1, "name": "License"}],
    "images": [
        {"license": 4, "file_name": "000000397133.jpg", "height": 427, "width": 640, "id": 397133},
        {"license": 1, "file_name": "000000037777.jpg", "height": 230, "width": 352, "id": 37777},
    ],
    "annotations": [
        {
            "segmentation": [[510.66, 423.01, 511.72, 420.03, 510.45, 416.0]],
            "area": 702.1,
            "iscrowd": 0,
            "image_id": 397133,
            "bbox": [473.07, 395.93, 38.65, 28.67],
            "category_id": 18,
            "id": 1768,
        }
    ],
    "categories": [
        {"supercategory": "person", "id": 1, "name": "person"},
        {"supercategory": "animal", "id": 18, "name": "dog"},
    ],
}


def test_coco_as_the_dataset_has_it(tmp_path: Path) -> None:
    text(tmp_path / "annotations/instances_val2017.json", json.dumps(COCO))
    image(tmp_path / "val2017/000000397133.jpg", 640, 427)
    image(tmp_path / "val2017/000000037777.jpg", 352, 230)
    name, records, faults = loaded(tmp_path)
    dog, empty = records["000000397133.jpg"], records["000000037777.jpg"]
    assert name == "coco"
    assert boxes(dog) == [("dog", 473.07, 395.93, 38.65, 28.67)]
    assert (dog.boxes[0].id, dog.source_id, dog.split) == ("1768", "397133", "validation")
    assert (empty.labelled, empty.boxes) == (True, ())
    assert [(f.kind, f.left_out) for f in faults] == [("segmentation", False)]


def test_coco_lists_its_classes_in_order(tmp_path: Path) -> None:
    text(tmp_path / "annotations/instances_val2017.json", json.dumps(COCO))
    with open_source(tmp_path, "auto", lambda _fault: None) as (name, source):
        assert [spec.name for spec in declared_classes(name, source)] == ["person", "dog"]


def test_coco_as_roboflow_writes_it(tmp_path: Path) -> None:
    value = {**COCO, "images": COCO["images"][:1]}
    text(tmp_path / "train/_annotations.coco.json", json.dumps(value))
    image(tmp_path / "train/000000397133.jpg", 640, 427)
    name, records, _ = loaded(tmp_path)
    assert name == "coco"
    assert records["000000397133.jpg"].split == "train"


DATA_YAML = """path: ../datasets/coco8
train: images/train
val: images/val
test:

names:
  0: person
  1: bicycle
"""


def test_yolo_as_ultralytics_has_it(tmp_path: Path) -> None:
    text(tmp_path / "data.yaml", DATA_YAML)
    text(tmp_path / "labels/train/000000000009.txt", "1 0.5 0.5 0.25 0.5\n0 0.1 0.1 0.2 0.2\n")
    text(tmp_path / "labels/val/000000000036.txt", "")
    image(tmp_path / "images/train/000000000009.png", 640, 480)
    image(tmp_path / "images/val/000000000036.png", 640, 480)
    name, records, faults = loaded(tmp_path)
    assert (name, faults) == ("yolo", [])
    assert boxes(records["000000000009.png"]) == [("bicycle", 240, 120, 160, 240), ("person", 0, 0, 128, 96)]
    assert records["000000000009.png"].split == "train"
    nothing = records["000000000036.png"]
    assert (nothing.labelled, nothing.boxes, nothing.split) == (True, (), "validation")


def test_yolo_as_roboflow_writes_it(tmp_path: Path) -> None:
    text(tmp_path / "data.yaml", "train: ../train/images\nval: ../valid/images\nnc: 1\nnames: ['cell']\n")
    text(tmp_path / "valid/labels/a.txt", "0 0.5 0.5 1 1\n")
    image(tmp_path / "valid/images/a.png", 100, 50)
    name, records, faults = loaded(tmp_path)
    assert (name, faults) == ("yolo", [])
    assert boxes(records["a.png"]) == [("cell", 0, 0, 100, 50)]
    assert records["a.png"].split == "validation"


CVAT = """<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta>
    <task>
      <id>1</id>
      <name>cells</name>
      <size>1</size>
      <mode>annotation</mode>
      <labels>
        <label>
          <name>cell</name>
          <color>#FF6037</color>
          <type>any</type>
          <attributes>
            <attribute>
              <name>stage</name>
              <mutable>False</mutable>
              <input_type>select</input_type>
              <default_value>early</default_value>
              <values>early
late</values>
            </attribute>
          </attributes>
        </label>
      </labels>
    </task>
    <dumped>2024-05-06 10:11:12.131415+00:00</dumped>
  </meta>
  <image id="0" name="a.jpg" subset="Train" task_id="1" width="640" height="480">
    <box label="cell" source="manual" occluded="1" xtl="10.50" ytl="20.00" xbr="110.50" ybr="70.25" z_order="0">
      <attribute name="stage">late</attribute>
    </box>
    <polygon label="cell" source="manual" occluded="0" points="1,1;2,2;3,1" z_order="0"></polygon>
    <box label="cell" source="manual" occluded="0" xtl="1" ytl="2" xbr="11" ybr="7" rotation="45.00" z_order="0"></box>
  </image>
  <track id="0" label="cell" source="manual"></track>
</annotations>
"""


def test_cvat_for_images(tmp_path: Path) -> None:
    text(tmp_path / "annotations.xml", CVAT)
    image(tmp_path / "images/Train/a.jpg")
    name, records, faults = loaded(tmp_path)
    record = records["a.jpg"]
    assert name == "cvat"
    assert boxes(record) == [("cell", 10.5, 20, 100, 50.25)]
    assert record.boxes[0].attributes == {"occluded": True, "stage": "late"}
    assert record.split == "train"
    assert told(faults) == [
        "annotations.xml:34 shape",
        "annotations.xml:35 turned-box",
        "annotations.xml:37 track",
    ]


def test_cvat_tells_colours_and_attributes(tmp_path: Path) -> None:
    text(tmp_path / "annotations.xml", CVAT)
    with open_source(tmp_path, "auto", lambda _fault: None) as (name, source):
        (spec,) = declared_classes(name, source)
    assert (spec.name, spec.color) == ("cell", "#ff6037")
    assert [(a.name, a.type, a.choices) for a in spec.attributes] == [("stage", "choice", ("early", "late"))]


def task(number: int, picture: str, results: list[dict[str, object]], **more: object) -> dict[str, object]:
    annotation = {"id": 1000 + number, "result": results, "was_cancelled": False, "ground_truth": False, **more}
    return {"id": number, "data": {"image": picture}, "annotations": [annotation], "predictions": [], "project": 83}


REGION = {
    "original_width": 640,
    "original_height": 480,
    "image_rotation": 0,
    "value": {"x": 50, "y": 25, "width": 12.5, "height": 10, "rotation": 0, "rectanglelabels": ["Moonwalker"]},
    "id": "Dx_aB91ISN",
    "from_name": "tag",
    "to_name": "img",
    "type": "rectanglelabels",
    "origin": "manual",
}


def test_label_studio_with_boxes(tmp_path: Path) -> None:
    """The names of images as Label Studio keeps them: an upload with its prefix, and a local file."""
    tasks = [
        task(1, "/data/upload/1/0a1b2c3d-moon.jpg", [REGION]),
        task(2, "/data/local-files/?d=pictures/sun.jpg", []),
        {"id": 3, "data": {"image": "rain.jpg"}, "annotations": []},
    ]
    text(tmp_path / "project-1.json", json.dumps(tasks))
    for name in ("moon.jpg", "pictures/sun.jpg", "rain.jpg"):
        image(tmp_path / name)
    name, records, faults = loaded(tmp_path)
    assert (name, faults) == ("label_studio", [])
    assert boxes(records["moon.jpg"]) == [("Moonwalker", 320, 120, 80, 48)]
    assert records["moon.jpg"].boxes[0].id == "Dx_aB91ISN"
    assert (records["sun.jpg"].labelled, records["sun.jpg"].boxes) == (True, ())
    assert records["rain.jpg"].labelled is False


def test_label_studio_with_choices(tmp_path: Path) -> None:
    choices = {
        "type": "choices",
        "from_name": "c",
        "to_name": "image",
        "id": "x",
        "value": {"choices": ["wet", "cold"]},
    }
    cancelled = {"id": 9, "result": [], "was_cancelled": True}
    given = task(1, "a.jpg", [choices])
    given["annotations"] = [cancelled, *given["annotations"]]  # type: ignore[misc]
    text(tmp_path / "export.json", json.dumps([given]))
    image(tmp_path / "a.jpg")
    _, records, faults = loaded(tmp_path)
    assert records["a.jpg"].classes == ("wet", "cold")
    assert faults == []


def test_a_table_as_tensorflow_and_roboflow_have_it(tmp_path: Path) -> None:
    rows = "filename,width,height,class,xmin,ymin,xmax,ymax\na.jpg,640,480,RBC,1,2,11,22\na.jpg,640,480,WBC,5,5,6,7\n"
    text(tmp_path / "_annotations.csv", rows)
    image(tmp_path / "a.jpg")
    name, records, faults = loaded(tmp_path)
    assert (name, faults) == ("csv", [])
    assert boxes(records["a.jpg"]) == [("RBC", 1, 2, 10, 20), ("WBC", 5, 5, 1, 2)]


def test_a_table_of_classes_with_semicolons(tmp_path: Path) -> None:
    text(tmp_path / "labels.csv", "\ufeffImage;Label\r\na.jpg;wet\r\nb.jpg;dry\r\n")
    image(tmp_path / "a.jpg")
    image(tmp_path / "sub/b.jpg")
    _, records, faults = loaded(tmp_path)
    assert {name: record.classes for name, record in records.items()} == {"a.jpg": ("wet",), "b.jpg": ("dry",)}
    assert faults == []


def test_folders_by_class_and_by_part(tmp_path: Path) -> None:
    image(tmp_path / "train/cat/1.jpg")
    image(tmp_path / "val/dog/2.jpg")
    name, records, faults = loaded(tmp_path)
    assert (name, faults) == ("folders", [])
    assert [(r.classes, r.split) for r in records.values()] == [(("cat",), "train"), (("dog",), "validation")]


def test_plain_folders_by_class(tmp_path: Path) -> None:
    image(tmp_path / "cat/1.jpg")
    image(tmp_path / "loose.jpg")
    _, records, _ = loaded(tmp_path)
    assert records["1.jpg"].classes == ("cat",)
    assert records["loose.jpg"].labelled is False
