"""What can go wrong at the edge, by what the node does about it.

Every message is a sentence that a person can act on: what was wrong, where, and what to do.
"""


class EdgeError(Exception):
    """Base of every expected error of the node."""


class Misconfigured(EdgeError):
    """The command cannot start as asked: the message goes to the terminal and the exit code is 2."""


class Refused(EdgeError):
    """The node will not load this bundle. The assignment is reported as failed and not tried again."""


class Retryable(EdgeError):
    """This attempt did not work, the next one may. Given up after a number of attempts."""


class CloudUnreachable(Retryable):
    """No usable answer from the cloud. The node waits, for as long as it takes, and goes on serving."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class CloudRefused(Retryable):
    """The cloud answered a request with a problem (RFC 9457)."""

    def __init__(self, message: str, status: int, code: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Superseded(EdgeError):
    """The cloud no longer wants this deployment: the node drops it without a report."""


class BadImage(EdgeError):
    """An image that cannot be decoded, or that is too large to be decoded safely."""


class Stopping(EdgeError):
    """The node is shutting down: what is under way ends here and is taken up again at the next start."""
