"""SIGINT, SIGTERM and SIGHUP as an orderly end.

Python's default for SIGTERM skips every `finally`, and a shell that starts a program with `&` makes it ignore SIGINT;
both would leave servers running. The first signal raises `SystemExit(128 + n)` in the main thread, so that `with`
blocks stop their children; the next ones are handed to `impatient`, which shortens the waiting.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
impatient = threading.Event()
_ending = threading.Event()


def _on_signal(number: int, _frame: FrameType | None) -> None:
    if _ending.is_set():
        impatient.set()
        return
    _ending.set()
    raise SystemExit(128 + number)


@contextmanager
def exit_on_signals() -> Iterator[None]:
    """Inside, an ending signal raises SystemExit once; a second one cuts the grace of children short.

    Does nothing outside the main thread, where Python has no say in signals, and nothing when already in force.
    """
    in_force = signal.getsignal(signal.SIGTERM) is _on_signal
    if in_force or threading.current_thread() is not threading.main_thread():
        yield
        return
    nohup = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    caught = [number for number in ENDING if not (nohup and number == signal.SIGHUP)]
    before = {number: signal.signal(number, _on_signal) for number in caught}
    _ending.clear()
    impatient.clear()
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
