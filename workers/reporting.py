"""From a training loop to the database and the browsers: one thread, batches, and patience.

The loop appends to a buffer that a thread empties four times a second. It waits for the database once an epoch, and for
a second at most: a checkpoint that is ahead of its curve would leave a gap if the process were killed. While the
database is away the buffer grows and nothing is lost; `close` waits until everything is stored.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Self, TypeVar
from uuid import UUID

from sqlalchemy.exc import OperationalError

from app.domain.permissions import SystemActor
from app.errors import Conflict, Unavailable
from app.infra.db import transaction
from app.schemas.training_jobs import JobProgress, MetricPointIn
from app.services import job_runs

log = logging.getLogger(__name__)

WORKER = SystemActor("worker")
FLUSH_SECONDS = 0.25
HEARTBEAT_SECONDS = 5.0
SETTLE_SECONDS = 1.0
PATIENCE_SECONDS = 600.0
BATCH_POINTS = 2000

T = TypeVar("T")


def patiently(action: Callable[[], T], *, seconds: float = PATIENCE_SECONDS) -> T:
    """Run `action`, again and again while the database or the store does not answer, for `seconds` at most."""
    deadline, pause = time.monotonic() + seconds, 0.2
    while True:
        try:
            return action()
        except (Unavailable, OperationalError) as error:
            if time.monotonic() + pause > deadline:
                raise
            log.warning("waiting for %s", error)
            time.sleep(pause)
            pause = min(pause * 2, 5.0)


class JobReporter:
    """`workers.training.spec.Reporter` bound to one attempt of one job."""

    def __init__(self, job_id: UUID, attempt: int) -> None:
        self._job_id, self._attempt = job_id, attempt
        self._lock = threading.Condition()
        self._told = self._stored = 0
        self._points: list[MetricPointIn] = []
        self._log: list[str] = []
        self._state: dict[str, int | float | None] = {}
        self._cancelled = threading.Event()
        self._closing, self._wake = threading.Event(), threading.Event()
        self.attempt_over = False
        self._thread = threading.Thread(target=self._pump, name="reporter", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._wake.set()
        self._thread.join()

    def log(self, line: str) -> None:
        """A line for the job's log, with the time in UTC."""
        with self._lock:
            self._log.append(f"{time.strftime('%H:%M:%S', time.gmtime())}  {line}\n")

    def metric(self, name: str, step: int, epoch: int, value: float) -> None:
        """A point of a curve."""
        with self._lock:
            self._points.append(MetricPointIn(name=name, step=step, epoch=epoch, value=value))
            self._told += 1

    def settle(self) -> None:
        """Wait until the points that were told are stored, a second at most."""
        self._wake.set()
        with self._lock:
            told = self._told
            self._lock.wait_for(lambda: self._stored >= told or self.attempt_over, SETTLE_SECONDS)

    def progress(self, *, epoch: int, total_epochs: int, percent: int, eta_seconds: float | None) -> None:
        """How far the run is."""
        del total_epochs  # the job's row knows
        with self._lock:
            self._state = {"current_epoch": epoch, "progress_percent": percent, "eta_seconds": eta_seconds}

    def cancelled(self) -> bool:
        """True once a person asked to stop, or another attempt took over."""
        return self._cancelled.is_set()

    def _pump(self) -> None:
        last = 0.0
        while True:
            self._wake.wait(FLUSH_SECONDS)
            self._wake.clear()
            closing = self._closing.is_set()
            batch = self._take()
            if batch is not None or time.monotonic() - last > HEARTBEAT_SECONDS:
                patiently(lambda batch=batch: self._store(batch or JobProgress()))  # type: ignore[misc]
                last = time.monotonic()
            with self._lock:
                self._stored += len(batch.points) if batch else 0
                self._lock.notify_all()
            if self.attempt_over or (closing and batch is None):
                return

    def _take(self) -> JobProgress | None:
        with self._lock:
            points, self._points = self._points[:BATCH_POINTS], self._points[BATCH_POINTS:]
            lines, self._log = self._log, []
            state, self._state = self._state, {}
        if not (points or lines or state):
            return None
        return JobProgress.model_validate({"points": points, "log": "".join(lines), **state})

    def _store(self, progress: JobProgress) -> None:
        try:
            with transaction() as session:
                wanted_to_stop = job_runs.report(session, WORKER, self._job_id, self._attempt, progress)
        except Conflict as error:
            log.warning("%s", error)
            self.attempt_over = wanted_to_stop = True
        if wanted_to_stop:
            self._cancelled.set()
