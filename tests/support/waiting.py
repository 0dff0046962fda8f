"""Waiting for a condition instead of sleeping."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")
_never = threading.Event()


def wait_for(condition: Callable[[], Value], seconds: float = 15.0, what: str = "the condition") -> Value:
    """The first true value of `condition`; fails the test when it does not come true in time."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"{what} did not come true within {seconds:g} s"
        _never.wait(0.01)


def together(*actions: Callable[[], Value], seconds: float = 60.0) -> list[Value | Exception]:
    """Run `actions` at the same moment in a thread each; what each returned or raised, in their order."""
    barrier = threading.Barrier(len(actions))
    outcomes: list[Value | Exception] = [RuntimeError("did not finish")] * len(actions)

    def run(index: int, action: Callable[[], Value]) -> None:
        barrier.wait(seconds)
        try:
            outcomes[index] = action()
        except Exception as error:  # noqa: BLE001 handed to the test
            outcomes[index] = error

    threads = [threading.Thread(target=run, args=pair, daemon=True) for pair in enumerate(actions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds)
    return outcomes
