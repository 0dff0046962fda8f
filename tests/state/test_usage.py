"""Usage and plans in the words of the page, and what the plan form makes of what a person typed."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from app.domain.permissions import Plan
from app.domain.quotas import level
from app.schemas.plans import JobsUsed, ModelsUsed, PlanUpdate, PlanView, UsageView, Used
from state.usage import _bytes
from state.views.usage import Meter, module_meters, plan_meters, plan_row

DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)
ANEW = "The count begins anew on 1\N{NO-BREAK SPACE}December 2026 (UTC)."


def usage(jobs: int, allowed: int | None, size: int = 0, room: int | None = 10**10, models: int = 0) -> UsageView:
    return UsageView(
        organization_id=1,
        organization="Acme Ltd",
        plan=Plan.ENTERPRISE,
        custom_training=True,
        training_jobs=JobsUsed(used=jobs, allowed=allowed, level=level(jobs, allowed), resets_at=DECEMBER),
        dataset_bytes=Used(used=size, allowed=room, level=level(size, room)),
        active_models_allowed=5,
        active_models=[ModelsUsed(ai_module="seals", used=models, allowed=5, level=level(models, 5))],
        more_modules=0,
    )


def jobs_meter(used: int, allowed: int | None) -> Meter:
    return plan_meters(usage(used, allowed))[0]


@pytest.mark.parametrize(
    ("used", "allowed", "amount", "words", "tone"),
    [
        (0, 10, "0 of 10", f"10 left. {ANEW}", "plain"),
        (8, 10, "8 of 10", f"Nearly used up: 2 left. {ANEW}", "warning"),
        (10, 10, "10 of 10", f"Used up. {ANEW}", "bad"),
        (1_200, 1_000, "1,200 of 1,000", f"200 more than the plan allows. {ANEW}", "bad"),
        (0, 0, "0", "Not part of the Enterprise plan.", "off"),
        (7, None, "7", "No limit.", "open"),
    ],
)
def test_meter_says_in_words_what_its_colour_says(
    used: int, allowed: int | None, amount: str, words: str, tone: str
) -> None:
    shown = jobs_meter(used, allowed)
    assert (shown["amount"], shown["words"], shown["tone"]) == (amount, words, tone)


def test_bar_is_full_only_when_nothing_is_left_and_empty_only_when_nothing_is_used() -> None:
    percents = [jobs_meter(used, 1_000)["percent"] for used in (0, 1, 999, 1_000, 2_000)]
    assert percents == [0, 1, 99, 100, 100]
    assert [jobs_meter(5, allowed)["percent"] for allowed in (0, None)] == [0, 0]


def test_what_lasts_says_how_there_will_be_room_again() -> None:
    item = usage(0, 10, size=9_000_000_000, models=5)
    size, (seals,) = plan_meters(item)[1], module_meters(item)
    assert size["amount"] == "9 GB of 10 GB"
    assert size["words"] == "Nearly used up: 1 GB left. Deleting unneeded samples makes room."
    assert seals["words"] == "Used up. Deprecating one makes room for another."


def test_plan_says_none_and_no_limit_apart() -> None:
    limits = {"training_jobs_per_month": 0, "dataset_bytes": None, "active_models_per_module": 5}
    row = plan_row(PlanView(plan=Plan.PROFESSIONAL, **limits, custom_training=False, updated_at=DECEMBER))
    assert (row["name"], row["jobs"], row["size"], row["models"]) == ("Professional", "none", "no limit", "5")
    assert row["training"] == "not included"


@pytest.mark.parametrize(
    ("typed", "expected"), [("", None), ("10", 10**10), ("8.25", 8_250_000_000), ("1e-9", 1), ("0", 0)]
)
def test_gigabytes_are_bytes(typed: str, expected: int | None) -> None:
    assert _bytes(typed) == expected


@pytest.mark.parametrize("typed", ["much", "NaN", "sNaN", "Infinity", "1e999999", "-1e400000", "-1", "1e9", "٣x"])
def test_what_is_no_size_is_refused_as_it_was_typed(typed: str) -> None:
    others = {"training_jobs_per_month": 1, "active_models_per_module": 1, "custom_training": True}
    with pytest.raises(ValidationError, match="dataset_bytes"):
        PlanUpdate.model_validate({"dataset_bytes": _bytes(typed), **others})
