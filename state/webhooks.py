"""Webhooks: the list, and the form that makes one and shows its secret once."""

# ruff: noqa: RUF012 Reflex copies a default for every client

from typing import Any

import reflex as rx

from app.domain.permissions import Permission
from app.schemas.webhooks import WebhookCreate, WebhookFilter
from app.services import webhooks
from state import views
from state.base import Page, paged
from state.marks import permission
from state.organizations import organization_names
from state.views.webhooks import WebhookRow, webhook_row

PAGE = 25
_READ, _WRITE = Permission.WEBHOOKS_READ, Permission.WEBHOOKS_WRITE
EVENT_FIELD = "event "


def chosen_events(form: dict[str, Any]) -> list[str]:
    """The events whose boxes are ticked."""
    return [str(name).removeprefix(EVENT_FIELD) for name in form if str(name).startswith(EVENT_FIELD)]


class WebhooksState(paged(_READ), rx.State):
    """One page of webhooks, newest first."""

    rows: list[WebhookRow] = []
    any_failing: bool = False

    @permission(_READ)
    async def load(self) -> None:
        """The first page."""
        self._first_page()
        await self._refresh()

    async def _refresh(self) -> None:
        page = await self._load(webhooks.list_webhooks, WebhookFilter(), self._cursor(), PAGE)
        if page is None:
            return
        names = await organization_names() if any(item.organization_id for item in page.items) else {}
        self.rows = [webhook_row(item, names) for item in page.items]
        self.any_failing = any(row["state"] == "failing" for row in self.rows)
        self._shown(page, "webhook", "webhooks")


class NewWebhookState(Page, rx.State):
    """The form of a new webhook. Its secret is shown once and then forgotten here too."""

    is_open: bool = False
    organizations: list[views.Option] = []
    secret: str = ""
    made_name: str = ""
    made_id: str = ""

    @permission(_WRITE)
    async def set_open(self, is_open: bool) -> Any:
        """Open the form, or close it and forget the secret."""
        made = self.made_id
        self.form_error = self.secret = self.made_id = ""
        self.is_open = bool(is_open)
        if self.is_open:
            names = await organization_names()
            self.organizations = [{"value": str(key), "label": name} for key, name in names.items()]
            return None
        return rx.redirect(f"/webhooks/{made}") if made else None

    @permission(_WRITE)
    async def submit(self, form: dict[str, Any]) -> Any:
        """Make the webhook and show its secret."""
        request = self._parse(
            WebhookCreate,
            {
                "name": str(form.get("name", "")),
                "url": str(form.get("url", "")),
                "events": chosen_events(form),
                "organization_id": form.get("organization_id") or None,
            },
        )
        made = await self._submit(webhooks.create, request) if request else None
        if made is None:
            return None
        self.secret, self.made_name, self.made_id = made.secret, made.webhook.name, str(made.webhook.id)
        return WebhooksState.load
