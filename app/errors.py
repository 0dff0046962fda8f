"""What can go wrong, in words a person can act on.

Everything below the edges raises a `DomainError`; each edge (REST, dashboard, worker, edge report) translates it once.
`code` is stable and part of the public contract (it becomes the problem `type`); `status` is the HTTP status; `fields`
are extra members of the problem document. Messages say what was wrong, where, and what to do, and hold no secrets.
"""

from typing import Any, ClassVar


class DomainError(Exception):
    """Base of every expected failure."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong"

    def __init__(self, message: str, *, code: str | None = None, **fields: Any) -> None:
        super().__init__(message)
        self.message = message
        self.problem_code = code or self.code
        self.fields = fields


class Invalid(DomainError):
    """The request cannot be understood or breaks a rule of its own."""

    code, status, title = "invalid", 422, "The request is not valid"


class Unauthenticated(DomainError):
    """Nobody is signed in, or the credential is wrong, expired or revoked."""

    code, status, title = "unauthenticated", 401, "Sign in first"


class SignInFailed(DomainError):
    """Address and password are not those of an active person; which of them is wrong stays unsaid.

    The audit log gets it from where it happens, together with the address that was given.
    """

    code, status, title = "sign-in-failed", 401, "Sign-in failed"

    def __init__(self) -> None:
        super().__init__("E-mail address or password is wrong.")


class Forbidden(DomainError):
    """The actor is known and may not do this."""

    code, status, title = "forbidden", 403, "Not allowed"


class NotFound(DomainError):
    """It does not exist, or the actor must not learn that it does."""

    code, status, title = "not-found", 404, "Not found"


class Conflict(DomainError):
    """The request is sound, and the present state does not admit it."""

    code, status, title = "conflict", 409, "Conflict with the present state"


class IllegalTransition(Conflict):
    """A status may not follow the present one."""

    code, title = "illegal-transition", "This status cannot follow the present one"


class Leased(Conflict):
    """Somebody has the sample open: `holder`, who has it `until` then; `yours` if it is the caller elsewhere."""

    code, title = "leased", "Somebody has this sample open"


class LeaseLost(Conflict):
    """The lease ended, or was taken over; what was not saved is only where it was drawn."""

    code, title = "lease-lost", "The sample is no longer yours alone"


class QuotaExceeded(DomainError):
    """A limit of the plan is reached."""

    code, status, title = "quota-exceeded", 403, "A limit of the plan is reached"


class PreconditionFailed(DomainError):
    """The record is no longer the one that the caller saw."""

    code, status, title = "precondition-failed", 412, "Changed meanwhile"


class TooManyRequests(DomainError):
    """Too often in too short a time. `retry_after` (seconds) says when to come again."""

    code, status, title = "too-many-requests", 429, "Too many requests"

    def __init__(self, message: str, *, retry_after: int, code: str | None = None) -> None:
        super().__init__(message, code=code, retry_after=max(1, retry_after))


class TooLarge(DomainError):
    """The body or one of its parts is larger than allowed."""

    code, status, title = "too-large", 413, "Too large"


class Unavailable(DomainError):
    """A part that this needs does not answer; trying again later may work."""

    code, status, title = "unavailable", 503, "A part of the system does not answer"
