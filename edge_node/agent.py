"""The node's two loops: one keeps the heartbeat, one installs. Inference needs neither and never waits for them.

Rules: the cloud is asked and never obeyed beyond its assignments; when it is away the node waits with growing,
jittered pauses and goes on serving; an assignment that was refused or done is not touched again until the cloud lists
it as pending anew; the end of an assignment is reported until the cloud has heard it.
"""

import logging
import random
import threading
from collections import OrderedDict
from dataclasses import dataclass

from edge_node import __version__
from edge_node.cloud import Assignment, Cloud
from edge_node.errors import CloudUnreachable, EdgeError, Refused, Retryable, Stopping, Superseded
from edge_node.installer import Installer
from edge_node.model import Models
from edge_node.status import NodeStatus

logger = logging.getLogger(__name__)
REMEMBERED = 200
MAX_LOADED, MAX_COUNT = 64, 2**31 - 1  # what a heartbeat may say


@dataclass(frozen=True)
class Patience:
    """How long to wait after failures, and how often a download may fail."""

    first_seconds: float
    longest_seconds: float
    attempts: int

    def pause(self, failures: int, asked: float | None = None) -> float:
        """Seconds to wait after this many failures in a row: doubling, capped, half of it random; at least `asked`."""
        longest = min(self.longest_seconds, self.first_seconds * 2.0 ** min(failures - 1, 16))
        jittered = random.uniform(longest / 2, longest)  # noqa: S311 (jitter, no secret)
        return max(jittered, asked or 0.0)


class Agent:
    """Runs the loops in threads of their own from `start` to `stop`."""

    def __init__(
        self, cloud: Cloud, installer: Installer, models: Models, status: NodeStatus, patience: Patience, platform: str
    ) -> None:
        self._cloud = cloud
        self._installer = installer
        self._models = models
        self._status = status
        self._patience = patience
        self._platform = platform
        self._stop = threading.Event()
        self._beat_now = threading.Event()
        self._work_to_do = threading.Condition()
        self._waiting: dict[str, Assignment] = {}
        self._current: Assignment | None = None
        self._settled: OrderedDict[str, None] = OrderedDict()
        self._threads = [
            threading.Thread(target=self._heartbeats, name="heartbeat", daemon=True),
            threading.Thread(target=self._installs, name="installer", daemon=True),
        ]

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, seconds: float = 5.0) -> None:
        """Ask both loops to end and wait a little; a kill at any moment would do no harm either."""
        self._stop.set()
        self._beat_now.set()
        with self._work_to_do:
            self._work_to_do.notify_all()
        for thread in self._threads:
            thread.join(seconds)

    # The heartbeat's loop

    def _heartbeats(self) -> None:
        failures = 0
        while not self.stopping:
            self._beat_now.clear()
            try:
                pause = self._beat()
                failures = 0
            except EdgeError as error:
                failures += 1
                pause = self._note_failed_beat(error, failures)
            except Exception as error:  # the boundary of a thread: a fault must not end the heartbeat
                failures += 1
                logger.exception("the heartbeat failed")
                pause = self._note_failed_beat(error, failures)
            self._beat_now.wait(pause)

    def _note_failed_beat(self, error: Exception, failures: int) -> float:
        if self._status.heartbeat_failed(str(error)):
            logger.warning("no heartbeat: %s Serving goes on; trying again.", error)
        return self._patience.pause(failures, error.retry_after if isinstance(error, CloudUnreachable) else None)

    def _beat(self) -> float:
        """One heartbeat; the seconds until the next."""
        count, median = self._models.statistics()
        answer = self._cloud.heartbeat(
            {
                "edge_version": __version__,
                "platform": self._platform,
                "loaded": [model.describe() for model in self._models.all()][:MAX_LOADED],
                "inference_count": min(count, MAX_COUNT),
                "inference_p50_ms": median,
                "last_error": self._status.last_error,
            }
        )
        if self._status.heartbeat_answered():
            logger.info("the cloud answers the heartbeat")
        self._offer(answer.assignments)
        return answer.interval_seconds

    def _offer(self, assignments: tuple[Assignment, ...]) -> None:
        with self._work_to_do:
            self._waiting = {}
            for assignment in assignments:
                if self._current is not None and assignment.deployment_id == self._current.deployment_id:
                    continue
                if assignment.deployment_id in self._settled and assignment.status != "pending":
                    continue
                self._waiting[assignment.ai_module] = assignment
            self._work_to_do.notify_all()

    # The installer's loop

    def _installs(self) -> None:
        while (assignment := self._next()) is not None:
            try:
                self._settle(assignment)
            except Stopping:
                return
            finally:
                with self._work_to_do:
                    self._current = None
            self._beat_now.set()

    def _next(self) -> Assignment | None:
        with self._work_to_do:
            self._work_to_do.wait_for(lambda: self._waiting or self.stopping)
            if self.stopping:
                return None
            _, self._current = self._waiting.popitem()
            return self._current

    def _settle(self, assignment: Assignment) -> None:
        """Install until it is done, refused, dropped or replaced, and report the end."""
        logger.info("the cloud assigned %s (deployment %s)", assignment.label, assignment.deployment_id)
        try:
            if self._install_patiently(assignment):
                self._status.last_error = None
                self._report_end(assignment, "completed", 100, None)
        except Superseded as error:
            logger.info("%s is no longer wanted by the cloud, dropped: %s", assignment.label, error)
        except Stopping:
            raise
        except Refused as error:
            self._fail(assignment, str(error))
        except Exception as error:  # the boundary of a thread: whatever went wrong is reported
            logger.exception("installing %s failed", assignment.label)
            kept = self._installer.still_serving(assignment.ai_module)
            self._fail(assignment, f"The node failed while installing: {type(error).__name__}: {error}. {kept}")
        self._remember(assignment)

    def _install_patiently(self, assignment: Assignment) -> bool:
        """True when it serves, False when another assignment of the module took its place meanwhile."""
        failures = broken = 0
        while True:
            try:
                self._installer.install(assignment)
                return True
            except CloudUnreachable as error:
                problem, asked = str(error), error.retry_after
            except Retryable as error:
                broken += 1
                problem, asked = str(error), None
                if broken >= self._patience.attempts:
                    kept = self._installer.still_serving(assignment.ai_module)
                    raise Refused(f"{error} Given up after {broken} attempts. {kept}") from error
            failures += 1
            pause = self._patience.pause(failures, asked)
            logger.warning("%s: %s Trying again in %.0f s.", assignment.label, problem, pause)
            if self._replaced_within(pause, assignment):
                return False

    def _replaced_within(self, seconds: float, assignment: Assignment) -> bool:
        """Wait; True as soon as the cloud assigns something else for the same module. Raises Stopping."""
        with self._work_to_do:
            replaced = self._work_to_do.wait_for(
                lambda: self.stopping or assignment.ai_module in self._waiting, seconds
            )
        if self.stopping:
            raise Stopping
        return bool(replaced)

    def _fail(self, assignment: Assignment, sentence: str) -> None:
        logger.error("%s refused: %s", assignment.label, sentence)
        self._status.last_error = sentence
        self._report_end(assignment, "failed", 0, self._status.last_error)

    def _report_end(self, assignment: Assignment, status: str, percent: int, sentence: str | None) -> None:
        """Tell the cloud until it has heard; a cloud that refuses the report has made up its mind."""
        self._beat_now.set()
        failures = 0
        while True:
            try:
                self._cloud.report(assignment.deployment_id, status, percent, sentence)
                return
            except CloudUnreachable as error:
                failures += 1
                pause = self._patience.pause(failures, error.retry_after)
            except EdgeError as error:
                logger.info("the cloud did not take the report that %s %s: %s", assignment.label, status, error)
                return
            if self._stop.wait(pause):
                raise Stopping

    def _remember(self, assignment: Assignment) -> None:
        with self._work_to_do:
            self._settled[assignment.deployment_id] = None
            self._settled.move_to_end(assignment.deployment_id)
            while len(self._settled) > REMEMBERED:
                self._settled.popitem(last=False)
