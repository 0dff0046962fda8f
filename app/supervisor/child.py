"""One child process: how it is started, when it counts as ready, how it is ended.

A child leads its own session (so a Ctrl-C in the terminal does not end PostgreSQL before the workers), writes to
`<data_dir>/logs/<name>.log`, creates private files only, and leaves a record on disk while it lives (see `leftovers`).
Secrets travel in the environment, never in the arguments.
"""

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from app.errors import Unavailable
from app.supervisor import leftovers
from app.supervisor.signals import impatient

LOG_LIMIT_BYTES = 20_000_000
READY_POLL_SECONDS = 0.02
LONGEST_POLL_SECONDS = 0.25
FULL_DISK_BYTES = 50_000_000
TAIL_LINES = 15


class StartupError(Unavailable):
    """A part could not be started, does not answer, or ended by itself."""

    code, title = "startup-failed", "A part could not be started"


class StartCancelled(StartupError):
    """A start was broken off because something else failed or everything is being stopped."""


@dataclass(frozen=True)
class ChildSpec:
    """What to run and how to treat it.

    `prepare` runs before every start, restarts included; `ready` is asked until it says True (None: ready at once, and
    an early end is no failure to start).
    `after` names the children that must be ready first; None means every child that is already running.
    """

    name: str
    argv: Sequence[str | Path]
    env: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], bool] | None = None
    prepare: Callable[[], None] | None = None
    after: tuple[str, ...] | None = None
    stop_signal: int = signal.SIGTERM
    restart: bool = True
    ready_seconds: float = 30.0
    grace_seconds: float = 10.0
    cwd: Path | None = None
    user: int | None = None


class Child:
    """The process of one spec. Not safe for use by several threads at once: the supervisor holds `lock`."""

    def __init__(self, spec: ChildSpec, data_dir: Path) -> None:
        self.spec = spec
        self.data_dir = data_dir
        self.log_path = data_dir / "logs" / f"{spec.name}.log"
        self.lock = threading.RLock()
        self.process: subprocess.Popen[bytes] | None = None
        self.ready_at = 0.0
        self._log_start = 0
        self._create_time = 0.0
        self._order = time.time()  # of the first start: a child that came back keeps its place

    @property
    def alive(self) -> bool:
        """True while the process runs."""
        return self.process is not None and self.process.poll() is None

    def start(self, cancelled: threading.Event) -> None:
        """Start and wait until ready; on failure nothing of it runs any more. Raises StartupError."""
        try:
            if self.spec.prepare:
                self.spec.prepare()
            self._spawn()
            self._wait_until_ready(cancelled)
        except OSError as error:
            self.stop(grace_seconds=1.0)
            raise StartupError(f"{self.spec.name} could not be started: {error}") from error
        except BaseException:
            self.stop(grace_seconds=1.0)
            raise
        self.ready_at = time.monotonic()

    def _spawn(self) -> None:
        spec = self.spec
        rotate(self.log_path)
        self._log_start = self.log_path.stat().st_size if self.log_path.exists() else 0
        with open(self.log_path, "ab", opener=private) as log:
            self.process = subprocess.Popen(
                [str(part) for part in spec.argv],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                umask=0o077,
                cwd=spec.cwd,
                env={**os.environ, **spec.env},
                user=spec.user,
                group=spec.user,
                extra_groups=None if spec.user is None else [],
            )
        self._remember(self.process.pid)

    def _remember(self, pid: int) -> None:
        try:
            self._create_time = psutil.Process(pid).create_time()
        except psutil.NoSuchProcess:
            self._create_time = time.time()
        record = leftovers.Record(self.spec.name, pid, self._create_time, int(self.spec.stop_signal), self._order)
        leftovers.write_record(self.data_dir, record)

    def _wait_until_ready(self, cancelled: threading.Event) -> None:
        if self.spec.ready is None or self.process is None:
            return
        end, pause = time.monotonic() + self.spec.ready_seconds, READY_POLL_SECONDS
        while not cancelled.is_set():
            ready = self.spec.ready()
            if self.process.poll() is not None:
                raise StartupError(f"{self.spec.name} {self.ending()} while starting.{self.log_tail()}")
            if ready:
                return
            if time.monotonic() > end:
                raise StartupError(
                    f"{self.spec.name} was not ready after {self.spec.ready_seconds:.0f} s.{self.log_tail()}"
                )
            cancelled.wait(pause)
            pause = min(pause * 1.3, LONGEST_POLL_SECONDS)
        raise StartCancelled(f"{self.spec.name} was stopped while starting")

    def ask_to_stop(self) -> None:
        """Send the stop signal, if it still runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(self.spec.stop_signal)

    def stop(self, grace_seconds: float | None = None) -> None:
        """Ask, wait for the grace, kill; then end what remains of its session."""
        if self.process is None:
            return
        self.ask_to_stop()
        end = time.monotonic() + (self.spec.grace_seconds if grace_seconds is None else grace_seconds)
        while self.process.poll() is None and time.monotonic() < end and not impatient.is_set():
            try:
                self.process.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.clean_up()

    def clean_up(self) -> None:
        """After the end of the process: kill what it left in its session and forget it."""
        if self.process is not None:
            leftovers.kill_session(self.process.pid, self._create_time)
            leftovers.forget(self.data_dir, self.spec.name)

    def ending(self) -> str:
        """How it ended, in words."""
        code = self.process.returncode if self.process else None
        if code is None:
            return "is running"
        return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"

    def log_tail(self) -> str:
        """What a message about its end should say more: a full disk, and the last lines it wrote since its start."""
        free = shutil.disk_usage(self.data_dir).free
        full = f" The disk of {self.data_dir} is full ({free // 1_000_000} MB free): make room."
        advice = full if free < FULL_DISK_BYTES else ""
        try:
            with self.log_path.open("rb") as log:
                log.seek(max(self._log_start, self.log_path.stat().st_size - 8192))
                lines = log.read().decode(errors="replace").splitlines()[-TAIL_LINES:]
        except FileNotFoundError:
            lines = []
        if not lines:
            return f"{advice} It wrote nothing to {self.log_path}."
        return "\n".join([f"{advice} The end of {self.log_path}:", *(f"  | {line}" for line in lines)])


def private(path: str, flags: int) -> int:
    """Opener for files that only the owner may read."""
    return os.open(path, flags, 0o600)


def rotate(path: Path) -> None:
    """Keep one older log once the present one has grown past the limit."""
    if path.exists() and path.stat().st_size > LOG_LIMIT_BYTES:
        path.replace(path.with_suffix(".log.1"))
