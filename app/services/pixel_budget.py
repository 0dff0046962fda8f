"""How many pixels are decoded at the same time in one process: memory must not grow with the number of requests."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Two of the largest images that are accepted; decoded they take up to 4 bytes a pixel, and as much again when changed.
MOST = 128_000_000

_changed = threading.Condition()
_taken = 0


@contextmanager
def decoding(pixels: int) -> Iterator[None]:
    """Wait until `pixels` more may be decoded, and hold them until the block ends. Never nest it."""
    global _taken
    with _changed:
        # What is larger than the whole budget has its turn alone.
        _changed.wait_for(lambda: _taken == 0 or _taken + pixels <= MOST)
        _taken += pixels
    try:
        yield
    finally:
        with _changed:
            _taken -= pixels
            _changed.notify_all()
