"""Files of a folder that is read: which images there are, which are named, and text of unknown encoding.

The names live in a temporary database that SQLite keeps on disk and removes by itself, so that memory does not grow
with the number of files. Links are not followed, so nothing outside the folder is ever read.
"""

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from PIL import Image, UnidentifiedImageError

from app.formats.records import Fault, Report

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif"})
MAX_TEXT_BYTES = 64 * 1024 * 1024
_TURNED = frozenset({5, 6, 7, 8})
_ORIENTATION = 0x0112


def walk(root: Path) -> Iterator[str]:
    """Every regular file under `root`, as a relative path with forward slashes; no links, nothing hidden."""
    folders = [""]
    while folders:
        folder = folders.pop()
        with os.scandir(root / folder) as entries:
            for entry in sorted(entries, key=lambda found: found.name):
                if entry.name.startswith((".", "__MACOSX")):
                    continue
                name = f"{folder}/{entry.name}" if folder else entry.name
                if entry.is_dir(follow_symlinks=False):
                    folders.append(name)
                elif entry.is_file(follow_symlinks=False):
                    yield name


def is_image(name: str) -> bool:
    """By its ending; what the bytes are is checked when they are received."""
    return PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES


class Images:
    """The images under one folder. Find one by any of the names a tool may give it, and claim it once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._db = sqlite3.connect("")
        self._db.execute("CREATE TABLE image (path TEXT PRIMARY KEY, base TEXT, stem TEXT, place TEXT)")
        self._db.executemany(
            "INSERT INTO image VALUES (?, ?, ?, NULL)",
            ((n, PurePosixPath(n).name, PurePosixPath(n).stem) for n in walk(root) if is_image(n)),
        )
        self._db.execute("CREATE INDEX base ON image (base)")
        self._db.execute("CREATE INDEX stem ON image (stem)")
        self.count: int = self._db.execute("SELECT count(*) FROM image").fetchone()[0]

    def close(self) -> None:
        """Remove the temporary database."""
        self._db.close()

    def find(self, name: str, near: tuple[str, ...] = ()) -> str | None:
        """The relative path of the image that `name` means, or None if there is none or more than one fits."""
        wanted = _plain(name)
        for folder in (*near, ""):
            path = f"{folder}/{wanted}" if folder else wanted
            if self._db.execute("SELECT 1 FROM image WHERE path = ?", (path,)).fetchone():
                return path
        pure = PurePosixPath(wanted)
        # An ending that only looks like one: `frame.0001` is a stem.
        stem = pure.stem if is_image(wanted) else pure.name
        for column, value in (("base", pure.name), ("stem", stem)):
            fits = self._db.execute(f"SELECT path FROM image WHERE {column} = ? LIMIT 50", (value,)).fetchall()  # noqa: S608 one of two words
            if len(fits) > 1:
                fits = [row for row in fits if str(PurePosixPath(row[0]).parent) in near]
            if len(fits) == 1:
                return str(fits[0][0])
        return None

    def claim(self, path: str, place: str) -> str | None:
        """Note that `place` says something about an image; the place that did so before, or None."""
        before = self._db.execute("SELECT place FROM image WHERE path = ?", (path,)).fetchone()
        if before is not None and before[0] is not None:
            return str(before[0])
        self._db.execute("UPDATE image SET place = ? WHERE path = ?", (place, path))
        return None

    def under(self, folder: str) -> Iterator[str]:
        """The images inside a folder, in order."""
        prefix = f"{folder}/" if folder else ""
        # The next string after everything that begins with the prefix.
        end = prefix[:-1] + "0" if prefix else "\U0010ffff"
        yield from self._ordered("path >= ? AND path < ?", (prefix, end))

    def unclaimed(self) -> Iterator[str]:
        """The images that nothing was said about, in order."""
        yield from self._ordered("place IS NULL", ())

    def _ordered(self, condition: str, values: tuple[str, ...]) -> Iterator[str]:
        last = ""
        while True:
            rows = self._db.execute(
                f"SELECT path FROM image WHERE path > ? AND {condition} ORDER BY path LIMIT 500",  # noqa: S608 our own words
                (last, *values),
            ).fetchall()
            for (path,) in rows:
                yield path
            if not rows:
                return
            last = rows[-1][0]


def _plain(name: str) -> str:
    """A name with forward slashes, without drive, leading slash, `.` or `..`."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    return "/".join(parts)


def image_size(path: Path) -> tuple[int, int] | None:
    """Width and height of the upright image, from its header alone; None if it is none that can be read."""
    try:
        with Image.open(path) as image:
            width, height = image.size
            # The method of the base class: that of PNG would decode the whole picture.
            turned = Image.Image.getexif(image).get(_ORIENTATION) in _TURNED
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError):
        return None
    return (height, width) if turned else (width, height)


def read_text(root: Path, name: str, report: Report) -> str | None:
    """The text of a file, whatever UTF it is in; None, and a fault with the line, if it is in none of them."""
    path = root / name
    if path.stat().st_size > MAX_TEXT_BYTES:
        report(
            Fault("too-large", name, None, f"the file has more than {MAX_TEXT_BYTES:,} bytes", "Split it into several.")
        )
        return None
    data = path.read_bytes()
    encoding = encoding_of(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        report(not_utf8(name, line, data[error.start]))
        return None
    if "\0" in text:
        report(
            Fault("encoding", name, text.count("\n", 0, text.index("\0")) + 1, "there is a zero byte", "Save as UTF-8.")
        )
        return None
    return text


def encoding_of(data: bytes) -> str:
    """What the byte order mark says, UTF-8 if there is none."""
    return "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"


def not_utf8(name: str, line: int, byte: int) -> Fault:
    """The fault for bytes that are no UTF-8, most often Latin-1."""
    return Fault(
        "encoding",
        name,
        line,
        f"byte 0x{byte:02X} is not UTF-8; the text may be Latin-1 (ISO 8859-1) or Windows-1252",
        "Save the file as UTF-8.",
    )
