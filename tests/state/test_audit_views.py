"""The audit log in words: actions, what changed, the chain; and which moments the days of a search mean."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.schemas.audit import AuditView, ChainView
from state.audit import asked
from state.views.audit import MOST_CHANGES, MOST_CHARACTERS, audit_row, chain_words, changes, noun, words

EVENT: dict[str, Any] = {
    "id": 7,
    "occurred_at": datetime(2026, 11, 24, tzinfo=UTC),
    "outcome": "done",
    "actor": "ada@example.test",
    "actor_user_id": 1,
    "action": "training_job.cancel",
    "subject_type": "training_jobs",
    "subject_id": "abc",
    "organization_id": 3,
    "before": {"status": "running"},
    "after": {"status": "cancelled"},
    "request_id": "r",
    "ip_address": "192.0.2.7",
}


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ("training_job.cancel", "Training job: cancel"),
        ("api.create_job", "Tried over the API: create job"),
        ("event.JobsState.cancel", "Tried in the dashboard: cancel"),
    ],
)
def test_action_is_said_in_words(action: str, said: str) -> None:
    assert words(action) == said


@pytest.mark.parametrize(
    ("table", "said"),
    [("training_jobs", "Training job"), ("ai_model_versions", "Model version"), ("api_tokens", "Api token")],
)
def test_table_is_said_as_one_of_its_rows(table: str, said: str) -> None:
    assert noun(table) == said


def test_change_tells_what_was_and_what_became() -> None:
    told = changes({"name": "a", "gone": 1, "note": None}, {"name": "b", "note": "", "list": ["é"]})
    assert told == [
        {"name": "name", "before": "a", "after": "b"},
        {"name": "note", "before": "–", "after": "–"},
        {"name": "list", "before": "", "after": '["é"]'},
        {"name": "gone", "before": "1", "after": "–"},
    ]


def test_change_is_bounded_however_much_an_event_holds() -> None:
    told = changes({}, {f"field {number}": "x" * 10_000 for number in range(1000)})
    assert len(told) == MOST_CHANGES
    assert len(told[0]["after"]) == MOST_CHARACTERS + 1


@pytest.mark.parametrize(
    ("other", "href"),
    [
        ({}, "/jobs/abc"),
        ({"subject_type": "training_datasets", "action": "dataset.delete"}, ""),
        ({"subject_type": "user_sessions"}, ""),
    ],
)
def test_subject_leads_to_its_page_if_there_is_one(other: dict[str, str], href: str) -> None:
    assert audit_row(AuditView(**{**EVENT, **other}), {3: "Acme"})["href"] == href


@pytest.mark.parametrize(
    ("length", "waiting", "said"),
    [
        (0, 2, "No event is linked yet."),
        (1, 0, "1 event, all linked"),
        (12_345, 0, "12,345 events, all linked"),
        (12_345, 6, "12,345 events linked, 6 more in a few seconds"),
    ],
)
def test_chain_is_told_in_a_line(length: int, waiting: int, said: str) -> None:
    assert chain_words(ChainView(length=length, head="0" * 64, waiting=waiting)) == said


def test_days_of_a_search_are_those_of_utc_and_the_last_counts_whole() -> None:
    assert asked({"since": "2026-11-01", "until": "2026-11-30", "actor": "", "action": "x."}) == {
        "since": datetime(2026, 11, 1, tzinfo=UTC),
        "until": datetime(2026, 12, 1, tzinfo=UTC),
        "action": "x.",
    }


@pytest.mark.parametrize("text", ["yesterday", "0001-01-01", "9999-12-31", "2026-11-24T10:00:00Z"])
def test_what_is_no_day_is_left_to_the_filter(text: str) -> None:
    assert asked({"until": text}) == {"until": text}
