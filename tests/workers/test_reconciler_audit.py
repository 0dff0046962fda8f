"""The reconciler links the audit log, a bounded part of it each round, and notes the head in its log."""

import logging

import pytest

from app.services import audit_chain
from tests.services.test_audit_chain import state, verify, write
from workers import reconciler


@pytest.mark.usefixtures("database")
def test_a_round_links_what_waits_and_leaves_the_rest_of_a_backlog_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_chain, "BATCH", 2)
    monkeypatch.setattr(reconciler, "BATCHES", 2)
    write(5)
    assert [reconciler.link_once() for _ in range(3)] == [4, 1, 0]
    assert verify().problem is None


@pytest.mark.usefixtures("database")
def test_the_head_is_noted_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    write(2)
    reconciler.link_once()
    with caplog.at_level(logging.INFO, "workers.reconciler"):
        reconciler.log_head()
    assert f"audit log: 2 events linked, 0 waiting, head {state().head}" in caplog.text
