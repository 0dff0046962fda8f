"""Label Studio JSON: a list of tasks, each with its image in `data` and its `annotations`.

Layout: https://labelstud.io/guide/task_format. Boxes are parts of a hundred of the image's side. Of several annotations
of a task one is taken (ground truth first, then the first that was not cancelled) and the others are reported;
predictions are nobody's opinion and stay out.
"""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import quoteattr

from app.formats.files import encoding_of
from app.formats.json_items import Item, JsonFault, has_foreign_bytes, items
from app.formats.records import AttributeSpec, Box, ClassSpec, Draft, DraftBox, Record, Scalar, split_name
from app.formats.source import Source, moment, number, whole
from app.formats.xml_nodes import nodes

NAME, TITLE = "label_studio", "Label Studio JSON"
CONFIG = "label_config.xml"
# `1a2b3c4d-` is what Label Studio puts before the name of an uploaded file.
_PREFIX = re.compile(r"^[0-9a-f]{8}-")
_OWN = frozenset({"image", "split", "captured_at"})


def matches(root: Path, files: Sequence[str]) -> bool:
    """True if some JSON file is a list of tasks."""
    return any(_is_tasks(root / name) for name in files if name.lower().endswith(".json"))


def _is_tasks(path: Path) -> bool:
    with path.open("rb") as file:
        data = file.read(64 * 1024)
    text = data.decode(encoding_of(data), errors="replace").lstrip()
    return text.startswith("[") and ('"data"' in text or not text[1:].strip(" \r\n\t]"))


def classes(source: Source) -> list[ClassSpec]:
    """The labels and choices of `label_config.xml`, with colour and key, where it was exported too."""
    found: dict[str, ClassSpec] = {}
    for name in source.files(".xml"):
        for node in nodes(source.root, name, frozenset({"Label", "Choice"}), lambda _fault: None):
            said = node.attributes
            if said.get("value") and said.get("alias") != "attribute":
                color = said.get("background", "").lower()
                good = re.fullmatch(r"#[0-9a-f]{6}", color)
                spec = ClassSpec(said["value"], color if good else None, said.get("hotkey"))
                found.setdefault(spec.name, spec)
    return list(found.values())


def drafts(source: Source) -> Iterator[Draft]:
    """One draft per task."""
    for name in source.files(".json"):
        if not _is_tasks(source.root / name):
            source.fault("not-label-studio", name, 1, "this JSON is no list of tasks", "Remove it, or name its format.")
            continue
        try:
            for item in items(source.root / name, frozenset()):
                draft = _task(source, name, item)
                if draft is not None:
                    yield draft
        except JsonFault as fault:
            todo = "What stands before this line was read. Export or copy the file again."
            source.fault("json", name, fault.line, fault.what, todo)


def _task(source: Source, file: str, item: Item) -> Draft | None:
    task = item.value
    if not isinstance(task, dict) or not isinstance(task.get("data"), dict):
        source.fault("not-an-object", file, item.line, "a task has no data", "Remove it.")
        return None
    if has_foreign_bytes(task):
        what = "the text is not UTF-8; it may be Latin-1 (ISO 8859-1)"
        source.fault("encoding", file, item.line, what, "Save the file as UTF-8.")
        return None
    data = task["data"]
    image = _image(data)
    if image is None:
        source.fault("missing-image", file, item.line, "the task names no image", "Put its path into data.image.")
        return None
    folder = str(PurePosixPath(file).parent)
    draft = Draft(
        name=_name(source, image),
        file=file,
        line=item.line,
        near=("images" if folder == "." else f"{folder}/images", "" if folder == "." else folder),
        split=split_name(data.get("split") if isinstance(data.get("split"), str) else None),
        captured_at=moment(data.get("captured_at")),
        attributes={k: v for k, v in data.items() if k not in _OWN and isinstance(v, (str, int, float, bool))},
        source_id=None if task.get("id") is None else str(task["id"]),
    )
    annotation = _annotation(source, file, item.line, task)
    draft.labelled = annotation is not None
    for result in _results(annotation):
        _take(source, file, item.line, draft, result)
    _give_attributes(draft, _results(annotation))
    return draft


def _image(data: dict[str, Any]) -> str | None:
    keys = ["image", *sorted(key for key in data if key != "image")]
    suffixes = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif")
    for key in keys:
        value = data.get(key)
        if isinstance(value, str) and (key == "image" or urlsplit(value).path.lower().endswith(suffixes)):
            return value
    return None


def _name(source: Source, url: str) -> str:
    """The path inside a URL, a local-files link or a plain path; without the prefix of an upload if need be."""
    if "://" not in url and not url.startswith("/data/"):
        return url
    parts = urlsplit(url)
    linked = parse_qs(parts.query).get("d")
    path = linked[0] if linked else unquote(parts.path)
    if source.images.find(path) is None:
        pure = PurePosixPath(path)
        return str(pure.with_name(_PREFIX.sub("", pure.name))) if pure.name else path
    return path


def _annotation(source: Source, file: str, line: int, task: dict[str, Any]) -> dict[str, Any] | None:
    given = task.get("annotations", task.get("completions"))
    known = [a for a in given if isinstance(a, dict) and not a.get("was_cancelled")] if isinstance(given, list) else []
    known.sort(key=lambda annotation: not annotation.get("ground_truth"))
    if len(known) > 1:
        what = f"the task has {len(known)} annotations; one was taken"
        source.fault("several-annotations", file, line, what, "Keep the one you agreed on.", left_out=False)
    return known[0] if known else None


def _results(annotation: dict[str, Any] | None) -> list[dict[str, Any]]:
    given = annotation.get("result") if annotation is not None else None
    found = [r for r in given if isinstance(r, dict)] if isinstance(given, list) else []
    return [result for result in found if isinstance(result.get("value"), dict)]


def _take(source: Source, file: str, line: int, draft: Draft, result: dict[str, Any]) -> None:
    kind, value = result.get("type"), result["value"]
    if kind == "rectanglelabels" and number(value.get("rotation", 0)) == 0:
        labels = value.get("rectanglelabels")
        label = labels[0] if isinstance(labels, list) and labels else ""
        x, y, wide, high = (number(value.get(key)) for key in ("x", "y", "width", "height"))
        key = result.get("id")
        draft.boxes.append(
            DraftBox(label, x, y, wide, high, line, {}, key if isinstance(key, str) else None, scale=100.0)
        )
        draft.width = draft.width or whole(result.get("original_width"))
        draft.height = draft.height or whole(result.get("original_height"))
    elif kind == "rectanglelabels":
        source.fault("turned-box", file, line, "a turned box is not kept", "Draw it upright.")
    elif kind == "choices" and not _of_region(draft, result):
        choices = value.get("choices")
        draft.classes.extend(choices if isinstance(choices, list) else [])
    elif kind not in ("choices", "textarea", "number"):
        source.fault("shape", file, line, f"a {kind} is not kept", "Only boxes and choices are kept.")


def _of_region(draft: Draft, result: dict[str, Any]) -> bool:
    return result.get("id") is not None and any(box.id == result["id"] for box in draft.boxes)


def _give_attributes(draft: Draft, results: list[dict[str, Any]]) -> None:
    """Answers about one region share its id."""
    regions = {box.id: box for box in draft.boxes if box.id is not None}
    for result in results:
        region, value, name = regions.get(str(result.get("id"))), result["value"], result.get("from_name")
        if region is None or result.get("type") == "rectanglelabels" or not isinstance(name, str):
            continue
        found = value.get("text", value.get("number", value.get("choices")))
        found = found[0] if isinstance(found, list) and found else found
        if result.get("type") == "choices" and found in ("true", "false") and result.get("flag") is True:
            found = found == "true"
        if isinstance(found, (str, int, float, bool)):
            region.attributes[name] = found


class Writer:
    """Writes `tasks.json`, `label_config.xml` and `images/…`, task by task."""

    def __init__(self, root: Path, classes_: Sequence[ClassSpec]) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self._root, self._classes = root, classes_
        self._file: IO[str] = (root / "tasks.json").open("w", encoding="utf-8")
        self._file.write("[")
        self._count, self._boxes, self._several = 0, False, False

    def image_path(self, record: Record) -> str:
        """Where the image of a record goes, relative to the root."""
        return f"images/{record.name}"

    def add(self, record: Record) -> None:
        """Write one task; what nobody labelled has no annotation."""
        data: dict[str, Any] = {**record.attributes, "image": f"images/{record.name}"}
        if record.split:
            data["split"] = record.split
        if record.captured_at is not None:
            data["captured_at"] = record.captured_at.isoformat()
        self._count += 1
        results = [
            result for number_, box in enumerate(record.boxes, 1) for result in _box_results(box, number_, record)
        ]
        if record.classes:
            results.append(_choices(record))
        annotation = {"id": self._count, "result": results, "was_cancelled": False, "ground_truth": False}
        task = {"id": self._count, "data": data, "annotations": [annotation] if record.labelled else []}
        self._file.write(("\n" if self._count == 1 else ",\n") + json.dumps(task, ensure_ascii=False))
        self._boxes |= bool(record.boxes)
        self._several |= len(record.classes) > 1

    def close(self) -> None:
        """Finish the list, and write the interface that shows it."""
        self._file.write("\n]\n")
        self._file.close()
        text = _config(self._classes, boxes=self._boxes, several=self._several)
        (self._root / CONFIG).write_text(text, encoding="utf-8")


def _box_results(box: Box, number_: int, record: Record) -> Iterator[dict[str, Any]]:
    assert record.width is not None
    assert record.height is not None
    key = box.id or f"b{number_}"
    place = {
        "x": box.x / record.width * 100,
        "y": box.y / record.height * 100,
        "width": box.width / record.width * 100,
        "height": box.height / record.height * 100,
        "rotation": 0,
    }
    common = {
        "id": key,
        "to_name": "image",
        "original_width": record.width,
        "original_height": record.height,
        "image_rotation": 0,
    }
    value = {**place, "rectanglelabels": [box.class_name]}
    yield {**common, "from_name": "label", "type": "rectanglelabels", "value": value}
    for name, said in box.attributes.items():
        yield {**common, "from_name": name, **_answer(place, said)}


def _answer(place: dict[str, Any], said: Scalar) -> dict[str, Any]:
    if isinstance(said, bool):
        return {"type": "choices", "flag": True, "value": {**place, "choices": ["true" if said else "false"]}}
    if isinstance(said, (int, float)):
        return {"type": "number", "value": {**place, "number": said}}
    return {"type": "textarea", "value": {**place, "text": [said]}}


def _choices(record: Record) -> dict[str, Any]:
    value = {"choices": list(record.classes)}
    return {"id": "classes", "from_name": "class", "to_name": "image", "type": "choices", "value": value}


def _config(classes_: Sequence[ClassSpec], *, boxes: bool, several: bool) -> str:
    """The labelling interface: https://labelstud.io/tags/."""
    tag, item, extra = ("RectangleLabels", "Label", "") if boxes else ("Choices", "Choice", _choice_kind(several))
    name = "label" if boxes else "class"
    lines = ["<View>", '  <Image name="image" value="$image"/>', f'  <{tag} name="{name}" toName="image"{extra}>']
    for spec in classes_:
        color = f" background={quoteattr(spec.color)}" if spec.color else ""
        key = f" hotkey={quoteattr(spec.key)}" if spec.key else ""
        lines.append(f"    <{item} value={quoteattr(spec.name)}{color}{key}/>")
    lines.append(f"  </{tag}>")
    seen: dict[str, AttributeSpec] = {a.name: a for spec in reversed(classes_) for a in spec.attributes}
    lines += [_control(attribute) for attribute in seen.values()] if boxes else []
    return "\n".join([*lines, "</View>", ""])


def _choice_kind(several: bool) -> str:
    return ' choice="multiple"' if several else ' choice="single"'


def _control(attribute: AttributeSpec) -> str:
    name = f'name={quoteattr(attribute.name)} toName="image" perRegion="true"'
    if attribute.type == "number":
        return f"  <Number {name}/>"
    if attribute.type == "text":
        return f"  <TextArea {name}/>"
    options = ("true", "false") if attribute.type == "flag" else attribute.choices
    inner = "".join(f'<Choice value={quoteattr(option)} alias="attribute"/>' for option in options)
    return f"  <Choices {name}>{inner}</Choices>"
