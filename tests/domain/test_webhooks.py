"""Webhooks as rules: the published test of the signature, the schedule, and an event for every status."""

import base64
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import webhooks
from app.domain.machines import DeploymentStatus, JobStatus, ModelVersionStatus
from app.domain.webhooks import BACKOFF, JITTER, MAX_ATTEMPTS, EventType

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_signature_is_that_of_the_standards_own_example() -> None:
    """From the test vectors of the Standard Webhooks reference libraries, whose message id is no UUID."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    got = webhooks.signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')  # type: ignore[arg-type]
    assert got == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_headers_name_the_second_in_which_the_message_is_sent() -> None:
    key, message_id = b"k" * 32, UUID(int=7)
    headers = webhooks.headers(key, message_id, NOW + timedelta(milliseconds=900), b"{}")
    assert headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert headers["webhook-id"] == str(message_id)
    assert headers["webhook-signature"] == webhooks.signature(key, message_id, int(NOW.timestamp()), b"{}")


def test_secret_is_given_in_the_form_that_receivers_expect() -> None:
    assert webhooks.secret_text(b"\0" * 32) == "whsec_" + base64.b64encode(b"\0" * 32).decode()


@given(st.integers(1, 20), st.floats(0, 1))
def test_pauses_grow_are_stretched_by_a_fifth_at_most_and_end(attempt: int, jitter: float) -> None:
    again = webhooks.retry_at(attempt, NOW, jitter)
    if attempt >= MAX_ATTEMPTS:
        assert again is None
        return
    assert again is not None
    pause = BACKOFF[attempt - 1]
    assert pause <= again - NOW <= pause * (1 + JITTER) + timedelta(microseconds=1)
    assert list(BACKOFF) == sorted(BACKOFF)


def test_every_status_that_a_record_can_reach_is_an_event() -> None:
    events = {str(event) for event in EventType}
    reached = {f"job.{status}" for status in JobStatus} - {"job.pending"}  # a job is queued as it is created
    reached |= {f"model_version.{status}" for status in ModelVersionStatus} | {"model_version.created"}
    reached |= {f"deployment.{status}" for status in DeploymentStatus}
    assert events == reached
    assert webhooks.PING not in events


def test_body_is_the_same_whatever_the_order_of_its_fields() -> None:
    message = webhooks.message(uuid4(), EventType.JOB_FAILED, NOW, {"b": 1, "a": "ä"})
    assert webhooks.encode(message) == webhooks.encode(dict(reversed(message.items())))
    assert message["timestamp"] == "2026-11-24T12:00:00+00:00"


@pytest.mark.parametrize(("status", "accepted"), [(199, False), (200, True), (204, True), (299, True), (300, False)])
def test_only_answers_from_200_to_299_accept(status: int, accepted: bool) -> None:
    assert webhooks.was_accepted(status) is accepted


@pytest.mark.parametrize(
    ("status", "words"), [(302, "Redirects are not followed"), (410, "gone for good"), (500, "answered 500")]
)
def test_refusal_is_explained(status: int, words: str) -> None:
    assert words in webhooks.reason(status)
