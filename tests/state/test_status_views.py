"""The status page's rows: whose age is told how, and what an edge server's report becomes."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.schemas.status import EdgeStatusView, JobStatusView
from app.tables.base import utcnow
from state.views import status_edge, status_job

NOW = utcnow()
NEVER = {"as_of": None, "age_seconds": None, "is_stale": False}
HEARD = {"as_of": NOW, "age_seconds": 0, "is_stale": False}


def job(**changed: Any) -> JobStatusView:
    values = {
        "id": UUID(int=1), "organization_id": None, "name": "night run", "ai_module": "meter_digits",
        "status": "running", "progress_percent": 40, "current_epoch": 2, "total_epochs": 5,
        "estimated_completion": NOW, "completed_at": None, "error_message": None, **HEARD,
    }  # fmt: skip
    return JobStatusView.model_validate({**values, **changed})


def edge(**changed: Any) -> EdgeStatusView:
    values = {
        "id": 7, "organization_id": None, "name": "edge", "site": "", "health": "ok", "is_revoked": False,
        "last_error": None, "models": [], "more_models": 0, "deployments": [], **HEARD,
    }  # fmt: skip
    return EdgeStatusView.model_validate({**values, **changed})


@pytest.mark.parametrize(
    ("status", "word", "stale_after", "has_eta"),
    [("running", "as of", 20, True), ("queued", "queued", 0, False), ("completed", "ended", 0, False)],
)
def test_only_what_runs_grows_stale(status: str, word: str, stale_after: int, has_eta: bool) -> None:
    row = status_job(job(status=status), 20)
    assert (row["word"], row["stale_after"], bool(row["eta"])) == (word, stale_after, has_eta)


def test_the_age_of_what_is_over_counts_from_its_end() -> None:
    ended = NOW - timedelta(hours=3)
    assert status_job(job(status="failed", completed_at=ended), 20)["as_of"] == ended.isoformat()


def test_a_revoked_edge_server_is_not_expected_to_say_anything() -> None:
    assert status_edge(edge(), 30)["stale_after"] == 30
    assert status_edge(edge(is_revoked=True), 30)["stale_after"] == 0
    assert status_edge(edge(**NEVER, health="never"), 30)["as_of"] == ""


@pytest.mark.parametrize(("released", "verdict"), [(True, "same"), (False, "different"), (None, "unknown")])
def test_a_loaded_digest_is_the_released_one_another_or_unknown(released: bool | None, verdict: str) -> None:
    model = {
        "ai_module": "meter_digits", "version": "1.0.0", "model_version_id": UUID(int=2), "bundle_sha256": "0" * 64,
        "loaded_at": NOW, "is_released_digest": released,
    }  # fmt: skip
    row = status_edge(edge(models=[model], more_models=2), 30)
    assert row["models"] == [{"title": "meter_digits 1.0.0", "verdict": verdict}]
    assert row["more_models"] == "and 2 more"
