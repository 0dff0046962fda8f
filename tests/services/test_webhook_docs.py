"""docs/webhooks.md: its verification works on what is really sent, and it speaks of every event and every pause."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.domain.webhooks import BACKOFF, PING, EventType
from app.infra.db import transaction
from app.infra.outbound import Outbound
from app.services import webhook_deliveries
from app.settings import get_settings
from app.tables.base import utcnow
from tests.support.hooks import attempt, make_webhook
from tests.support.people import Person
from tests.support.receiver import Received, Receiver, receiver

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "webhooks.md").read_text()
Verify = Callable[[str, dict[str, str], bytes], None]


@pytest.fixture
def verify() -> Verify:
    """The function that the document shows."""
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT, re.S)
    assert len(code.splitlines()) <= 15
    names: dict[str, Verify] = {}
    exec(code, names)  # type: ignore[arg-type]
    return names["verify"]


@pytest.fixture
def inbox(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("TRAINYARD_WEBHOOK_ALLOW_PRIVATE", "true")
    get_settings.cache_clear()
    with receiver() as started:
        yield started


@pytest.fixture
def sent(inbox: Receiver, super_admin: Person) -> tuple[str, Received]:
    """A secret, and a message that was really signed with it."""
    made = make_webhook(super_admin, inbox.url)
    with transaction() as session:
        delivery = webhook_deliveries.ping(session, super_admin.actor, made.webhook.id).id
    assert attempt(delivery, utcnow(), Outbound(allow_private=True)) == "delivered"
    return made.secret, inbox.got[0]


def test_documented_verification_accepts_what_is_sent(verify: Verify, sent: tuple[str, Received]) -> None:
    secret, got = sent
    verify(secret, got.headers, got.body)
    rotating = {**got.headers, "webhook-signature": f"v1,AAAA {got.headers['webhook-signature']}"}
    verify(secret, rotating, got.body)


def test_documented_verification_refuses_forgeries_and_repetitions(verify: Verify, sent: tuple[str, Received]) -> None:
    secret, got = sent
    old = str(int(time.time()) - 301)
    forgeries = [
        (secret, got.headers, got.body + b" "),
        (secret.replace("whsec_", "whsec_AAAA"), got.headers, got.body),
        (secret, {**got.headers, "webhook-id": "other"}, got.body),
        (secret, {**got.headers, "webhook-timestamp": old}, got.body),
        (secret, {**got.headers, "webhook-signature": "v1,"}, got.body),
    ]
    for forged in forgeries:
        with pytest.raises(ValueError, match="this message"):
            verify(*forged)


def test_document_speaks_of_every_event_and_every_pause() -> None:
    assert set(re.findall(r"`([a-z_]+\.[a-z]+)`", DOCUMENT)) - {"server.key"} == {*EventType, PING}
    units = {"s": 1, "min": 60, "h": 3600}
    (line,) = re.findall(r"\*\*Tried again\*\* after (.*?) \(", DOCUMENT)
    pauses = [int(number) * units[unit] for number, unit in re.findall(r"(\d+) (s|min|h)\b", line)]
    assert pauses == [pause.total_seconds() for pause in BACKOFF]
