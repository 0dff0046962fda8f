"""Webhooks and their deliveries as pages show them."""

from collections.abc import Mapping
from typing import TypedDict
from urllib.parse import urlsplit

from app.domain.machines import DeliveryStatus
from app.domain.webhooks import MAX_ATTEMPTS, PING, EventType
from app.schemas.webhooks import WebhookDeliveryView, WebhookView
from state.views.words import iso

NOUNS = {"job": "Training jobs", "model_version": "Model versions", "deployment": "Deployments"}
# Everything that can be told, as a form offers it: noun, then event and its word.
EVENT_CHOICES: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = tuple(
    (title, tuple((str(event), event.split(".")[1]) for event in EventType if event.startswith(f"{noun}.")))
    for noun, title in NOUNS.items()
)


class WebhookRow(TypedDict):
    """A webhook. `state`: active, failing or paused."""

    id: str
    name: str
    url: str
    host: str
    owner: str
    events: list[str]
    told: str
    state: str
    is_active: bool
    failing_since: str
    last_delivered_at: str
    created_at: str


class DeliveryRow(TypedDict):
    """A message on its way. `next_at` is empty when there will be no further attempt."""

    id: str
    event: str
    message: str
    status: str
    reason: str
    attempts: str
    next_at: str
    answer: str
    created_at: str
    can_replay: bool


NO_WEBHOOK: WebhookRow = {
    "id": "",
    "name": "",
    "url": "",
    "host": "",
    "owner": "",
    "events": [],
    "told": "",
    "state": "",
    "is_active": True,
    "failing_since": "",
    "last_delivered_at": "",
    "created_at": "",
}


def webhook_row(hook: WebhookView, organizations: Mapping[int, str]) -> WebhookRow:
    """A webhook; `organizations` are the names of those that are known."""
    owner = hook.organization_id
    state = ("failing" if hook.failing_since else "active") if hook.is_active else "paused"
    return {
        "id": str(hook.id),
        "name": hook.name,
        "url": hook.url,
        "host": urlsplit(hook.url).netloc,
        "owner": "All records" if owner is None else organizations.get(owner, f"Organization {owner}"),
        "events": [str(event) for event in hook.events],
        "told": _told(hook.events),
        "state": state,
        "is_active": hook.is_active,
        "failing_since": iso(hook.failing_since),
        "last_delivered_at": iso(hook.last_delivered_at),
        "created_at": iso(hook.created_at),
    }


def delivery_row(item: WebhookDeliveryView) -> DeliveryRow:
    """A delivery in words."""
    pending = item.status is DeliveryStatus.PENDING
    delivered = item.status is DeliveryStatus.DELIVERED
    tried = "1 attempt" if item.attempt == 1 else f"{item.attempt} attempts"
    return {
        "id": str(item.id),
        "event": event_words(item.event_type),
        "message": str(item.message_id),
        "status": str(item.status),
        "reason": item.error or "",
        "attempts": tried if delivered else f"{item.attempt} of {MAX_ATTEMPTS} attempts",
        "next_at": iso(item.next_attempt_at) if pending and item.attempt else "",
        "answer": _answer(item),
        "created_at": iso(item.created_at),
        "can_replay": not pending,
    }


def _answer(item: WebhookDeliveryView) -> str:
    """What came back last, and how long it took."""
    if item.duration_ms is None:
        return "not tried yet" if item.attempt == 0 else "under way"
    answer = "no answer" if item.response_status is None else f"answer {item.response_status}"
    return f"{answer} after {item.duration_ms:,} ms"


def event_words(event_type: str) -> str:
    """`model_version.created` as a person says it."""
    if event_type == PING:
        return "Test message"
    noun, _, status = event_type.partition(".")
    return f"{noun.replace('_', ' ').capitalize()} {status}"


def _told(events: list[EventType]) -> str:
    """How many of which events, in a line."""
    if len(events) == len(EventType):
        return "everything"
    counts = {noun: sum(event.startswith(f"{noun}.") for event in events) for noun in NOUNS}
    return ", ".join(f"{NOUNS[noun].lower()} ({count})" for noun, count in counts.items() if count)
