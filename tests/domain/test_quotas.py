"""Limits of plans: what is admitted, when a month ends, and what a refusal says."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.quotas import (
    Account,
    Level,
    in_bytes,
    level,
    may_release,
    may_start_job,
    may_store,
    may_train,
    month_of,
)
from app.errors import QuotaExceeded

ACME = Account("Acme Ltd", "enterprise")
BASIC = Account("Basic Ltd", "professional")
NOVEMBER = month_of(datetime(2026, 11, 24, 12, tzinfo=UTC))
COUNTS = st.integers(0, 10**13)
LIMITS = st.none() | COUNTS
MOMENTS = st.datetimes(
    min_value=datetime(2000, 1, 2),
    max_value=datetime(2200, 1, 1),
    timezones=st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours))),
)


def refusal_of(check: Callable[[], None]) -> QuotaExceeded:
    with pytest.raises(QuotaExceeded) as caught:
        check()
    return caught.value


def admits(check: Callable[[], None]) -> bool:
    try:
        check()
    except QuotaExceeded:
        return False
    return True


@given(used=COUNTS, allowed=LIMITS)
def test_one_more_is_admitted_exactly_while_it_stays_within(used: int, allowed: int | None) -> None:
    within = allowed is None or used + 1 <= allowed
    assert admits(lambda: may_start_job(ACME, used, allowed, NOVEMBER)) is within
    assert admits(lambda: may_release(ACME, "meter_digits", used, allowed)) is within


@given(used=COUNTS, more=st.integers(1, 10**12), allowed=LIMITS)
def test_files_are_admitted_exactly_while_they_fit(used: int, more: int, allowed: int | None) -> None:
    assert admits(lambda: may_store(ACME, used, more, allowed)) is (allowed is None or used + more <= allowed)


def test_files_may_fill_the_last_byte_and_not_one_more() -> None:
    may_store(ACME, 9_999_999_000, 1_000, 10_000_000_000)
    assert not admits(lambda: may_store(ACME, 9_999_999_000, 1_001, 10_000_000_000))


def test_places_for_uploads_are_refused_only_where_nothing_fits() -> None:
    may_store(ACME, 9_999_999_999, 0, 10_000_000_000)
    assert not admits(lambda: may_store(ACME, 10_000_000_000, 0, 10_000_000_000))


@given(MOMENTS)
def test_month_holds_its_moment_and_ends_where_the_next_begins(now: datetime) -> None:
    month = month_of(now)
    assert month.begins <= now < month.ends
    assert (month.begins.day, month.ends.day, month.begins.utcoffset()) == (1, 1, timedelta(0))
    assert month_of(month.ends).begins == month.ends
    assert month_of(month.ends - timedelta(microseconds=1)) == month


def test_month_is_that_of_utc_and_december_is_followed_by_january() -> None:
    new_year_in_tokyo = datetime(2027, 1, 1, 8, tzinfo=timezone(timedelta(hours=9)))
    month = month_of(new_year_in_tokyo)
    assert (month.begins, month.ends) == (datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("used", "allowed", "expected"),
    [
        (7, None, Level.UNLIMITED),
        (0, 0, Level.NOT_INCLUDED),
        (3, 0, Level.NOT_INCLUDED),
        (0, 10, Level.FREE),
        (7, 10, Level.FREE),
        (8, 10, Level.NEAR),
        (4, 5, Level.NEAR),
        (10, 10, Level.REACHED),
        (11, 10, Level.REACHED),
    ],
)
def test_level_says_how_near_a_limit_is(used: int, allowed: int | None, expected: Level) -> None:
    assert level(used, allowed) is expected


@given(used=COUNTS, allowed=LIMITS)
def test_level_is_reached_exactly_when_nothing_more_is_admitted(used: int, allowed: int | None) -> None:
    shut = level(used, allowed) in (Level.REACHED, Level.NOT_INCLUDED)
    assert shut is not admits(lambda: may_start_job(ACME, used, allowed, NOVEMBER))


def test_refused_job_says_which_limit_how_much_and_until_when() -> None:
    refusal = refusal_of(lambda: may_start_job(ACME, 10, 10, NOVEMBER))
    assert refusal.message == (
        "Acme Ltd has used 10 of the 10 training jobs that the Enterprise plan allows each month. The count begins "
        "anew on 1 December 2026 at 00:00 UTC. Wait until then, cancel a job that no worker has taken yet, or have a "
        "super admin raise the limit of the plan."
    )
    assert refusal.fields == {
        "limit": "training_jobs_per_month",
        "used": 10,
        "allowed": 10,
        "resets_at": "2026-12-01T00:00:00Z",
    }


def test_refused_files_say_how_much_is_wanted_and_left() -> None:
    refusal = refusal_of(lambda: may_store(ACME, 9_999_600_000, 500_000, 10_000_000_000))
    assert refusal.message.startswith("These files have 500 kB and only 400 kB are left: Acme Ltd has used 9.99 GB of")
    assert refusal.fields == {
        "limit": "dataset_bytes",
        "used": 9_999_600_000,
        "allowed": 10_000_000_000,
        "resets_at": None,
    }


def test_refused_release_names_the_module_and_the_way_out() -> None:
    refusal = refusal_of(lambda: may_release(ACME, "meter_digits", 5, 5))
    assert "5 of the 5 active models" in refusal.message
    assert "versions of meter_digits are released" in refusal.message
    assert "Deprecate one" in refusal.message
    assert (refusal.fields["limit"], refusal.fields["ai_module"]) == ("active_models_per_module", "meter_digits")
    assert refusal.fields["resets_at"] is None


REFUSALS: dict[str, Callable[[], None]] = {
    "custom_training": lambda: may_train(BASIC, custom_training=False),
    "training_jobs_per_month": lambda: may_start_job(BASIC, 0, 0, NOVEMBER),
    "dataset_bytes": lambda: may_store(BASIC, 0, 1, 0),
    "active_models_per_module": lambda: may_release(BASIC, "meter_digits", 0, 0),
}


@pytest.mark.parametrize("limit", REFUSALS)
def test_plan_that_includes_nothing_says_so_instead_of_counting(limit: str) -> None:
    refusal = refusal_of(REFUSALS[limit])
    assert "Professional plan of Basic Ltd" in refusal.message
    assert not re.search(r"\b0\b", refusal.message)
    assert (refusal.fields["limit"], refusal.fields["used"], refusal.fields["allowed"]) == (limit, 0, 0)


def test_custom_training_passes_where_the_plan_has_it() -> None:
    may_train(ACME, custom_training=True)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1_000, "1 kB"),
        (12_345, "12.3 kB"),
        (9_999_999_999, "9.99 GB"),
        (10_000_000_000, "10 GB"),
        (1_234_000_000_000, "1,234 GB"),
    ],
)
def test_bytes_are_said_with_three_digits_and_never_more_than_there_are(count: int, text: str) -> None:
    assert in_bytes(count) == text


@given(st.integers(0, 10**15))
def test_wanted_is_never_said_smaller_than_what_is_there(count: int) -> None:
    def read(text: str) -> float:
        amount, unit = text.replace(",", "").split()
        return float(amount) * {"kB": 1e3, "MB": 1e6, "GB": 1e9}.get(unit, 1)

    slack = count * 1e-9
    assert read(in_bytes(count)) <= count + slack
    assert read(in_bytes(count, up=True)) >= count - slack
