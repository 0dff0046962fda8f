"""/webhooks/[webhook_id]: one webhook, the log of what it was sent, and what can be done with it."""

from typing import Any

import reflex as rx

from app.pages.common import field, form_dialog, may, reason
from app.pages.common import page as framed
from app.pages.webhooks import READ, WRITE, address_field, event_boxes, secret_dialog
from components.feedback import callout, confirm_dialog, empty_state
from components.live_topic import live_topic
from components.shell import facts, section, stack
from components.stat import digest, relative_time
from components.table import Column, Pager, data_table, two_lines
from components.theme import chip, status_badge
from state.session import SessionState
from state.webhook import WebhookState as S

ROUTE, TITLE = "/webhooks/[webhook_id]", "Webhook · Trainyard"
ON_LOAD = [SessionState.load, S.load]


def _event(row: Any) -> rx.Component:
    return rx.el.span(
        rx.el.span(row["event"], class_name="ty-first"),
        digest(row["message"], label="message id", length=8),
        class_name="ty-two",
    )


def _status(row: Any) -> rx.Component:
    again = rx.el.span("next attempt ", relative_time(row["next_at"]), class_name="ty-second")
    return rx.el.span(
        status_badge("delivery", row["status"]),
        reason(row["reason"]),
        rx.cond(row["next_at"] != "", again, rx.fragment()),
        class_name="ty-two",
        style={"justify_items": "start", "gap": "3px"},
    )


def _replay(row: Any) -> rx.Component:
    button = rx.button(
        "Send again",
        size="1",
        variant="soft",
        on_click=S.replay(row["id"]),
        white_space="nowrap",
        data_testid="replay",
    )
    return rx.cond(row["can_replay"] & may(WRITE) & S.hook["is_active"], button, rx.fragment())


LOG = [
    Column("Message", _event, width="260px", phone="title"),
    Column("Status", _status),
    Column("Attempts", lambda row: two_lines(row["attempts"], row["answer"]), width="180px"),
    Column("Written", lambda row: relative_time(row["created_at"]), width="120px", align="right"),
    Column("", _replay, width="130px", align="right"),
]


def _log() -> rx.Component:
    return section(
        "Deliveries",
        data_table(
            S.rows,
            LOG,
            label="Deliveries of this webhook",
            loading=S.loading,
            row_id=lambda row: row["id"],
            empty=empty_state(
                "send",
                "Nothing was sent yet",
                rx.cond(
                    S.hook["is_active"],
                    "Send a test message to see whether it arrives.",
                    "Resume the webhook to send it something.",
                ),
            ),
            pager=Pager(S.has_previous, S.has_next, S.previous_page, S.next_page, S.summary),
            skeleton_rows=4,
            test_id="deliveries",
        ),
        flush=True,
        note="the last 30 days",
    )


def _about() -> rx.Component:
    chips = rx.el.div(
        rx.foreach(S.hook["events"], lambda event: chip(event)),
        style={"display": "flex", "flex_wrap": "wrap", "gap": "4px"},
    )
    return section(
        "About",
        facts(
            ("Address", S.hook["url"]),
            ("Records", S.hook["owner"]),
            ("Events", chips),
            ("Last delivered", relative_time(S.hook["last_delivered_at"])),
            ("Created", relative_time(S.hook["created_at"])),
        ),
    )


def _more() -> rx.Component:
    rotate = confirm_dialog(
        rx.button(rx.icon("key-round", size=16), "New secret", variant="soft", color_scheme="gray"),
        title="Make a new secret?",
        consequences=[
            "Everything sent from then on is signed with it, retries too.",
            "The receiver refuses messages until it knows the new secret; they are tried again for half a day.",
        ],
        confirm_label="Make a new secret",
        on_confirm=S.rotate_secret,
        test_id="confirm-rotate",
    )
    delete = confirm_dialog(
        rx.button(rx.icon("trash-2", size=16), "Delete", variant="soft", color_scheme="red", data_testid="delete"),
        title="Delete " + S.hook["name"] + "?",
        consequences=[
            "Its receiver is told nothing more; messages that wait are not sent.",
            "The log of its deliveries is deleted too. The audit log keeps that there was such a webhook.",
            "To stop it for a while, pause it instead.",
        ],
        confirm_label="Delete webhook",
        on_confirm=S.delete,
        danger=True,
        test_id="confirm-delete",
    )
    return rx.fragment(rotate, delete)


def _actions() -> rx.Component:
    quiet = {"variant": "soft", "color_scheme": "gray"}
    test = rx.button(rx.icon("send", size=16), "Send test", on_click=S.ping, data_testid="ping")
    pause = confirm_dialog(
        rx.button(rx.icon("pause", size=16), "Pause", **quiet, data_testid="pause"),
        title="Pause " + S.hook["name"] + "?",
        consequences=[
            "Messages that wait are kept and sent when it is resumed.",
            "What happens in the meantime is not told to it, neither now nor later.",
        ],
        confirm_label="Pause",
        on_confirm=S.set_active(False),
        test_id="confirm-pause",
    )
    resume = rx.button(rx.icon("play", size=16), "Resume", on_click=S.set_active(True), data_testid="resume")
    edit = rx.button(rx.icon("pencil", size=16), "Edit", **quiet, on_click=S.set_editing(True), data_testid="edit")
    return rx.cond(
        may(WRITE) & (S.hook["name"] != ""),
        rx.fragment(rx.cond(S.hook["is_active"], rx.fragment(test, pause), resume), edit, _more()),
        rx.fragment(),
    )


def _form() -> rx.Component:
    return form_dialog(
        field("Name", rx.input(name="name", default_value=S.hook["name"], required=True, max_length=200)),
        address_field(default_value=S.hook["url"]),
        event_boxes(S.hook["events"]),
        title="Edit webhook",
        intro="Messages that wait go to the new address.",
        submit="Save",
        state=S,
        open=S.is_editing,
        on_open_change=S.set_editing,
        on_submit=S.submit,
        width="600px",
    )


def page() -> rx.Component:
    """How it is, the log, and the facts."""
    failing = callout(
        rx.fragment(
            "The first attempt that failed was ",
            relative_time(S.hook["failing_since"]),
            ", and nothing was accepted after it. The log says why.",
        ),
        tone="warning",
        title="Deliveries fail",
        data_testid="webhook-failing",
    )
    paused = callout("It is sent nothing until it is resumed.", tone="info", title="Paused", data_testid="paused")
    state = rx.match(S.hook["state"], ("failing", failing), ("paused", paused), rx.fragment())
    return framed(
        rx.cond(S.hook["name"] != "", S.hook["name"], "Webhook"),
        live_topic(["webhooks"], on_message=S.on_live, on_reconnect=S.load, every_ms=1000),
        stack(state, _log(), _about()),
        _form(),
        secret_dialog("New secret of " + S.hook["name"], S.secret, S.forget_secret),
        state=S,
        record=S.hook["id"],
        active="webhooks",
        needs=READ,
        breadcrumb=[("Webhooks", "/webhooks")],
        badge=rx.cond(S.hook["state"] != "", status_badge("webhook", S.hook["state"]), rx.fragment()),
        actions=_actions(),
    )
