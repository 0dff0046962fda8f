"""Ultralytics YOLO for detection: `data.yaml`, `images/<part>/…`, and `labels/<part>/….txt` with a line per box.

Layout: https://docs.ultralytics.com/datasets/detect/; a line is `class x_center y_center width height`, each a part of
the image's side. Roboflow's `<part>/images`, `<part>/labels` is read too. An image without a text file is not labelled;
an empty text file says that there is nothing.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from app.formats.files import read_text, walk
from app.formats.records import Box, ClassSpec, Draft, DraftBox, Record, split_name
from app.formats.source import Source, number

NAME, TITLE = "yolo", "Ultralytics YOLO (detection)"
_PARTS = {"train": "train", "validation": "val", "test": "test"}
_LISTS = frozenset({"classes.txt", "train.txt", "val.txt", "test.txt", "readme.txt", "readme.dataset.txt"})


def matches(_root: Path, files: Sequence[str]) -> bool:
    """True if there is a `data.yaml` or a folder of labels."""
    return _yaml(files) is not None or any("labels/" in f"/{name}" and name.endswith(".txt") for name in files)


def _yaml(files: Sequence[str]) -> str | None:
    found = [name for name in files if name.lower().endswith((".yaml", ".yml"))]
    found.sort(key=lambda name: (PurePosixPath(name).stem != "data", name.count("/"), name))
    return found[0] if found else None


def classes(source: Source) -> list[ClassSpec]:
    """The `names` of data.yaml, or the lines of classes.txt."""
    return [ClassSpec(name) for _, name in sorted(_head(source, quiet=True).names.items())]


class _Head:
    """What data.yaml says: names by number, and which folders are which part."""

    def __init__(self, names: dict[int, str], parts: dict[str, str | None]) -> None:
        self.names, self.parts = names, parts

    def part_of(self, image: str) -> str | None:
        """The part whose folder is nearest above an image."""
        for folder in PurePosixPath(image).parents:
            if str(folder) in self.parts:
                return self.parts[str(folder)]
        return None


def _head(source: Source, *, quiet: bool = False) -> _Head:
    names = list(walk(source.root))
    name = _yaml(names)
    if name is None:
        return _Head(_class_list(source, names), {})
    value = _load(source, name, quiet=quiet)
    return _Head(_names(source, name, value.get("names"), quiet=quiet), _folders(source, name, value))


def _load(source: Source, name: str, *, quiet: bool) -> dict[str, Any]:
    text = read_text(source.root, name, (lambda _fault: None) if quiet else source.report)
    try:
        value = yaml.safe_load(text or "")
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        if not quiet:
            line = mark.line + 1 if mark is not None else None
            source.fault("yaml", name, line, "this is not YAML", "Correct it, or write data.yaml again.")
        return {}
    return value if isinstance(value, dict) else {}


def _class_list(source: Source, files: Sequence[str]) -> dict[int, str]:
    name = next((n for n in files if PurePosixPath(n).name == "classes.txt"), None)
    text = read_text(source.root, name, lambda _fault: None) if name else None
    return {i: line.strip() for i, line in enumerate((text or "").splitlines()) if line.strip()}


def _names(source: Source, file: str, value: Any, *, quiet: bool) -> dict[int, str]:
    pairs = enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, dict) else ()
    found = {int(k): str(v).strip() for k, v in pairs if str(k).isdigit() and str(v).strip()}
    if not found and not quiet:
        source.fault("no-class", file, None, "names holds no classes", "List the classes under names.")
    return found


def _folders(source: Source, file: str, value: dict[str, Any]) -> dict[str, str | None]:
    """Folder → part. Of a folder that is named for two parts only its own name can tell."""
    found: dict[str, str | None] = {}
    base = PurePosixPath(file).parent
    for key in ("train", "val", "test"):
        folders = value.get(key)
        for folder in folders if isinstance(folders, list) else [folders]:
            if isinstance(folder, str) and not folder.endswith(".txt"):
                path = _folder(source, base, folder)
                found[path] = split_name(PurePosixPath(path).name) if path in found else split_name(key)
    return found


def _folder(source: Source, base: PurePosixPath, text: str) -> str:
    """A folder of data.yaml relative to the root; tools write it in many ways."""
    parts = [part for part in text.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    for start in range(len(parts)):
        path = str(base / "/".join(parts[start:]))
        if (source.root / path).is_dir():
            return path
    return str(base / "/".join(parts))


def drafts(source: Source) -> Iterator[Draft]:
    """One draft per text file of labels."""
    head = _head(source)
    for name in source.files(".txt"):
        if PurePosixPath(name).name.lower() in _LISTS:
            continue
        text = read_text(source.root, name, source.report)
        if text is None:
            continue
        image = _image_of(name)
        draft = Draft(image, name, None, near=_near(name))
        found = source.images.find(image, draft.near)
        draft.split = head.part_of(found) if found else None
        for line, row in enumerate(text.splitlines(), 1):
            box = _box(source, name, line, row.split(), head.names)
            if box is not None:
                draft.boxes.append(box)
        yield draft


def _image_of(name: str) -> str:
    """The stem of the image; its ending is not known. A dot in the stem is no ending."""
    return PurePosixPath(name).name.removesuffix(".txt") + ".jpg"


def _near(name: str) -> tuple[str, ...]:
    """Where the image is: the last `labels` of the path replaced by `images`, or beside the text."""
    parts = list(PurePosixPath(name).parent.parts)
    places = ["/".join(parts)]
    for at in range(len(parts) - 1, -1, -1):
        if parts[at] == "labels":
            places.insert(0, "/".join([*parts[:at], "images", *parts[at + 1 :]]))
            break
    return tuple(places)


def _box(source: Source, file: str, line: int, words: list[str], names: dict[int, str]) -> DraftBox | None:
    if not words:
        return None
    if len(words) != 5:
        what = f"the line has {len(words)} values; a box has five (class, center x and y, width, height)"
        source.fault("no-box", file, line, what, "Polygons and turned boxes are not kept; write a box.")
        return None
    key = number(words[0])
    label = names.get(int(key)) if key >= 0 and key == int(key) else None
    if label is None:
        what = f"class {words[0]} is not in the names of data.yaml"
        source.fault("unknown-class", file, line, what, "Add it to names, or correct the number.")
        return None
    x, y, wide, high = (number(word) for word in words[1:])
    return DraftBox(label, x - wide / 2, y - high / 2, wide, high, line, scale=1.0)


class Writer:
    """Writes the layout that `yolo train data=data.yaml` takes."""

    def __init__(self, root: Path, classes_: Sequence[ClassSpec]) -> None:
        self.root = root
        self._names = [spec.name for spec in classes_]
        self._ids = {name: key for key, name in enumerate(self._names)}
        self._parts: set[str] = set()
        for folder in ("images", "labels"):
            (root / folder).mkdir(parents=True, exist_ok=True)

    def image_path(self, record: Record) -> str:
        """Where the image of a record goes, relative to the root."""
        part = _PARTS.get(record.split or "")
        return f"images/{part}/{record.name}" if part else f"images/{record.name}"

    def add(self, record: Record) -> None:
        """Write the boxes of one image; what nobody labelled has no text file."""
        part = _PARTS.get(record.split or "", "")
        if part not in self._parts:
            self._parts.add(part)
            (self.root / "labels" / part).mkdir(parents=True, exist_ok=True)
        if not record.labelled:
            return
        path = self.root / "labels" / part / f"{PurePosixPath(record.name).stem}.txt"
        lines = (self._line(box, record) for box in record.boxes)
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    def _line(self, box: Box, record: Record) -> str:
        assert record.width is not None
        assert record.height is not None
        x, y = (box.x + box.width / 2) / record.width, (box.y + box.height / 2) / record.height
        numbers = (x, y, box.width / record.width, box.height / record.height)
        return " ".join((str(self._ids[box.class_name]), *(f"{n:.12f}".rstrip("0").rstrip(".") for n in numbers)))

    def close(self) -> None:
        """Write data.yaml. Ultralytics demands training and validation, so one folder may have to be both."""
        keys = ("train", "val", "test")
        folders: dict[str, str] = {key: f"images/{key}" for key in keys if key in self._parts}
        rest = next(iter(folders.values())) if folders and "" not in self._parts else "images"
        folders.setdefault("train", rest)
        folders.setdefault("val", folders["train"])
        # Without `path`, folders are looked for beside this file, wherever it is.
        value: dict[str, Any] = {**folders, "names": dict(enumerate(self._names))}
        text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True)
        (self.root / "data.yaml").write_text(text, encoding="utf-8")
