"""What a parent that was killed left running: remembered on disk, found again, stopped.

Every child has a record `<data_dir>/run/<name>.json` from its start to its end. A process is ours only when both its
id and its time of creation are those of the record, so a process id that was given to somebody else is left alone. Each
child leads a session of its own; whatever still runs in that session after the leader's end is killed with it.
"""

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

SAME_CREATION_SECONDS = 2.0
LEFTOVER_GRACE_SECONDS = 10.0
POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Record:
    """One running child, as the disk remembers it."""

    name: str
    pid: int
    create_time: float
    stop_signal: int
    order: float

    def leader(self) -> psutil.Process | None:
        """The recorded process if it still runs, else None."""
        try:
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.create_time) > SAME_CREATION_SECONDS:
                return None
            return None if process.status() == psutil.STATUS_ZOMBIE else process
        except psutil.NoSuchProcess:
            return None


def records_folder(data_dir: Path) -> Path:
    """Where the records of running children lie."""
    return data_dir / "run"


def write_record(data_dir: Path, record: Record) -> None:
    """Remember a child that has just started."""
    path = records_folder(data_dir) / f"{record.name}.json"
    scratch = path.with_suffix(".new")
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as note:
        note.write(json.dumps(asdict(record)))
    scratch.replace(path)


def forget(data_dir: Path, name: str) -> None:
    """Drop the record of a child that has ended."""
    (records_folder(data_dir) / f"{name}.json").unlink(missing_ok=True)


def read_records(data_dir: Path) -> list[Record]:
    """All records, the one started last first. Files that are no record are passed over."""
    found: list[Record] = []
    for path in records_folder(data_dir).glob("*.json"):
        try:
            found.append(Record(**json.loads(path.read_text())))
        except FileNotFoundError:
            continue  # its child ended at this moment
        except (ValueError, TypeError):
            path.unlink(missing_ok=True)
    return sorted(found, key=lambda record: record.order, reverse=True)


def session_members(session: int, since: float) -> list[psutil.Process]:
    """Processes of that session, its leader not counted, that are not older than `since` (seconds of the epoch)."""
    members = []
    for pid in psutil.pids():
        try:
            if pid != session and os.getsid(pid) == session:
                process = psutil.Process(pid)
                if process.create_time() >= since - SAME_CREATION_SECONDS:
                    members.append(process)
        except (ProcessLookupError, PermissionError, psutil.Error):
            continue
    return members


def kill_session(session: int, since: float) -> None:
    """SIGKILL for what is left of a child's session once its leader has ended."""
    for process in session_members(session, since):
        try:
            process.kill()
        except psutil.Error:
            continue


def stop_leftover(record: Record, report: Callable[[str], None]) -> None:
    """End the recorded process politely, then by force, and the rest of its session with it."""
    leader = record.leader()
    if leader is not None:
        report(f"Stopping {record.name} (process {record.pid}), left over from a run that was killed")
        for number in (record.stop_signal, signal.SIGKILL):
            if _ended_by(record, number):
                break
    kill_session(record.pid, record.create_time)


def _ended_by(record: Record, number: int) -> bool:
    """Signal the recorded process and wait for its end. One that init has not reaped yet has ended too."""
    end = time.monotonic() + LEFTOVER_GRACE_SECONDS
    leader = record.leader()
    with contextlib.suppress(psutil.NoSuchProcess):
        if leader:
            leader.send_signal(number)
    while record.leader() is not None:
        if time.monotonic() > end:
            return False
        time.sleep(POLL_SECONDS)
    return True


def reap_leftovers(data_dir: Path, report: Callable[[str], None], *, only: str | None = None) -> None:
    """Stop what a killed parent left running in this data folder, last started first.

    Only for the holder of the data folder: a running instance has records too.
    """
    for record in read_records(data_dir):
        if only is None or record.name == only:
            stop_leftover(record, report)
            forget(data_dir, record.name)
