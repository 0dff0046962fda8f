"""Starts named children in order, brings back the ones that die, and stops them all in reverse order.

One `start()` starts what has been added since the last one: children that wait for nothing of the same batch start
together. A child that dies is started again with growing pauses; after too many quick deaths the supervisor gives up,
and `wait()` raises what happened. `stop()` leaves nothing running and may be called from any state, twice too.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from signal import SIGTERM
from typing import Self

from app.supervisor.child import Child, ChildSpec, StartCancelled, StartupError
from app.supervisor.leftovers import reap_leftovers, records_folder
from app.supervisor.signals import exit_on_signals

QUICK_SECONDS = 10.0
QUICK_FAILURES = 5
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0


def say(line: str) -> None:
    """Print one line at once, also into a pipe."""
    print(line, flush=True)


class Supervisor:
    """The children of one data folder."""

    def __init__(self, data_dir: Path, *, report: Callable[[str], None] = say) -> None:
        self.data_dir = Path(data_dir).resolve()
        self.report = report
        self._children: dict[str, Child] = {}
        self._levels: list[list[Child]] = []
        self._waiting: list[Child] = []
        self._stopping = threading.Event()
        self._over = threading.Event()
        self._failure: StartupError | None = None
        self._stop_lock = threading.Lock()

    def add(
        self,
        name: str,
        argv: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        ready: Callable[[], bool] | None = None,
        prepare: Callable[[], None] | None = None,
        after: tuple[str, ...] | None = None,
        stop_signal: int = SIGTERM,
        restart: bool = True,
        ready_seconds: float = 30.0,
        grace_seconds: float = 10.0,
        cwd: Path | None = None,
    ) -> Self:
        """Name a child for the next `start()`; see `ChildSpec` for what the arguments mean."""
        spec = ChildSpec(
            name, argv, env or {}, ready, prepare, after, stop_signal, restart, ready_seconds, grace_seconds, cwd
        )
        return self.add_spec(spec)

    def add_spec(self, spec: ChildSpec) -> Self:
        """The same for a spec made elsewhere. Raises ValueError when the name is taken."""
        if spec.name in self._children:
            raise ValueError(f"a child named {spec.name!r} exists already")
        child = Child(spec, self.data_dir)
        self._children[spec.name] = child
        self._waiting.append(child)
        return self

    def start(self) -> None:
        """Start what was added since the last start; when one fails, everything is stopped. Raises StartupError."""
        for folder in (records_folder(self.data_dir), self.data_dir / "logs"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self._stopping.is_set():
            raise RuntimeError("this supervisor has been stopped; make a new one")
        try:
            while self._waiting:
                self._start_level(self._next_level())
        except BaseException:
            self.stop()
            raise

    def _next_level(self) -> list[Child]:
        pending = {child.spec.name for child in self._waiting}
        level = [child for child in self._waiting if not pending.intersection(child.spec.after or ())]
        if not level:
            raise ValueError(f"these children wait for each other: {', '.join(sorted(pending))}")
        self._waiting = [child for child in self._waiting if child not in level]
        return level

    def _start_level(self, level: list[Child]) -> None:
        self._levels.append(level)
        cancelled = threading.Event()

        def begin(child: Child) -> None:
            try:
                self._begin(child, cancelled)
            except BaseException:
                cancelled.set()
                raise

        with ThreadPoolExecutor(len(level)) as pool:
            try:
                running = [pool.submit(begin, child) for child in level]
                errors = [error for future in running if (error := future.exception())]
            except BaseException:
                cancelled.set()
                raise
        if errors:
            raise min(errors, key=lambda error: isinstance(error, StartCancelled))

    def _begin(self, child: Child, cancelled: threading.Event) -> None:
        with child.lock:
            reap_leftovers(self.data_dir, self.report, only=child.spec.name)
            child.start(cancelled)
            self._watch(child)

    def _watch(self, child: Child, failures: int = 0) -> None:
        name = f"watch-{child.spec.name}"
        threading.Thread(target=self._after_death, args=(child, failures), name=name, daemon=True).start()

    def _after_death(self, child: Child, failures: int) -> None:
        process = child.process
        assert process is not None
        process.wait()
        with child.lock:
            if self._stopping.is_set() or child.process is not process:
                return
            child.clean_up()
            if not child.spec.restart:
                self.report(f"{child.spec.name} {child.ending()}")
                return
            quick = time.monotonic() - child.ready_at < QUICK_SECONDS
            self._revive(child, failures + 1 if quick else 1)

    def _revive(self, child: Child, failures: int) -> None:
        name, what = child.spec.name, child.ending()
        while failures < QUICK_FAILURES:
            self.report(f"{name} {what}; starting it again")
            if self._stopping.wait(min(FIRST_PAUSE_SECONDS * 2 ** (failures - 1), LONGEST_PAUSE_SECONDS)):
                return
            try:
                child.start(self._stopping)
            except StartupError:
                what, failures = f"{child.ending()} again", failures + 1
                continue
            self.report(f"{name} is running again (process {child.process.pid if child.process else '?'})")
            self._watch(child, failures)
            return
        if not self._stopping.is_set():
            self._failure = StartupError(
                f"{name} failed {failures} times in a row and is not started again; the last time it {child.ending()}."
                f"{child.log_tail()}"
            )
            self._over.set()

    def wait(self, seconds: float | None = None) -> bool:
        """Block until `stop()` was called (True) or the time is over (False). Raises StartupError after giving up.

        An ending signal raises SystemExit here; put `exit_on_signals()` around `start()` too, `stop()` in a finally.
        """
        with exit_on_signals():
            ended = self._over.wait(seconds)
        if self._failure:
            raise self._failure
        return ended

    def restart(self, name: str) -> None:
        """Stop one child politely and start it again. Raises StartupError, KeyError."""
        child = self._children[name]
        with child.lock:
            child.stop()
            child.process = None
            child.start(self._stopping)
            self._watch(child)

    def pid(self, name: str) -> int | None:
        """The process id of a running child, or None. Raises KeyError for an unknown name."""
        child = self._children[name]
        return child.process.pid if child.alive and child.process else None

    def names(self) -> list[str]:
        """All children, in the order they were added."""
        return list(self._children)

    def stop(self) -> None:
        """Stop all children, those started last first. Children of one level are asked together."""
        with self._stop_lock:
            self._stopping.set()
            for level in reversed(self._levels):
                for child in level:
                    child.ask_to_stop()
                for child in level:
                    with child.lock:
                        child.stop()
                        child.process = None
            self._levels.clear()
            self._children.clear()
            self._waiting.clear()
            self._over.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()
