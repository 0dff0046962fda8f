"""What a plan allows an organization: how near a limit is, when it begins anew, and its refusal in words.

A limit of None is no limit. Limits bind the records of an organization, whoever asks, and never global ones. Only the
number of training jobs begins anew (with each calendar month, UTC); the others count what is there now. Counting is
done in `app/services/usage.py`, which sees to it that nobody else counts at the same moment.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from enum import StrEnum
from typing import Any

from app.errors import QuotaExceeded

NEAR_PERCENT = 80
_UNITS = (("GB", 9), ("MB", 6), ("kB", 3))
_CHANGE = "A super admin can change the organization's plan."
_RAISE = "have a super admin raise the limit of the plan"


class Limit(StrEnum):
    """What a plan limits; the names are those of the table `plans`."""

    TRAINING_JOBS = "training_jobs_per_month"
    DATASET_BYTES = "dataset_bytes"
    ACTIVE_MODELS = "active_models_per_module"
    CUSTOM_TRAINING = "custom_training"


class Level(StrEnum):
    """How near a limit is."""

    UNLIMITED = "unlimited"
    NOT_INCLUDED = "not_included"
    FREE = "free"
    NEAR = "near"
    REACHED = "reached"


@dataclass(frozen=True)
class Account:
    """Whose limits are asked about: the names of an organization and of its plan."""

    organization: str
    plan: str

    @property
    def plan_name(self) -> str:
        """The plan as people call it."""
        return f"{self.plan.capitalize()} plan"


@dataclass(frozen=True)
class Month:
    """A calendar month in UTC: from `begins` on, up to and without `ends`."""

    begins: datetime
    ends: datetime


def month_of(now: datetime) -> Month:
    """The calendar month of `now`, which may come in any zone."""
    here = now.astimezone(UTC)
    begins = datetime(here.year, here.month, 1, tzinfo=UTC)
    return Month(begins, datetime(here.year + here.month // 12, here.month % 12 + 1, 1, tzinfo=UTC))


def level(used: int, allowed: int | None) -> Level:
    """How near `used` is to `allowed`."""
    if allowed is None:
        return Level.UNLIMITED
    if used >= allowed:
        return Level.REACHED if allowed else Level.NOT_INCLUDED
    return Level.NEAR if used * 100 >= allowed * NEAR_PERCENT else Level.FREE


def may_train(account: Account, *, custom_training: bool) -> None:
    """Raise `QuotaExceeded` if the plan has no training on an organization's own datasets."""
    if not custom_training:
        raise _refusal(
            f"Training on its own datasets is not part of the {account.plan_name} of {account.organization}. Train on "
            f"a global dataset instead. {_CHANGE}",
            Limit.CUSTOM_TRAINING,
        )


def may_start_job(account: Account, used: int, allowed: int | None, month: Month) -> None:
    """Raise `QuotaExceeded` if one more training job would be more than the month's share."""
    if allowed is None or used < allowed:
        return
    if not allowed:
        raise _not_included(account, "training jobs", Limit.TRAINING_JOBS, used, resets_at=month.ends)
    raise _refusal(
        f"{account.organization} has used {used} of the {allowed} training jobs that the {account.plan_name} allows "
        f"each month. The count begins anew on {_day(month.ends)} at 00:00 UTC. Wait until then, cancel a job that no "
        f"worker has taken yet, or {_RAISE}.",
        Limit.TRAINING_JOBS,
        used,
        allowed,
        resets_at=month.ends,
    )


def may_store(account: Account, used: int, more: int, allowed: int | None) -> None:
    """Raise `QuotaExceeded` if `more` bytes would be more than all datasets together may have.

    With `more` = 0: if there is no room for a single byte.
    """
    if allowed is None or used + max(more, 1) <= allowed:
        return
    if not allowed:
        raise _not_included(account, "datasets", Limit.DATASET_BYTES, used)
    left = max(0, allowed - used)
    wanted = f"These files have {in_bytes(more, up=True)} and only {in_bytes(left)} are left: " if more and left else ""
    raise _refusal(
        f"{wanted}{account.organization} has used {in_bytes(used)} of the {in_bytes(allowed)} that the "
        f"{account.plan_name} allows for all its datasets together. This does not begin anew with time. Delete "
        f"samples that are no longer needed, or {_RAISE}.",
        Limit.DATASET_BYTES,
        used,
        allowed,
    )


def may_release(account: Account, ai_module: str, used: int, allowed: int | None) -> None:
    """Raise `QuotaExceeded` if one more released version of the module would be more than allowed."""
    if allowed is None or used < allowed:
        return
    if not allowed:
        raise _not_included(account, "active models", Limit.ACTIVE_MODELS, used, ai_module=ai_module)
    raise _refusal(
        f"{account.organization} has used {used} of the {allowed} active models that the {account.plan_name} allows "
        f"for each module: so many versions of {ai_module} are released. This does not begin anew with time. Deprecate "
        f"one that is no longer needed, or {_RAISE}.",
        Limit.ACTIVE_MODELS,
        used,
        allowed,
        ai_module=ai_module,
    )


def in_bytes(count: int, *, up: bool = False) -> str:
    """A number of bytes that a person can read, to three digits.

    Rounded down, so that nothing seems full before it is and no more seems to be left than there is; `up` for what is
    wanted.
    """
    for unit, zeros in _UNITS:
        if count >= 10**zeros:
            amount = Decimal(count).scaleb(-zeros)
            places = Decimal(1).scaleb(min(0, amount.adjusted() - 2))
            return f"{_plain(amount.quantize(places, ROUND_CEILING if up else ROUND_FLOOR))} {unit}"
    return "1 byte" if count == 1 else f"{count} bytes"


def _plain(amount: Decimal) -> str:
    text = f"{amount:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y}"


def _not_included(account: Account, what: str, limit: Limit, used: int, **more: Any) -> QuotaExceeded:
    message = f"The {account.plan_name} of {account.organization} includes no {what}. {_CHANGE}"
    return _refusal(message, limit, used, 0, **more)


def _refusal(
    message: str, limit: Limit, used: int = 0, allowed: int = 0, *, resets_at: datetime | None = None, **more: Any
) -> QuotaExceeded:
    begins = resets_at.isoformat().replace("+00:00", "Z") if resets_at else None
    return QuotaExceeded(message, limit=str(limit), used=used, allowed=allowed, resets_at=begins, **more)
