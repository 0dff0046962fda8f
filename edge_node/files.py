"""Files that survive a power cut: written beside, flushed, then renamed into place."""

import contextlib
import errno
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edge_node.errors import Refused

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def write_atomically(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Replace `path` with `data` so that a reader, or a crash, sees the old bytes or the new and never half of them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_json_atomically(path: Path, value: Any, mode: int = 0o644) -> None:
    write_atomically(path, json.dumps(value, indent=2, sort_keys=True).encode() + b"\n", mode)


def sync_folder(folder: Path) -> None:
    """Make a rename inside `folder` durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def require_space(folder: Path, needed: int, keep_free: int) -> None:
    """Raise Refused unless `folder`'s disk can take `needed` bytes and still have `keep_free` left."""
    free = shutil.disk_usage(folder).free
    if free < needed + keep_free:
        raise Refused(
            f"The disk of {folder} has {readable_size(free)} free; {readable_size(needed)} are needed and "
            f"{readable_size(keep_free)} are kept in reserve. Free some space and deploy again."
        )


@contextlib.contextmanager
def refusing_when_disk_is_full(folder: Path) -> Iterator[None]:
    """Turn 'no space left' into a refusal; any other failure of the disk is named just as plainly."""
    try:
        yield
    except OSError as error:
        if error.errno in _DISK_FULL:
            raise Refused(f"The disk of {folder} is full: free some space and deploy again.") from error
        if error.errno is None:
            raise
        raise Refused(f"{folder} cannot be written or read: {os.strerror(error.errno)}.") from error


def readable_size(count: int) -> str:
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
