"""/webhooks: who is told of what happens, and the form that makes a webhook and shows its secret once."""

from typing import Any

import reflex as rx

from app.pages.common import choice, field, form_dialog, may
from app.pages.common import page as framed
from components.feedback import callout, empty_state
from components.live_topic import live_topic
from components.secret_once import secret_once
from components.shell import section
from components.stat import relative_time
from components.table import Column, Pager, data_table, two_lines
from components.theme import status_badge
from state.session import SessionState
from state.views.webhooks import EVENT_CHOICES
from state.webhooks import EVENT_FIELD, NewWebhookState
from state.webhooks import WebhooksState as S

ROUTE, TITLE = "/webhooks", "Webhooks · Trainyard"
ON_LOAD = [SessionState.load, S.load]
READ, WRITE = "admin:webhooks:read", "admin:webhooks:write"
# What is ticked in the form of a new webhook: what ends, and what waits for a person.
USUAL = {"job.completed", "job.failed", "model_version.testing", "deployment.completed", "deployment.failed"}


def _state(row: Any) -> rx.Component:
    since = rx.el.span("since ", relative_time(row["failing_since"]), class_name="ty-second")
    return rx.el.span(
        status_badge("webhook", row["state"]),
        rx.cond(row["state"] == "failing", since, rx.fragment()),
        class_name="ty-two",
        style={"justify_items": "start", "gap": "3px"},
    )


COLUMNS = [
    Column("Webhook", lambda row: two_lines(row["name"], row["host"]), phone="title"),
    Column("State", _state, width="150px"),
    Column("Is told of", lambda row: two_lines(row["owner"], row["told"]), width="320px"),
    Column("Last delivered", lambda row: relative_time(row["last_delivered_at"]), width="140px", align="right"),
]


def event_boxes(chosen: rx.Var[list[str]] | None = None) -> rx.Component:
    """A box for every event, by noun; ticked are those of `chosen`, or the usual ones."""

    def box(event: str, word: str) -> rx.Component:
        ticked = event in USUAL if chosen is None else chosen.contains(event)
        return rx.el.label(
            rx.el.input(type="checkbox", name=EVENT_FIELD + event, default_checked=ticked),
            rx.el.span(word),
            style={"display": "flex", "gap": "6px", "align_items": "center", "min_height": "26px"},
        )

    groups = [
        rx.el.fieldset(
            rx.el.legend(noun, class_name="ty-field-label"),
            *[box(event, word) for event, word in events],
            style={"border": "0", "margin": "0", "padding": "0", "min_width": "0", "font_size": "13px"},
        )
        for noun, events in EVENT_CHOICES
    ]
    columns = "repeat(auto-fit, minmax(124px, 1fr))"
    return rx.el.div(*groups, style={"display": "grid", "gap": "14px", "grid_template_columns": columns})


def secret_dialog(title: Any, secret: rx.Var[str], on_open_change: Any) -> rx.Component:
    """The signing secret, to be copied now or never."""
    return secret_once(
        title,
        "The receiver checks with it that a message comes from here and was not changed. Copy it now: it is not shown "
        "again, and a new one can be made at any time.",
        secret,
        on_open_change,
        test_id="webhook-secret",
    )


def address_field(**props: Any) -> rx.Component:
    """Where the messages go."""
    return field(
        "Address",
        rx.input(name="url", placeholder="https://example.org/trainyard", required=True, max_length=2000, **props),
        hint="https, reachable from this server. Private networks are refused unless the server's settings allow them.",
    )


def _form() -> rx.Component:
    form = NewWebhookState
    return form_dialog(
        field("Name", rx.input(name="name", placeholder="Chat of the operators", required=True, max_length=200)),
        address_field(),
        field(
            "Whose records",
            choice("organization_id", form.organizations, placeholder="All organizations, and global records"),
            hint="Of one organization: only what belongs to it, and nothing global.",
        ),
        event_boxes(),
        title="New webhook",
        intro="Every ticked event is sent to the address as a small signed message.",
        submit="Create webhook",
        state=form,
        open=form.is_open & (form.secret == ""),
        on_open_change=form.set_open,
        on_submit=form.submit,
        width="600px",
    )


def page() -> rx.Component:
    """The list and its form."""
    new = rx.button(
        rx.icon("plus", size=16), "New webhook", on_click=NewWebhookState.set_open(True), data_testid="new-webhook"
    )
    allowed = may(WRITE)
    table = data_table(
        S.rows,
        COLUMNS,
        label="Webhooks",
        loading=S.loading,
        row_href=lambda row: "/webhooks/" + row["id"],
        row_id=lambda row: row["id"],
        empty=empty_state(
            "webhook",
            "Nobody is told yet",
            "A webhook sends a signed message to another system whenever a job, a model version or a deployment "
            "reaches a new status: a chat, a ticket system, your own program.",
            rx.cond(allowed, new, rx.fragment()),
        ),
        pager=Pager(S.has_previous, S.has_next, S.previous_page, S.next_page, S.summary),
    )
    failing = callout(
        "At least one receiver does not accept its messages. They are tried again for half a day; open it to see why.",
        tone="warning",
        title="A webhook is failing",
        data_testid="webhook-failing",
    )
    return framed(
        "Webhooks",
        live_topic(["webhooks"], on_message=S.on_live, on_reconnect=S.load, every_ms=1000),
        rx.cond(S.any_failing, rx.el.div(failing, style={"margin_bottom": "16px"}), rx.fragment()),
        section("Webhooks", table, flush=True),
        _form(),
        secret_dialog("Secret of " + NewWebhookState.made_name, NewWebhookState.secret, NewWebhookState.set_open),
        state=S,
        active="webhooks",
        needs=READ,
        subtitle="Other systems that are told what happens here",
        actions=rx.cond(allowed, new, rx.fragment()),
    )
