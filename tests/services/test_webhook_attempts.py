"""Deliveries: signed, tried again by schedule, never twice at once, and lost by nobody."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from app.domain.webhooks import BACKOFF, MAX_ATTEMPTS, EventType
from app.errors import Conflict, NotFound
from app.infra.db import transaction
from app.infra.outbound import Outbound
from app.infra.queue import WEBHOOK_QUEUE, get_redis, queue
from app.schemas.webhooks import WebhookUpdate
from app.services import webhook_attempts, webhook_deliveries, webhooks
from app.services.webhook_attempts import BREATHER, LEASE, Outcome
from app.settings import get_settings
from app.tables import Webhook, WebhookDelivery
from app.tables.base import utcnow
from tests.support.hooks import attempt, deliveries, make_webhook
from tests.support.people import Person
from tests.support.receiver import Receiver, close, receiver, status
from tests.support.waiting import together
from workers.webhooks import COURIER

NEAR = Outbound(allow_private=True, total_seconds=5.0)
HASTY = Outbound(allow_private=True, total_seconds=2)  # long enough for a busy machine to connect


@pytest.fixture
def inbox(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("TRAINYARD_WEBHOOK_ALLOW_PRIVATE", "true")
    get_settings.cache_clear()
    with receiver() as started:
        yield started


@pytest.fixture
def hook(inbox: Receiver, super_admin: Person) -> UUID:
    return make_webhook(super_admin, inbox.url, [EventType.JOB_FAILED]).webhook.id


def ping(person: Person, hook: UUID) -> UUID:
    with transaction() as session:
        return webhook_deliveries.ping(session, person.actor, hook).id


def row_of(delivery_id: UUID) -> WebhookDelivery:
    with transaction() as session:
        return session.get_one(WebhookDelivery, delivery_id)


def hook_row(hook: UUID) -> Webhook:
    with transaction() as session:
        return session.get_one(Webhook, hook)


def waiting() -> list[str]:
    return [str(job_id) for job_id in queue(WEBHOOK_QUEUE).job_ids]


def enqueue_due(now: datetime) -> int:
    with transaction() as session:
        return webhook_attempts.enqueue_due(session, COURIER, set(waiting()), now)


def test_message_arrives_signed_with_the_secret_that_was_shown(inbox: Receiver, super_admin: Person) -> None:
    made = make_webhook(super_admin, inbox.url)
    delivery, now = ping(super_admin, made.webhook.id), utcnow()
    assert attempt(delivery, now, NEAR) == "delivered"
    (got,) = inbox.got
    assert got.is_signed_with(made.secret)
    assert abs(int(got.headers["webhook-timestamp"]) - now.timestamp()) < 2
    assert got.headers["webhook-id"] == got.payload["id"] == str(row_of(delivery).message_id)
    assert got.payload["type"] == "webhook.ping"
    assert got.headers["content-type"] == "application/json"
    assert hook_row(made.webhook.id).last_delivered_at == now


def test_rotated_secret_signs_what_is_sent_from_then_on(inbox: Receiver, super_admin: Person) -> None:
    made = make_webhook(super_admin, inbox.url)
    delivery = ping(super_admin, made.webhook.id)
    with transaction() as session:
        rotated = webhooks.rotate_secret(session, super_admin.actor, made.webhook.id)
    attempt(delivery, utcnow(), NEAR)
    assert inbox.got[0].is_signed_with(rotated.secret)
    assert not inbox.got[0].is_signed_with(made.secret)


def test_failed_attempts_are_repeated_by_schedule_until_one_succeeds(
    inbox: Receiver, hook: UUID, super_admin: Person
) -> None:
    inbox.answers = [status(500), status(503)]
    delivery, now = ping(super_admin, hook), utcnow()
    for pause in BACKOFF[:2]:
        assert attempt(delivery, now, NEAR) == "pending"
        row = row_of(delivery)
        assert row.next_attempt_at == now + pause
        assert "answered 50" in (row.error or "")
        assert attempt(delivery, now + pause - timedelta(seconds=1), NEAR) is None, "too early"
        now += pause
    assert hook_row(hook).failing_since is not None
    assert attempt(delivery, now, NEAR) == "delivered"
    row = row_of(delivery)
    assert (row.attempt, row.response_status, row.error, row.completed_at) == (3, 200, None, now)
    assert hook_row(hook).failing_since is None
    assert len({got.headers["webhook-id"] for got in inbox.got}) == 1, "a receiver can tell a repetition"
    assert len({got.body for got in inbox.got}) == 1


def test_after_the_last_attempt_it_has_failed_with_a_reason(inbox: Receiver, hook: UUID, super_admin: Person) -> None:
    inbox.answers = [status(500)] * MAX_ATTEMPTS
    delivery, now = ping(super_admin, hook), utcnow()
    for pause in BACKOFF:
        assert attempt(delivery, now, NEAR) == "pending"
        now += pause
    assert attempt(delivery, now, NEAR) == "failed"
    row = row_of(delivery)
    assert (row.attempt, row.next_attempt_at) == (MAX_ATTEMPTS, None)
    assert row.error == "The receiver answered 500; a message is accepted with 200 to 299."
    assert attempt(delivery, now + timedelta(days=1), NEAR) is None
    assert len(inbox.got) == MAX_ATTEMPTS


def test_redirect_is_not_followed(inbox: Receiver, hook: UUID, super_admin: Person) -> None:
    inbox.answers = [status(302, Location=inbox.url.replace("/hook", "/secret"))]
    delivery = ping(super_admin, hook)
    assert attempt(delivery, utcnow(), NEAR) == "pending"
    assert [got.path for got in inbox.got] == ["/hook"]
    assert "Redirects are not followed" in (row_of(delivery).error or "")


def test_receiver_that_hangs_or_hangs_up_is_named_in_words(inbox: Receiver, hook: UUID, super_admin: Person) -> None:
    inbox.answers = [inbox.hang, close]
    first, second = ping(super_admin, hook), ping(super_admin, hook)
    assert attempt(first, utcnow(), HASTY) == "pending"
    assert row_of(first).error == "No answer within 2 seconds."
    assert attempt(second, utcnow() + BREATHER, NEAR) == "pending"
    assert row_of(second).error == "The connection ended before an answer came."
    assert row_of(second).response_status is None


def test_receiver_that_gives_no_answer_holds_back_its_own_messages_only(
    inbox: Receiver, hook: UUID, super_admin: Person
) -> None:
    with receiver() as other:
        theirs = ping(super_admin, make_webhook(super_admin, other.url, name="other").webhook.id)
        first, second = ping(super_admin, hook), ping(super_admin, hook)
        inbox.answers = [close]
        now = utcnow()
        attempt(first, now, NEAR)
        assert attempt(second, now, NEAR) is None
        assert attempt(theirs, now, NEAR) == "delivered"
        assert attempt(second, now + BREATHER, NEAR) == "delivered"


def test_two_couriers_never_send_the_same_attempt(inbox: Receiver, hook: UUID, super_admin: Person) -> None:
    delivery, now = ping(super_admin, hook), utcnow()
    outcomes = together(*[lambda: attempt(delivery, now, NEAR)] * 8)
    assert sorted(map(str, outcomes)) == ["None"] * 7 + ["delivered"]
    assert len(inbox.got) == 1


def test_attempt_of_a_lost_courier_is_given_up_and_counts_no_more(
    inbox: Receiver, hook: UUID, super_admin: Person
) -> None:
    delivery, now = ping(super_admin, hook), utcnow()
    with transaction() as session:
        lost = webhook_attempts.begin(session, COURIER, delivery, now)
    assert lost is not None
    assert attempt(delivery, now + LEASE - timedelta(seconds=1), NEAR) is None
    assert attempt(delivery, now + LEASE, NEAR) == "delivered"
    with transaction() as session:
        late = Outcome(1, error="The connection ended.")
        assert webhook_attempts.conclude(session, COURIER, lost, late, now + LEASE, 0.0) is None
    assert row_of(delivery).status == "delivered"


def test_courier_lost_in_the_last_attempt_leaves_a_failure_and_no_doubt(
    inbox: Receiver, hook: UUID, super_admin: Person
) -> None:
    delivery, now = ping(super_admin, hook), utcnow()
    for _ in range(MAX_ATTEMPTS):
        with transaction() as session:
            assert webhook_attempts.begin(session, COURIER, delivery, now) is not None
        now += LEASE
    assert attempt(delivery, now, NEAR) is None
    row = row_of(delivery)
    assert row.status == "failed"
    assert "whether the message arrived is not known" in (row.error or "")


def test_lost_queue_is_filled_again_and_only_once(hook: UUID, super_admin: Person) -> None:
    delivery = ping(super_admin, hook)
    assert waiting() == [f"{delivery}_0"]
    assert enqueue_due(utcnow()) == 0, "it is in the queue"
    get_redis().flushdb()
    assert enqueue_due(utcnow()) == 1
    assert waiting() == [f"{delivery}_0"]
    assert enqueue_due(utcnow()) == 0


def test_retry_is_handed_out_when_its_time_has_come(inbox: Receiver, hook: UUID, super_admin: Person) -> None:
    inbox.answers = [status(500)]
    delivery, now = ping(super_admin, hook), utcnow()
    get_redis().flushdb()
    attempt(delivery, now, NEAR)
    assert enqueue_due(now + BACKOFF[0] - timedelta(seconds=1)) == 0
    assert enqueue_due(now + BACKOFF[0]) == 1
    assert waiting() == [f"{delivery}_1"]


def test_paused_webhook_is_sent_nothing_and_loses_nothing_that_waits(
    inbox: Receiver, hook: UUID, super_admin: Person
) -> None:
    delivery, now = ping(super_admin, hook), utcnow()
    get_redis().flushdb()
    with transaction() as session:
        webhooks.update(session, super_admin.actor, hook, WebhookUpdate(is_active=False))
    assert enqueue_due(now) == 0
    assert attempt(delivery, now, NEAR) is None
    for refused in (webhook_deliveries.ping, lambda *given: webhook_deliveries.replay(*given, delivery)):
        with pytest.raises(Conflict, match="paused"), transaction() as session:
            refused(session, super_admin.actor, hook)
    with transaction() as session:
        webhooks.update(session, super_admin.actor, hook, WebhookUpdate(is_active=True))
    assert enqueue_due(now) == 1
    assert attempt(delivery, now, NEAR) == "delivered"


def test_replay_is_a_new_delivery_of_the_same_message(inbox: Receiver, hook: UUID, super_admin: Person) -> None:
    delivery = ping(super_admin, hook)
    with pytest.raises(Conflict, match="still on its way"), transaction() as session:
        webhook_deliveries.replay(session, super_admin.actor, hook, delivery)
    attempt(delivery, utcnow(), NEAR)
    with transaction() as session:
        again = webhook_deliveries.replay(session, super_admin.actor, hook, delivery)
    assert attempt(again.id, utcnow(), NEAR) == "delivered"
    assert again.id != delivery
    first, second = inbox.got
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


def test_delivery_of_another_webhook_is_not_replayed(inbox: Receiver, hook: UUID, super_admin: Person) -> None:
    other = make_webhook(super_admin, inbox.url, name="other").webhook.id
    delivery = ping(super_admin, hook)
    attempt(delivery, utcnow(), NEAR)
    for wrong in (delivery, uuid4()):
        with pytest.raises(NotFound), transaction() as session:
            webhook_deliveries.replay(session, super_admin.actor, other, wrong)


def test_deleted_webhook_takes_its_log_along_and_late_outcomes_change_nothing(hook: UUID, super_admin: Person) -> None:
    delivery, now = ping(super_admin, hook), utcnow()
    with transaction() as session:
        letter = webhook_attempts.begin(session, COURIER, delivery, now)
    with transaction() as session:
        webhooks.delete(session, super_admin.actor, hook)
    assert letter is not None
    with transaction() as session:
        assert webhook_attempts.conclude(session, COURIER, letter, Outcome(1, 200), now, 0.0) is None
    assert deliveries() == []


def test_log_goes_back_thirty_days_and_keeps_what_is_on_its_way(
    inbox: Receiver, hook: UUID, super_admin: Person
) -> None:
    done, under_way = ping(super_admin, hook), ping(super_admin, hook)
    attempt(done, utcnow(), NEAR)
    with transaction() as session:
        assert webhook_attempts.forget_old(session, COURIER, utcnow() + timedelta(days=29)) == 0
        assert webhook_attempts.forget_old(session, COURIER, utcnow() + timedelta(days=31)) == 1
    assert [row.id for row in deliveries()] == [under_way]
