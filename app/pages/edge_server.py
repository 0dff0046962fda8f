"""/edge-servers/[edge_id]: one edge server, what it has really loaded, and what was ordered for it."""

from typing import Any

import reflex as rx

from app.pages.common import may, one_time_command, reason, told
from app.pages.common import page as framed
from components.feedback import callout, confirm_dialog, empty_state
from components.live_topic import live_topic
from components.shell import columns, facts, section, stack
from components.stat import digest, metric_tile, progress_bar, relative_time, tile_row
from components.table import Column, data_table
from components.theme import status_badge, verdict_badge
from state.edge_server import EdgeServerState as S
from state.session import SessionState

ROUTE, TITLE = "/edge-servers/[edge_id]", "Edge server · Trainyard"
ON_LOAD = [SessionState.load, S.load]
WRITE, DEPLOY = "training:edge_servers:write", "training:deployments:write"


def _loaded() -> rx.Component:
    version = lambda row: rx.link(  # noqa: E731
        row["ai_module"] + " " + row["version"], href="/models/" + row["version_id"]
    )
    return section(
        "Loaded models",
        data_table(
            S.loaded,
            [
                Column("Model", version),
                Column("Loaded digest", lambda row: digest(row["loaded"], label="loaded digest"), width="180px"),
                Column("Released digest", lambda row: digest(row["released"], label="released digest"), width="180px"),
                Column("Match", lambda row: verdict_badge(row["verdict"]), width="190px"),
                Column("Loaded", lambda row: relative_time(row["loaded_at"]), width="120px", align="right"),
            ],
            label="Loaded models",
            loading=S.loading,
            empty=empty_state(
                "package",
                "Nothing loaded",
                told(
                    DEPLOY,
                    "Deploy a released version to it from the version's page.",
                    "A super admin can deploy a released version to it.",
                ),
            ),
            skeleton_rows=1,
            test_id="loaded-models",
        ),
        flush=True,
        note="digests are of the bytes in its memory",
    )


def _status(row: Any) -> rx.Component:
    return rx.el.span(
        status_badge("deployment", row["status"]),
        reason(row["error"]),
        class_name="ty-two",
        style={"justify_items": "start", "gap": "3px"},
    )


def _deployments() -> rx.Component:
    model = lambda row: rx.link(row["version"], href="/models/" + row["version_id"])  # noqa: E731
    progress = lambda row: progress_bar(row["progress"], label="Progress", compact=True, tone=row["tone"])  # noqa: E731
    retry = lambda row: rx.cond(  # noqa: E731
        row["can_retry"] & may(DEPLOY),
        rx.button("Retry", size="1", variant="soft", on_click=S.retry(row["id"]), data_testid="retry"),
        rx.fragment(),
    )
    return section(
        "Deployments",
        data_table(
            S.deployments,
            [
                Column("Model", model, width="160px"),
                Column("Status", _status),
                Column("Progress", progress, width="120px"),
                Column("Changed", lambda row: relative_time(row["updated_at"]), width="100px", align="right"),
                Column("", retry, width="80px", align="right"),
            ],
            label="Deployments to this edge server",
            loading=S.loading,
            row_id=lambda row: row["id"],
            empty=empty_state(
                "rocket",
                "Nothing was ordered for it yet",
                told(
                    DEPLOY,
                    "Released versions are deployed from their page.",
                    "A super admin orders released versions onto it.",
                ),
            ),
            skeleton_rows=2,
            test_id="deployments",
        ),
        flush=True,
    )


def _tiles() -> rx.Component:
    return tile_row(
        metric_tile(
            "Last heartbeat",
            relative_time(S.edge["last_heartbeat_at"]),
            hint="ticks in your browser",
            icon="heart-pulse",
        ),
        metric_tile("Inferences", S.edge["inferences"], hint="since it started", icon="scan-eye"),
        metric_tile("Median time", S.edge["p50"], hint="per inference, on its own hardware", icon="timer"),
    )


def _facts() -> rx.Component:
    return section(
        "About",
        facts(
            ("Site", S.edge["site"]),
            ("Place", S.edge["place"]),
            ("Edge version", S.edge["edge_version"]),
            ("Platform", S.edge["platform"]),
            ("Enrolled", relative_time(S.edge["enrolled_at"], missing="not yet")),
        ),
    )


def _actions() -> rx.Component:
    renew = confirm_dialog(
        rx.button(rx.icon("key-round", size=16), "New enrolment", variant="soft", color_scheme="gray"),
        title="Make a new enrolment command?",
        consequences=[
            "The node's present key stops working at once.",
            "The node must be enrolled again with the new command; what it has loaded goes on serving.",
        ],
        confirm_label="Make a new command",
        on_confirm=S.renew_token,
        test_id="confirm-renew",
    )
    revoke = confirm_dialog(
        rx.button(rx.icon("ban", size=16), "Revoke", variant="soft", color_scheme="red", data_testid="revoke"),
        title="Revoke " + S.edge["name"] + "?",
        consequences=[
            "Its key is not accepted any more: no heartbeats, no metadata, no downloads.",
            "It goes on serving the models that it has loaded.",
            "It can come back with a new enrolment.",
        ],
        confirm_label="Revoke",
        on_confirm=S.revoke,
        danger=True,
        test_id="confirm-revoke",
    )
    return rx.cond(
        may(WRITE) & (S.edge["id"] != ""),
        rx.fragment(renew, rx.cond(S.edge["is_revoked"], rx.fragment(), revoke)),
        rx.fragment(),
    )


def _command() -> rx.Component:
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title("Enrol " + S.edge["name"], size="4"),
            rx.dialog.description("The command that enrols it", class_name="ty-hidden"),
            one_time_command(S.command, S.command_expires),
            rx.el.div(rx.dialog.close(rx.button("Done")), class_name="ty-dialog-actions"),
            max_width="560px",
        ),
        open=S.command != "",
        on_open_change=S.forget_command,
    )


def page() -> rx.Component:
    """Figures on top, then what it has loaded and what was ordered beside the facts."""
    wrong = rx.cond(
        S.edge["last_error"] != "",
        callout(S.edge["last_error"], tone="error", title="What the edge server reports", data_testid="edge-error"),
        rx.fragment(),
    )
    return framed(
        rx.cond(S.edge["name"] != "", S.edge["name"], "Edge server"),
        live_topic(["edges", "deployments", "ping"], on_message=S.on_live, on_reconnect=S.load, every_ms=1000),
        stack(_tiles(), wrong, _loaded(), columns(_deployments(), _facts(), wide=True)),
        _command(),
        state=S,
        record=S.edge["id"],
        active="edge",
        breadcrumb=[("Edge servers", "/edge-servers")],
        badge=rx.cond(S.edge["health"] != "", status_badge("edge", S.edge["health"]), rx.fragment()),
        actions=_actions(),
    )
