"""/edge-servers: where they stand, how they are, what they have really loaded."""

from typing import Any

import reflex as rx

from app.pages.common import choice, field, form_dialog, may, one_time_command, reason, told
from app.pages.common import page as framed
from components.edge_map import edge_map
from components.feedback import empty_state
from components.live_topic import live_topic
from components.shell import section, stack
from components.stat import digest, relative_time
from components.table import Column, Pager, Sorting, data_table, two_lines
from components.theme import status_badge
from state.edge_servers import EdgeServersState as S
from state.edge_servers import NewEdgeServerState
from state.session import SessionState

ROUTE, TITLE = "/edge-servers", "Edge servers · Trainyard"
ON_LOAD = [SessionState.load, S.load]
WRITE = "training:edge_servers:write"


def _health(row: Any) -> rx.Component:
    return rx.el.span(
        status_badge("edge", row["health"]),
        rx.cond(row["is_revoked"], rx.el.span("revoked", class_name="ty-second"), rx.fragment()),
        reason(row["last_error"]),
        class_name="ty-two",
        style={"justify_items": "start", "gap": "3px"},
    )


def _model(row: Any) -> rx.Component:
    loaded = rx.el.span(
        rx.el.span(row["model"], " ", rx.el.span(row["more_models"], class_name="ty-second")),
        digest(row["digest"], label="digest of the loaded bundle"),
        class_name="ty-two",
    )
    return rx.cond(row["model"] != "", loaded, rx.el.span("nothing loaded", class_name="ty-muted"))


COLUMNS = [
    Column("Edge server", lambda row: two_lines(row["name"], row["site"]), phone="title", sort="name"),
    Column("Health", _health, width="320px"),
    Column("Loaded model", _model, width="200px"),
    Column("Last heartbeat", lambda row: relative_time(row["last_heartbeat_at"]), width="130px"),
    Column("Inferences", lambda row: row["inferences"], width="110px", align="right"),
    Column("p50", lambda row: row["p50"], width="90px", align="right"),
]


def _form() -> rx.Component:
    place = {"display": "grid", "gap": "14px", "grid_template_columns": "1fr 1fr"}
    return form_dialog(
        field("Name", rx.input(name="name", placeholder="edge-rotterdam", required=True, max_length=200)),
        field("Site", rx.input(name="site", placeholder="Pumping station Maasvlakte", max_length=200)),
        rx.el.div(
            field("Latitude", rx.input(name="latitude", type="number", min=-90, max=90, step="any")),
            field("Longitude", rx.input(name="longitude", type="number", min=-180, max=180, step="any")),
            style=place,
        ),
        field(
            "Organization",
            choice("organization_id", NewEdgeServerState.organizations, placeholder="Global: takes global models only"),
        ),
        title="New edge server",
        intro="You get a command to run on it, once.",
        submit="Create edge server",
        state=NewEdgeServerState,
        open=NewEdgeServerState.is_open & (NewEdgeServerState.command == ""),
        on_open_change=NewEdgeServerState.set_open,
        on_submit=NewEdgeServerState.submit,
    )


def _command() -> rx.Component:
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title("Enrol " + NewEdgeServerState.made_name, size="4"),
            rx.dialog.description("The command that enrols it", class_name="ty-hidden"),
            one_time_command(NewEdgeServerState.command, NewEdgeServerState.expires_at),
            rx.el.div(rx.dialog.close(rx.button("Done", data_testid="command-done")), class_name="ty-dialog-actions"),
            max_width="560px",
        ),
        open=NewEdgeServerState.command != "",
        on_open_change=NewEdgeServerState.set_open,
    )


def page() -> rx.Component:
    """The map over the table."""
    new = rx.button(
        rx.icon("plus", size=16),
        "New edge server",
        on_click=NewEdgeServerState.set_open(True),
        data_testid="new-edge-server",
    )
    allowed = may(WRITE)
    table = data_table(
        S.rows,
        COLUMNS,
        label="Edge servers",
        loading=S.loading,
        row_href=lambda row: "/edge-servers/" + row["id"],
        row_id=lambda row: row["id"],
        row_selected=lambda row: row["id"] == S.selected,
        empty=empty_state(
            "map-pinned",
            "No edge servers yet",
            told(
                WRITE,
                "An edge server runs models where the cameras are. Create keys and a root of trust first with "
                "./trainyard keys init-root; then create an edge server here and run the command it gives you on the "
                "box.",
                "An edge server runs models where the cameras are. A super admin enrols those of your organization.",
            ),
            rx.cond(allowed, new, rx.fragment()),
        ),
        pager=Pager(S.has_previous, S.has_next, S.previous_page, S.next_page, S.summary),
        sorting=Sorting(S.sort, S.sort_by),
    )
    return framed(
        "Edge servers",
        # The server sends "ping" when a tab heard nothing for half a minute: then health may have changed by silence.
        live_topic(["edges", "deployments", "ping"], on_message=S.on_live, on_reconnect=S.load, every_ms=1000),
        stack(
            rx.cond(
                S.rows.length() > 0,
                section("Map", edge_map(S.sites, selected=S.selected, on_select=S.select), flush=True),
                rx.fragment(),
            ),
            section("Edge servers", table, flush=True),
        ),
        _form(),
        _command(),
        state=S,
        active="edge",
        subtitle=S.healthy.to(str) + " healthy, " + S.attention.to(str) + " late or offline",
        actions=rx.cond(allowed, new, rx.fragment()),
    )
