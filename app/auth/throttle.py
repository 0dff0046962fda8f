"""How often a password may be guessed: by account and address, by address, and by account, within 15 minutes.

Every attempt is counted before its password is looked at, and the same way for accounts that do not exist: neither the
answer nor its time tells them apart, and attempts at the same time cannot pass a limit together. What was no failure is
taken back. Without Redis nobody is let in (503), because nobody would be counted.
"""

import hashlib

from app.domain.addresses import counted_as
from app.errors import TooManyRequests
from app.infra import counters

WINDOW_SECONDS = 15 * 60
PER_PAIR, PER_ADDRESS, PER_ACCOUNT = 10, 50, 100


class Attempt:
    """One attempt on an account from an address, counted already. `TooManyRequests` if it must not be made now."""

    def __init__(self, email: str, ip_address: str) -> None:
        account = hashlib.sha256(email.encode()).hexdigest()  # of any length, and with any characters
        place = counted_as(ip_address)
        self._pair = f"sign-in:pair:{account}:{place}"
        self._others = (f"sign-in:address:{place}", f"sign-in:account:{account}")
        limits = zip((self._pair, *self._others), (PER_PAIR, PER_ADDRESS, PER_ACCOUNT), strict=True)
        wait = counters.take(list(limits), WINDOW_SECONDS)
        if wait:
            raise TooManyRequests(
                f"Too many attempts with a wrong password. Wait {-(-wait // 60)} min, then try again.",
                retry_after=wait,
                code="sign-in-throttled",
            )

    def succeeded(self) -> None:
        """It was the right password: forget the failures of this account from this address, and this attempt."""
        counters.forget(self._pair)
        counters.give_back(self._others)
