"""One webhook: what it is told, how its deliveries went, and everything that can be done with it."""

# ruff: noqa: RUF012 Reflex copies a default for every client

from typing import Any
from uuid import UUID

import reflex as rx

from app.domain.permissions import Permission
from app.errors import DomainError
from app.schemas.webhooks import WebhookDeliveryFilter, WebhookUpdate
from app.services import etags, webhook_deliveries, webhooks
from state.addresses import uuid_of
from state.base import call, paged
from state.marks import permission
from state.organizations import organization_names
from state.views.webhooks import NO_WEBHOOK, DeliveryRow, WebhookRow, delivery_row, webhook_row
from state.webhooks import chosen_events

PAGE = 25
NOTHING = "0" * 32
_READ, _WRITE = Permission.WEBHOOKS_READ, Permission.WEBHOOKS_WRITE


class WebhookState(paged(_READ), rx.State):
    """The webhook whose id stands in the address, and one page of its log."""

    hook: WebhookRow = NO_WEBHOOK
    rows: list[DeliveryRow] = []
    secret: str = ""
    is_editing: bool = False
    _tag: str = ""

    @permission(_READ)
    async def load(self) -> Any:
        """The webhook from the beginning."""
        wanted = uuid_of(self.router.url.path)
        if wanted is None:
            self.problem, self.loading = "There is no such webhook. Choose one from the list.", False
            return
        if self.hook["id"] != str(wanted):
            self.hook, self.rows, self.secret, self.is_editing = {**NO_WEBHOOK, "id": str(wanted)}, [], "", False
            self.loading, self.problem = True, ""
            yield
        self._first_page()
        await self._refresh()

    @permission(_WRITE)
    async def ping(self) -> None:
        """Send a test message."""
        if await self._do(webhook_deliveries.ping, self._id()) is not None:
            self._tell("A test message is on its way. Its line in the log says what became of it.")
            await self._newest()

    @permission(_WRITE)
    async def replay(self, delivery_id: str) -> None:
        """Send a message of the log again."""
        known = next((row for row in self.rows if row["id"] == delivery_id), None)
        if known is not None and await self._do(webhook_deliveries.replay, self._id(), UUID(known["id"])) is not None:
            self._tell("Sent again under the same message id, as a new line of the log.")
            await self._newest()

    @permission(_WRITE)
    async def set_active(self, is_active: bool) -> None:
        """Pause it, or let it go on."""
        done = await self._do(webhooks.update, self._id(), WebhookUpdate(is_active=bool(is_active)))
        if done is not None:
            self._tell("Resumed. What waited is sent now." if done.is_active else "Paused. It is sent nothing.")
            await self._refresh()

    @permission(_WRITE)
    def set_editing(self, is_editing: bool) -> None:
        """Open or close the form."""
        self.is_editing, self.form_error = bool(is_editing), ""

    @permission(_WRITE)
    async def submit(self, form: dict[str, Any]) -> None:
        """Change name, address and events, unless somebody else did meanwhile."""
        given = {"name": str(form.get("name", "")), "url": str(form.get("url", "")), "events": chosen_events(form)}
        request = self._parse(WebhookUpdate, given)
        done = await self._submit(webhooks.update, self._id(), request, frozenset({self._tag})) if request else None
        if done is not None:
            self.is_editing = False
            self._tell("Saved.")
            await self._refresh()

    @permission(_WRITE)
    async def rotate_secret(self) -> None:
        """A new secret, shown once."""
        made = await self._do(webhooks.rotate_secret, self._id())
        if made is not None:
            self.secret = made.secret

    @permission(_WRITE)
    def forget_secret(self, is_open: bool) -> None:
        """The secret was seen; it is not shown again."""
        if not is_open:
            self.secret = ""

    @permission(_WRITE)
    async def delete(self) -> Any:
        """Remove it with its log."""
        try:
            await call(webhooks.delete, self._id())
        except DomainError as error:
            self._tell(error.message, "error")
            return None
        return rx.redirect("/webhooks")

    def _id(self) -> UUID:
        return UUID(self.hook["id"] or NOTHING)

    async def _newest(self) -> None:
        self._first_page()
        await self._refresh()

    async def _refresh(self) -> None:
        wanted = uuid_of(self.router.url.path)
        found = await self._load(webhooks.get, wanted) if wanted else None
        if found is None:
            return
        names = await organization_names() if found.organization_id else {}
        self.hook = webhook_row(found, names)
        if not self.is_editing:
            self._tag = etags.etag(found)
        page = await self._load(
            webhook_deliveries.list_deliveries, found.id, WebhookDeliveryFilter(), self._cursor(), PAGE
        )
        if page is not None:
            self.rows = [delivery_row(item) for item in page.items]
            self._shown(page, "delivery", "deliveries")
