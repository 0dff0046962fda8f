"""What the node knows about itself right now: shared by its threads, shown by `/v1/status`, told in the heartbeat."""

import threading
from datetime import UTC, datetime
from typing import Any

MAX_SENTENCE = 1800


def clipped(sentence: str) -> str:
    """At most MAX_SENTENCE characters (the cloud takes 2,000), the middle left out: why, and what serves, both stay."""
    return sentence if len(sentence) <= MAX_SENTENCE else f"{sentence[:1400]} … {sentence[-390:]}"


def now_text() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


class NodeStatus:
    """Last heartbeat, last error and the install under way, behind one lock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last_heartbeat_at: str | None = None
        self._cloud_problem: str | None = "No heartbeat yet."
        self._last_error: str | None = None
        self._installing: dict[str, Any] | None = None

    @property
    def last_error(self) -> str | None:
        return self._last_error

    @last_error.setter
    def last_error(self, sentence: str | None) -> None:
        with self._lock:
            self._last_error = None if sentence is None else clipped(sentence)

    def heartbeat_answered(self) -> bool:
        """Note an answered heartbeat; True if the cloud had been away until now."""
        with self._lock:
            was_away, self._cloud_problem = self._cloud_problem is not None, None
            self._last_heartbeat_at = now_text()
            return was_away

    def heartbeat_failed(self, problem: str) -> bool:
        """Note a failed heartbeat; True if this problem is news."""
        with self._lock:
            is_news, self._cloud_problem = self._cloud_problem != problem, problem
            return is_news

    def installing(self, progress: dict[str, Any] | None) -> None:
        with self._lock:
            self._installing = progress

    def snapshot(self) -> dict[str, Any]:
        with self._lock:
            return {
                "last_heartbeat_at": self._last_heartbeat_at,
                "cloud": {"reachable": self._cloud_problem is None, "problem": self._cloud_problem},
                "last_error": self._last_error,
                "installing": self._installing,
            }
