"""/audit: who did what, on what, when and from where; what changed; and whether the log is whole."""

from typing import Any

import reflex as rx

from app.pages.common import choice, field, panel, static_choice
from app.pages.common import page as framed
from components.feedback import empty_state
from components.shell import section, stack
from components.stat import digest, relative_time
from components.table import Column, Pager, data_table, two_lines
from components.theme import status_badge
from state.audit import AuditState as S
from state.session import SessionState
from state.views.audit import Change

ROUTE, TITLE = "/audit", "Audit log · Trainyard"
ON_LOAD = [SessionState.load, S.load]
READ = "training:audit:read"
GRID = {"display": "grid", "gap": "12px", "grid_template_columns": "repeat(auto-fit, minmax(138px, 1fr))"}
WRAP = {"white_space": "normal", "overflow_wrap": "anywhere"}
ACTIONS = (
    "api.",
    "api_token.",
    "approver_key.",
    "dataset.",
    "deployment.",
    "edge_server.",
    "event.",
    "model_version.",
    "model_version.download",
    "organization.",
    "plan.",
    "rollout.",
    "sample.",
    "session.",
    "training_job.",
    "trust.",
    "user.",
    "webhook.",
)


def _input(name: str, label: str, *, hint: str = "", **props: Any) -> rx.Component:
    control = rx.input(name=name, default_value=S.search[name], max_length=320, width="100%", min_width="0", **props)
    return field(label, control, hint=hint)


def _search() -> rx.Component:
    """The form of a search. It is drawn anew with the address, so that it shows what is searched for."""
    outcomes = [("", "Both"), ("done", "Done"), ("refused", "Refused")]
    chosen = {"default_value": S.search["organization_id"]}
    first = rx.el.div(
        _input("actor", "Who", placeholder="ada@example.org"),
        _input("action", "Did what", placeholder="training_job.", list="actions"),
        field("Outcome", static_choice("outcome", outcomes, default=S.search["outcome"])),
        _input("since", "From day (UTC)", type="date"),
        _input("until", "Until day (UTC)", type="date"),
        style=GRID,
    )
    more = rx.el.details(
        rx.el.summary("More to search by", style={"cursor": "pointer", "font_size": "13px", "padding": "4px 0"}),
        rx.el.div(
            _input("subject_type", "On what kind", placeholder="training_jobs", hint="The name of its table"),
            _input("subject_id", "On which one", placeholder="its id"),
            field("Whose", choice("organization_id", S.organizations, placeholder="Everybody's", **chosen)),
            _input("request_id", "Request", placeholder="as in the logs"),
            style={**GRID, "padding_top": "8px"},
        ),
        open=S.is_detailed,
    )
    buttons = rx.el.div(
        rx.button(rx.icon("search", size=15), "Search", type="submit", data_testid="audit-search"),
        rx.cond(S.is_narrowed, rx.link("Show everything", href=ROUTE, size="2"), rx.fragment()),
        style={"display": "flex", "align_items": "center", "gap": "16px"},
    )
    return rx.form(
        rx.el.datalist(*[rx.el.option(value=action) for action in ACTIONS], id="actions"),
        rx.el.div(first, more, buttons, style={"display": "grid", "gap": "12px"}),
        on_submit=S.find,
        reset_on_submit=False,
        key=S.query,
    )


def _subject(row: Any) -> rx.Component:
    name = rx.el.span(row["subject_id"], class_name="ty-second", style=WRAP)
    linked = rx.link(row["subject_id"], href=row["href"], size="1", style=WRAP)
    owner = rx.cond(row["owner"] != "", rx.el.span(row["owner"], class_name="ty-second"), rx.fragment())
    return rx.el.span(
        rx.el.span(row["subject"], class_name="ty-first"),
        rx.cond(row["href"] != "", linked, name),
        owner,
        class_name="ty-two",
    )


def _changes(row: Any) -> rx.Component:
    """What changed, folded to the names of the fields."""
    line = lambda change: rx.el.div(  # noqa: E731
        rx.el.dt(change["name"]),
        rx.el.dd(
            rx.cond(change["before"] != "", rx.fragment(rx.el.del_(change["before"]), " → "), rx.fragment()),
            rx.el.ins(change["after"]),
        ),
    )
    folded = rx.el.details(
        rx.el.summary(row["summary"]),
        rx.el.dl(rx.foreach(row["changes"].to(list[Change]), line)),
        class_name="ty-changes",
        data_testid="changes",
    )
    return rx.cond(row["summary"] != "", folded, rx.el.span("–", class_name="ty-second"))


COLUMNS = [
    Column("Did what", lambda row: two_lines(row["words"], row["action"]), phone="title"),
    Column("Outcome", lambda row: status_badge("outcome", row["outcome"]), width="120px", phone="corner"),
    Column("Who", lambda row: two_lines(row["actor"], row["address"]), width="210px"),
    Column("On what", _subject, width="230px"),
    Column("What changed", _changes, width="320px"),
    Column("When", lambda row: relative_time(row["at"]), width="120px", align="right"),
]


def _chain() -> rx.Component:
    """Whether all events are linked, and the head to note elsewhere."""
    head = rx.el.span(
        "Head ",
        digest(S.head, label="head of the chain", length=16),
        style={"display": "inline-flex", "align_items": "center", "gap": "6px"},
    )
    return rx.el.div(
        rx.icon("link", size=15, aria_hidden="true"),
        rx.el.span(S.chain, data_testid="chain"),
        rx.cond(S.head != "", head, rx.fragment()),
        rx.el.span(
            "Noted elsewhere, it proves later that nothing was changed: trainyard audit verify --head",
            class_name="ty-second",
            style={"white_space": "normal"},
        ),
        style={"display": "flex", "flex_wrap": "wrap", "align_items": "center", "gap": "6px 14px", "font_size": "13px"},
    )


def page() -> rx.Component:
    """The chain in a line, the search, and what it found."""
    export = rx.button(
        rx.el.a(
            rx.icon("download", size=16),
            "Export",
            href=S.export_href,
            download="audit.jsonl",
            reload_document=True,  # the API's address, which is none of the pages'
            title="These events as JSON lines, each with its link of the chain",
            data_testid="audit-export",
        ),
        as_child=True,
        variant="soft",
    )
    table = data_table(
        S.rows,
        COLUMNS,
        label="Audit events",
        loading=S.loading,
        row_id=lambda row: row["id"],
        empty=empty_state("scroll-text", "No event fits", "Nothing that is searched for has happened yet."),
        pager=Pager(S.has_previous, S.has_next, S.previous_page, S.next_page, S.summary),
    )
    return framed(
        "Audit log",
        stack(panel(_chain()), panel(_search()), section("Events", table, flush=True)),
        state=S,
        active="audit",
        needs=READ,
        subtitle="Who did what, and what was refused",
        actions=export,
    )
