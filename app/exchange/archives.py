"""Archives of strangers, opened safely: no name leads out of the folder, nothing unpacks without end, nothing is run.

Refused whole: names with `..`, a drive or a leading slash (zip slip), more files or bytes than allowed, a ratio that
only a bomb has, password protection. Left out one by one: links, devices, archives inside, files that no dataset needs.
The limits count what is really written, not what the archive says about itself.
"""

import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from app.errors import Invalid
from app.formats.files import IMAGE_SUFFIXES, walk
from app.formats.records import Fault, split_name

CHUNK = 1 << 20
MAX_NAME = 255
# What compresses better than this, over more than the first megabytes, is a bomb. Deflate itself ends at 1032.
MAX_RATIO = 200
FREE_BYTES = 16 * CHUNK
NESTED = frozenset({".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zst"})
NEEDED = IMAGE_SUFFIXES | {".xml", ".json", ".txt", ".csv", ".yaml", ".yml"}


@dataclass(frozen=True, slots=True)
class Limits:
    """What an archive may unpack to."""

    files: int
    total_bytes: int


@dataclass(slots=True)
class _Entry:
    """One thing in an archive, before anything of it is read."""

    name: str
    is_file: bool
    is_folder: bool
    open: Callable[[], IO[bytes]]


def unpack(
    archive: Path, into: Path, limits: Limits, report: Callable[[Fault], None], alive: Callable[[], None]
) -> Path:
    """Write the archive's files below `into`; the folder inside that holds the dataset.

    `alive` is called now and then, and may raise to end it. Raises `Invalid` for no archive, or a dangerous one.
    """
    into.mkdir(parents=True, exist_ok=True)
    written, packed = 0, archive.stat().st_size
    try:
        for number, entry in enumerate(_entries(archive), 1):
            if number > limits.files:
                raise Invalid(f"The archive holds more than the {limits.files:,} files allowed. Split it.")
            alive()
            target = _target(entry, into, report)
            if target is not None:
                written = _write(entry, target, written, packed, limits)
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise Invalid(f"The archive is damaged, cut short or of an unknown kind ({error}). Make it again.") from error
    return _inner(into)


def _entries(archive: Path) -> Iterator[_Entry]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            yield from (_of_zip(opened, info) for info in opened.infolist())
        return
    try:
        with tarfile.open(archive, "r|*") as opened:
            for member in opened:
                opened.members = []  # or it would remember every one
                yield _of_tar(opened, member)
    except tarfile.ReadError as error:
        raise Invalid("This is no .zip, .tar or .tar.gz archive that can be read.") from error


def _of_zip(opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> _Entry:
    if info.flag_bits & 1:
        raise Invalid("The archive is protected by a password. Make one without.")
    kind = stat.S_IFMT(info.external_attr >> 16)
    plain = kind in (0, stat.S_IFREG) and not info.is_dir()
    return _Entry(info.filename, plain, info.is_dir(), lambda: opened.open(info))


def _of_tar(opened: tarfile.TarFile, member: tarfile.TarInfo) -> _Entry:
    def read() -> IO[bytes]:
        file = opened.extractfile(member)
        if file is None:
            raise Invalid(f"{member.name}: the archive says it is a file, and holds none.")
        return file

    return _Entry(member.name, member.isreg(), member.isdir(), read)


def _target(entry: _Entry, into: Path, report: Callable[[Fault], None]) -> Path | None:
    """Where the entry goes; None if it is left out."""
    name = _safe(entry.name)
    if entry.is_folder or name is None:
        return None
    kind = PurePosixPath(name).suffix.lower()
    if not entry.is_file:
        report(Fault("link", name, None, "a link or device is not unpacked", "Put the file itself into the archive."))
        return None
    if kind in NESTED:
        report(Fault("nested", name, None, "an archive inside is not opened", "Unpack it first."))
        return None
    if kind not in NEEDED:
        return None
    target = into / name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        taken = target.exists()
    except (FileExistsError, NotADirectoryError):
        taken = True
    if taken:
        report(Fault("twice", name, None, "the name stands twice in the archive", "Give each file its own name."))
        return None
    return target


def _safe(name: str) -> str | None:
    """The name with forward slashes; None for what tools leave behind. Raises `Invalid` where it leads out."""
    plain = name.replace("\\", "/")
    parts = [part for part in plain.split("/") if part not in ("", ".")]
    if plain.startswith("/") or ".." in parts or (parts and len(parts[0]) > 1 and parts[0][1] == ":"):
        raise Invalid(f"The archive names {name!r}, which lies outside it. Nothing of it was unpacked.")
    if any(len(part.encode("utf-8", "replace")) > MAX_NAME or not part.isprintable() for part in parts):
        raise Invalid(f"The archive holds a name that cannot be written: {name[:80]!a}.")
    if not parts or any(part.startswith((".", "__MACOSX")) for part in parts):
        return None
    return "/".join(parts)


def _write(entry: _Entry, target: Path, written: int, packed: int, limits: Limits) -> int:
    with entry.open() as source, target.open("wb") as file:
        while data := source.read(CHUNK):
            written += len(data)
            if written > limits.total_bytes:
                raise Invalid(f"The archive unpacks to more than the {limits.total_bytes:,} bytes allowed. Split it.")
            if written > FREE_BYTES and written > packed * MAX_RATIO:
                raise Invalid(f"The archive unpacks to more than {MAX_RATIO} times its size, as only a bomb does.")
            file.write(data)
    return written


def _inner(root: Path) -> Path:
    """Archives often hold one folder that holds everything; a folder of images alone is a class, and stays."""
    while True:
        inside = list(root.iterdir())
        if len(inside) != 1 or not inside[0].is_dir() or split_name(inside[0].name):
            return root
        if not any(path.is_dir() or path.suffix.lower() not in IMAGE_SUFFIXES for path in inside[0].iterdir()):
            return root
        root = inside[0]


def pack(folder: Path, archive: Path, alive: Callable[[], None]) -> None:
    """All files of a folder as a zip; images as they are, since they do not get smaller."""
    with zipfile.ZipFile(archive, "w", allowZip64=True) as opened:
        for name in walk(folder):
            alive()
            image = PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES
            opened.write(folder / name, name, zipfile.ZIP_STORED if image else zipfile.ZIP_DEFLATED)
