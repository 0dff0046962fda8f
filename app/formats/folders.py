"""Image folders by class: `cats/1.jpg`, or `train/cats/1.jpg` as Ultralytics classification and torchvision have it."""

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from app.formats.files import is_image
from app.formats.records import ClassSpec, Draft, Record, split_name
from app.formats.source import Source

NAME, TITLE = "folders", "Image folders by class (also Ultralytics YOLO classification)"
_PARTS = {"train": "train", "validation": "val", "test": "test"}
# An image in here has no class yet.
UNLABELLED = "unlabelled"


def matches(_root: Path, files: Sequence[str]) -> bool:
    """True if there are images in folders."""
    return any(is_image(name) and "/" in name for name in files)


def classes(source: Source) -> list[ClassSpec]:
    """The folders, in order, also the empty ones."""
    found: dict[str, ClassSpec] = {}
    for folder in sorted(_class_folders(source.root)):
        found.setdefault(folder, ClassSpec(folder))
    return list(found.values())


def _class_folders(root: Path) -> Iterator[str]:
    for path in root.iterdir():
        if path.is_dir() and not path.is_symlink() and not path.name.startswith((".", "__MACOSX")):
            inner = [p for p in path.iterdir() if p.is_dir() and not p.name.startswith(".")]
            if split_name(path.name) and inner:
                yield from (p.name for p in inner if p.name != UNLABELLED)
            elif path.name != UNLABELLED:
                yield path.name


def drafts(source: Source) -> Iterator[Draft]:
    """One draft per image; the nearest folder is its class."""
    for name in source.images.under(""):
        folders = PurePosixPath(name).parent.parts
        split = split_name(folders[0]) if len(folders) > 1 else None
        if not folders or folders[-1] == UNLABELLED:
            yield Draft(name, name, labelled=False, split=split)
            continue
        if len(folders) > (2 if split else 1):
            what = f"the image is {len(folders)} folders deep; the nearest, {folders[-1]!r}, was taken as its class"
            source.fault("deep-folder", name, None, what, "Put it into a folder named like its class.", left_out=False)
        yield Draft(name, name, classes=[folders[-1]], split=split)


class Writer:
    """Writes a folder per class, in a folder per part where the image has one."""

    def __init__(self, root: Path, classes_: Sequence[ClassSpec]) -> None:
        self._root, self._classes = root, classes_

    def image_path(self, record: Record) -> str:
        """Where the image of a record goes, relative to the root; the first of several classes counts."""
        label = folder_name(record.classes[0]) if record.labelled and record.classes else UNLABELLED
        part = _PARTS.get(record.split or "")
        return f"{part}/{label}/{record.name}" if part else f"{label}/{record.name}"

    def add(self, record: Record) -> None:
        """The folder says it all."""
        (self._root / self.image_path(record)).parent.mkdir(parents=True, exist_ok=True)

    def close(self) -> None:
        """Make a folder for each class, also where it has no image."""
        parts = [part for part in _PARTS.values() if (self._root / part).is_dir()]
        for spec in self._classes:
            for part in parts or [""]:
                (self._root / part / folder_name(spec.name)).mkdir(parents=True, exist_ok=True)


def folder_name(label: str) -> str:
    """A class as the name of a folder: no separators, and not hidden."""
    text = "".join("_" if character in '/\\:*?"<>|' else character for character in label)
    return f"_{text[1:]}" if text.startswith(".") else text
