"""Webhooks and their deliveries as callers send and see them (docs/webhooks.md)."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from app.domain.machines import DeliveryStatus
from app.domain.webhooks import EventType
from app.schemas.base import UUID, DatabaseId, Name, Request, Sorted, View, datetime, sort_field

WebhookSort = Literal["created_at", "-created_at"]


def _each_once(events: list[EventType]) -> list[EventType]:
    return [event for event in EventType if event in events]


Url = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=2000),
    Field(description="https, without user name, password and # part; it must not lead into a private network"),
]
Events = Annotated[
    list[EventType],
    Field(min_length=1, max_length=len(EventType), description="What to tell of"),
    AfterValidator(_each_once),
]


class WebhookCreate(Request):
    """A new webhook. Without an organization it is told of every record, with one of that organization's only."""

    name: Name
    url: Url
    events: Events
    organization_id: DatabaseId | None = None


class WebhookUpdate(Request):
    """What to change; an absent field stays. A webhook that is not active is sent nothing."""

    name: Name | None = None
    url: Url | None = None
    events: Events | None = None
    is_active: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _no_nulls(cls, given: Any) -> Any:
        if isinstance(given, dict) and (empty := [name for name, value in given.items() if value is None]):
            raise ValueError(f"{', '.join(map(str, empty))}: leave a field out instead of sending null")
        return given


class WebhookFilter(Sorted):
    """Which webhooks to list, and in which order."""

    organization_id: DatabaseId | None = None
    is_active: bool | None = None
    sort: WebhookSort = sort_field()


class WebhookView(View):
    """A webhook, without its secret. `failing_since` is the first failed attempt after the last delivered message."""

    EDITED: ClassVar[tuple[str, ...]] = ("name", "url", "events", "is_active")

    id: UUID
    organization_id: int | None
    name: str
    url: str
    events: list[EventType]
    is_active: bool
    last_delivered_at: datetime | None
    failing_since: datetime | None
    created_at: datetime
    updated_at: datetime


class WebhookSecret(View):
    """The signing secret, shown this once."""

    webhook_id: UUID
    secret: str


class WebhookCreated(View):
    """A new webhook and its signing secret, shown this once."""

    webhook: WebhookView
    secret: str


class WebhookDeliveryFilter(Sorted):
    """Which deliveries to list, and in which order."""

    status: DeliveryStatus | None = None
    sort: WebhookSort = sort_field()


class WebhookDeliveryView(View):
    """One message on its way: how often it was tried, what came back, and when it is tried again."""

    id: UUID
    webhook_id: UUID
    message_id: UUID
    event_type: str
    payload: dict[str, Any]
    status: DeliveryStatus
    attempt: int
    next_attempt_at: datetime | None
    response_status: int | None
    error: str | None
    duration_ms: int | None
    created_at: datetime
    completed_at: datetime | None
