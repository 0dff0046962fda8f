"""Plans and what is used of them, as pages show them."""

from collections.abc import Callable
from datetime import datetime
from typing import TypedDict

from app.domain.quotas import Level, in_bytes
from app.schemas.plans import PlanView, UsageView, Used

PLAN_NAMES = {"enterprise": "Enterprise", "professional": "Professional"}
_TONES = {Level.NEAR: "warning", Level.REACHED: "bad", Level.NOT_INCLUDED: "off", Level.UNLIMITED: "open"}
Write = Callable[[int], str]


class Meter(TypedDict):
    """How much of a limit is used. `tone`: plain, warning, bad, off (nothing allowed), open (no limit)."""

    key: str
    label: str
    percent: int
    amount: str
    words: str
    tone: str


class PlanRow(TypedDict):
    """A plan with its limits in words."""

    plan: str
    name: str
    jobs: str
    size: str
    models: str
    training: str


def plan_meters(item: UsageView) -> list[Meter]:
    """What an organization has used of its plan as a whole."""
    anew = f"The count begins anew on {_day(item.training_jobs.resets_at)} (UTC)."
    jobs = _meter("jobs", "Training jobs this month", item.training_jobs, item, "{:,}".format, anew)
    if item.training_jobs.level is Level.FREE:
        jobs["words"] += f" {anew}"
    return [
        jobs,
        _meter(
            "bytes", "Size of all datasets", item.dataset_bytes, item, in_bytes, "Deleting unneeded samples makes room."
        ),
    ]


def module_meters(item: UsageView) -> list[Meter]:
    """The active models of each module."""
    way_out = "Deprecating one makes room for another."
    return [
        _meter(model.ai_module, model.ai_module, model, item, "{:,}".format, way_out) for model in item.active_models
    ]


def plan_row(item: PlanView) -> PlanRow:
    """A plan with its limits in words."""
    return {
        "plan": str(item.plan),
        "name": PLAN_NAMES[item.plan],
        "jobs": _limit(item.training_jobs_per_month, "{:,}".format),
        "size": _limit(item.dataset_bytes, in_bytes),
        "models": _limit(item.active_models_per_module, "{:,}".format),
        "training": "included" if item.custom_training else "not included",
    }


def _meter(key: str, label: str, used: Used, item: UsageView, write: Write, way_out: str) -> Meter:
    """One limit in words; `way_out` says how there will be room again."""
    allowed = used.allowed or 0
    over = used.used - allowed
    words = {
        Level.UNLIMITED: "No limit.",
        Level.NOT_INCLUDED: f"Not part of the {PLAN_NAMES[item.plan]} plan.",
        Level.FREE: f"{write(-over)} left.",
        Level.NEAR: f"Nearly used up: {write(-over)} left. {way_out}",
        Level.REACHED: f"{f'{write(over)} more than the plan allows.' if over else 'Used up.'} {way_out}",
    }
    return {
        "key": key,
        "label": label,
        "percent": _percent(used.used, allowed),
        "amount": f"{write(used.used)} of {write(allowed)}" if allowed else write(used.used),
        "words": words[used.level],
        "tone": _TONES.get(used.level, "plain"),
    }


def _percent(used: int, allowed: int) -> int:
    """Full only when nothing is left, and empty only when nothing is used."""
    if not allowed:
        return 0
    return min(100, max(int(used > 0), used * 100 // allowed))


def _limit(allowed: int | None, write: Write) -> str:
    return "no limit" if allowed is None else write(allowed) if allowed else "none"


def _day(moment: datetime) -> str:
    return f"{moment.day}\N{NO-BREAK SPACE}{moment:%B %Y}"
