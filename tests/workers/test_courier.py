"""The courier as a process: it delivers, it may be killed at any moment, and it is small."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import UUID

import pytest
from sqlmodel import select

from app.infra.db import transaction
from app.infra.queue import get_redis
from app.schemas.webhooks import WebhookCreated
from app.services import webhook_deliveries
from app.settings import get_settings
from app.tables import WebhookDelivery
from app.tables.base import utcnow
from tests.support.hooks import make_webhook
from tests.support.people import Person
from tests.support.receiver import Receiver, receiver, status
from tests.support.servers import Servers
from tests.support.waiting import wait_for
from workers.reconciler import enqueue_deliveries_once

ROOT = Path(__file__).resolve().parents[2]
Start = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture
def inbox(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("TRAINYARD_WEBHOOK_ALLOW_PRIVATE", "true")
    get_settings.cache_clear()
    with receiver() as started:
        yield started


@pytest.fixture
def hook(inbox: Receiver, super_admin: Person) -> WebhookCreated:
    return make_webhook(super_admin, inbox.url)


@contextmanager
def courier(environment: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """`python -m workers.courier` until the block ends."""
    process = subprocess.Popen([sys.executable, "-m", "workers.courier"], cwd=ROOT, env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait(15)


@pytest.fixture
def start(stack: Servers, database: str, inbox: Receiver) -> Iterator[Start]:
    """`start()`: a new courier on the test's servers."""
    settings = {**stack.settings_for(database), "TRAINYARD_WEBHOOK_ALLOW_PRIVATE": "true"}
    with ExitStack() as running:
        yield lambda: running.enter_context(courier({**os.environ, **settings}))


def ping(person: Person, hook: WebhookCreated) -> UUID:
    with transaction() as session:
        return webhook_deliveries.ping(session, person.actor, hook.webhook.id).id


def statuses() -> list[str]:
    with transaction() as session:
        return list(session.exec(select(WebhookDelivery.status)))


def reasons() -> list[str | None]:
    with transaction() as session:
        return list(session.exec(select(WebhookDelivery.error)))


def all_due_now() -> None:
    """As if the lease of a lost courier, or the pause before a retry, were over."""
    with transaction() as session:
        for row in session.exec(select(WebhookDelivery).where(WebhookDelivery.status == "pending").with_for_update()):
            row.next_attempt_at = utcnow()


def test_courier_delivers_what_the_queue_holds_and_the_reconciler_brings_retries(
    start: Start, inbox: Receiver, hook: WebhookCreated, super_admin: Person
) -> None:
    inbox.answers = [status(500)]
    ping(super_admin, hook)
    start()
    wait_for(lambda: reasons() != [None], what="the end of the first attempt")
    all_due_now()
    assert enqueue_deliveries_once() == 1
    wait_for(lambda: statuses() == ["delivered"], what="the delivery")
    assert all(got.is_signed_with(hook.secret) for got in inbox.got)


def test_courier_killed_in_the_middle_loses_nothing(
    start: Start, inbox: Receiver, hook: WebhookCreated, super_admin: Person
) -> None:
    inbox.answers = [inbox.hang]
    ping(super_admin, hook)
    ping(super_admin, hook)
    killed = start()
    wait_for(lambda: len(inbox.got) == 1, what="the attempt that hangs")
    killed.kill()
    killed.wait(15)
    assert statuses() == ["pending", "pending"]
    all_due_now()
    enqueue_deliveries_once()
    start()
    wait_for(lambda: statuses() == ["delivered", "delivered"], what="both deliveries")
    ids = [got.headers["webhook-id"] for got in inbox.got]
    assert len(set(ids)) == 2
    assert len(ids) == 3, "the interrupted message was sent again, under its own id"


def test_emptied_redis_loses_nothing(start: Start, inbox: Receiver, hook: WebhookCreated, super_admin: Person) -> None:
    for _ in range(5):
        ping(super_admin, hook)
    get_redis().flushdb()
    start()
    assert enqueue_deliveries_once() == 5
    wait_for(lambda: statuses() == ["delivered"] * 5, what="every delivery")
    assert len({got.headers["webhook-id"] for got in inbox.got}) == len(inbox.got) == 5


def test_change_is_made_and_told_later_while_redis_is_away(
    hook: WebhookCreated, super_admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as away:
        away.setenv("TRAINYARD_REDIS_URL", "redis://127.0.0.1:1/0")
        get_settings.cache_clear()
        get_redis.cache_clear()
        ping(super_admin, hook)
    get_settings.cache_clear()
    get_redis.cache_clear()
    assert enqueue_deliveries_once() == 1


def test_couriers_import_no_torch() -> None:
    program = "import sys, workers.courier; print(sorted({'torch', 'lightning', 'reflex'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
