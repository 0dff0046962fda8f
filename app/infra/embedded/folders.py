"""Private places on disk for the embedded servers: the data folder, a short folder for sockets, the instance lock.

Everything is readable by its owner only. A Unix socket's path may have 107 bytes, so a data folder deep in a tree gets
a socket folder in the system's temporary folder; `<data_dir>/run/sockets` remembers it, so that one that a killed run
left is used again or removed.
"""

import fcntl
import os
import shutil
import stat
import tempfile
from pathlib import Path

from app.supervisor import StartupError

LONGEST_SOCKET_FOLDER = 80
LEAST_FREE_BYTES = 200_000_000


def private_folder(path: Path) -> Path:
    """Make the folder if it is missing, closed to others. Raises StartupError when that cannot be done."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StartupError(
            f"{path} cannot be made: {error.strerror}. Make it writable, or set TRAINYARD_DATA_DIR to a folder that is"
        ) from error
    return path


def open_data_folder(path: Path) -> Path:
    """The data folder, proved writable and with room. Raises StartupError in plain words."""
    folder = private_folder(Path(path).resolve())
    for part in ("run", "logs"):
        private_folder(folder / part)
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_BYTES:
        raise StartupError(
            f"the disk of {folder} is full: {free // 1_000_000} MB free, at least {LEAST_FREE_BYTES // 1_000_000} MB "
            "are needed. Make room, or set TRAINYARD_DATA_DIR to a folder on another disk"
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StartupError(
            f"{folder} cannot be written to. Make it writable, or set TRAINYARD_DATA_DIR to a folder that is"
        )
    return folder


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600 in one step, so that a reader sees the old or the new text."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w") as scratch:
        scratch.write(text)
    Path(name).replace(path)


def socket_folder(data_dir: Path) -> Path:
    """A folder of mode 0700 whose path is short enough for Unix sockets."""
    near = data_dir / "run"
    if len(str(near).encode()) <= LONGEST_SOCKET_FOLDER:
        return near
    note = data_dir / "run" / "sockets"
    if note.exists():
        remembered = Path(note.read_text().strip())
        if _is_ours(remembered):
            return remembered
    fresh = Path(tempfile.mkdtemp(prefix="trainyard-", dir="/tmp"))  # mkdtemp: private and unguessable
    write_private(note, str(fresh))
    return fresh


def drop_socket_folder(data_dir: Path) -> None:
    """Remove a socket folder outside the data folder."""
    note = data_dir / "run" / "sockets"
    if note.exists():
        remembered = Path(note.read_text().strip())
        if _is_ours(remembered):
            shutil.rmtree(remembered, ignore_errors=True)
        note.unlink()


def _is_ours(folder: Path) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) == 0o700


class InstanceLock:
    """One running instance per data folder: a lock of the kernel, so a killed holder frees it."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / "run" / "instance.lock"
        self._file: int | None = None

    @property
    def held(self) -> bool:
        """True while this object holds it."""
        return self._file is not None

    def take(self) -> None:
        """Raises StartupError naming the holder's process id when another process holds it."""
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(handle, 32).decode(errors="replace").strip() or "unknown"
            os.close(handle)
            raise StartupError(
                f"Trainyard is already running with the data in {self.path.parent.parent} (process {holder}). "
                "Stop it first, or give this one its own folder with TRAINYARD_DATA_DIR",
                process=holder,
            ) from error
        os.ftruncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
        self._file = handle

    def release(self) -> None:
        """Give it back; harmless when it is not held."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
