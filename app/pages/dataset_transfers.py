"""/datasets/[dataset_id]/transfers: archives of other tools into the dataset, and out of it."""

from typing import Any

import reflex as rx

from app.formats import AUTO, TITLES
from app.pages.common import SELECT, field, may, reason, told
from app.pages.common import page as framed
from app.pages.dataset_tabs import dataset_tabs
from components.archive_upload import archive_upload
from components.bars import bar_list
from components.feedback import callout, empty_state, error_callout
from components.live_topic import live_topic
from components.quick_select import quick_select
from components.shell import columns, section, stack
from components.stat import progress_bar, relative_time
from components.table import Column, Pager, data_table, two_lines
from components.theme import status_badge
from state.dataset_transfers import DatasetTransfersState as S
from state.session import SessionState

ROUTE, TITLE = "/datasets/[dataset_id]/transfers", "Import and export · Trainyard"
ON_LOAD = [SessionState.load, S.load]
WRITE = "training:datasets:write"
_GRID = {"display": "grid", "gap": "14px"}
_LINE = {"display": "flex", "gap": "8px", "align_items": "center", "flex_wrap": "wrap"}


_FORMATS = [rx.el.option(label, value=name) for name, label in TITLES.items()]
_SELECT: dict[str, Any] = {"class_name": "ty-select", "style": SELECT}


def _import() -> rx.Component:
    chosen = quick_select(
        rx.el.option("Find out by itself", value=AUTO),
        *_FORMATS,
        value=S.format_name,
        on_change=S.choose_format,
        data_testid="import-format",
        **_SELECT,
    )
    return section(
        "Import an archive",
        rx.el.div(
            rx.el.p(
                "Images with the labels of another tool. First it is looked at, and you see what would go in, what is "
                "wrong and where; then you decide.",
                class_name="ty-muted",
                style={"margin": "0"},
            ),
            field("Format", chosen),
            archive_upload("/api/v1/training/datasets/" + S.dataset_id, on_uploaded=S.uploaded),
            style=_GRID,
        ),
    )


def _export() -> rx.Component:
    images = rx.el.label(
        rx.el.input(type="checkbox", name="images", default_checked=True), "With the images", style=_LINE
    )
    return section(
        "Export",
        rx.form(
            rx.el.div(
                rx.el.p(
                    "An archive in the layout of another tool. Its LOSSES.md lists what that format cannot carry.",
                    class_name="ty-muted",
                    style={"margin": "0"},
                ),
                field("Format", rx.el.select(*_FORMATS, name="format", data_testid="export-format", **_SELECT)),
                images,
                error_callout(S.form_error),
                rx.el.div(rx.button(rx.icon("archive", size=16), "Export", type="submit", data_testid="export")),
                style=_GRID,
            ),
            on_submit=S.export,
            reset_on_submit=False,
        ),
    )


def _status(row: Any) -> rx.Component:
    bar = progress_bar(row["percent"], label="Progress", compact=True)
    return rx.el.span(
        status_badge("transfer", row["status"]),
        rx.cond(row["is_running"], bar, rx.fragment()),
        reason(row["reason"]),
        class_name="ty-two",
        style={"justify_items": "start", "gap": "3px"},
    )


def _actions(row: Any) -> rx.Component:
    label = rx.cond(row["has_archive"], "Download …", rx.cond(row["can_import"], "Decide …", "Report"))
    report = rx.button(
        label, size="1", variant="soft", on_click=S.show(row["id"]), white_space="nowrap", data_testid="report"
    )
    cancel = rx.button(
        "Cancel",
        size="1",
        variant="soft",
        color_scheme="gray",
        on_click=S.cancel(row["id"]),
        data_testid="cancel",
    )
    return rx.el.span(
        rx.cond(row["has_report"], report, rx.fragment()),
        rx.cond(row["can_cancel"] & may(WRITE), cancel, rx.fragment()),
        style={**_LINE, "justify_content": "flex-end"},
    )


def _note(row: Any) -> rx.Component:
    return rx.el.span(row["note"], _files(row), class_name="ty-two", style={"display": "grid", "gap": "3px"})


def _files(row: Any) -> rx.Component:
    """Until when its files can be fetched, or that they are gone."""
    moment = rx.cond(row["until"] != "", relative_time(row["until"]), rx.fragment())
    line = rx.el.span(row["files"], " ", moment, class_name="ty-second", data_testid="files")
    return rx.cond(row["files"] != "", line, rx.fragment())


LIST = [
    Column("What", lambda row: two_lines(row["what"], row["format"]), width="260px", phone="title"),
    Column("Status", _status, width="190px"),
    Column("Came of it", _note),
    Column("Asked for", lambda row: relative_time(row["created_at"]), width="120px", align="right"),
    Column("", _actions, width="170px", align="right"),
]


def _list() -> rx.Component:
    empty = empty_state(
        "arrow-right-left",
        "Nothing was imported or exported yet",
        told(WRITE, "Choose an archive above, or export what is here.", "A super admin imports and exports."),
    )
    return section(
        "Imports and exports",
        data_table(
            S.rows,
            LIST,
            label="Imports and exports of this dataset",
            loading=S.loading,
            row_id=lambda row: row["id"],
            empty=empty,
            pager=Pager(S.has_previous, S.has_next, S.previous_page, S.next_page, S.summary),
            skeleton_rows=3,
            test_id="transfers",
        ),
        flush=True,
    )


def _fault(row: Any) -> rx.Component:
    return rx.el.li(
        rx.el.code(row["place"], style={"overflow_wrap": "anywhere", "font_size": "12.5px"}),
        rx.el.div(row["what"], ". ", rx.el.span(row["todo"], class_name="ty-second")),
        rx.cond(row["is_left_out"], rx.fragment(), rx.el.span("It goes in.", class_name="ty-second")),
        style={"padding": "8px 0", "border_top": "1px solid var(--gray-a4)", "font_size": "14px"},
    )


def _loss(row: Any) -> rx.Component:
    example = rx.cond(row["example"] != "", rx.el.span("such as ", row["example"], class_name="ty-second"), "")
    return rx.el.li(row["count"], " × ", row["what"], " ", example, style={"padding": "3px 0", "font_size": "14px"})


def _plain_list(rows: Any, line: Any) -> rx.Component:
    style = {"list_style": "none", "margin": "0", "padding": "0", "max_height": "40vh", "overflow_y": "auto"}
    return rx.el.ul(rx.foreach(rows, line), style=style)


def _decision() -> rx.Component:
    """Import what was looked at."""
    plain = rx.button("Import", on_click=S.bring_in(False), data_testid="import")
    adding = rx.fragment(
        rx.button("Import without them", variant="soft", on_click=S.bring_in(False), data_testid="import-without"),
        rx.button("Add and import", on_click=S.bring_in(True), data_testid="import-adding"),
    )
    return rx.cond(
        S.report["can_import"] & may(WRITE), rx.cond(S.report["lacking"].length() > 0, adding, plain), rx.fragment()
    )


def _report() -> rx.Component:
    lacking = callout(
        rx.el.div(
            rx.el.ul(rx.foreach(S.report["lacking"], rx.el.li), class_name="ty-consequences"), S.report["lacking_note"]
        ),
        tone="warning",
        title="What this dataset lacks",
        data_testid="schema-change",
    )
    download = rx.link(
        rx.button(rx.icon("download", size=16), "Download"), href=S.report["archive"], data_testid="download"
    )
    faults = rx.el.div(
        rx.el.strong(S.report["faults_note"], style={"font_size": "14px"}),
        _plain_list(S.report["faults"], _fault),
        rx.cond(
            S.report["faults_url"] != "",
            rx.link("Every fault as a file", href=S.report["faults_url"], size="2"),
            rx.fragment(),
        ),
        style={"display": "grid", "gap": "6px"},
    )
    losses = rx.el.div(
        rx.el.strong("What this format cannot carry", style={"font_size": "14px"}),
        _plain_list(S.report["losses"], _loss),
    )
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title(S.report["title"], size="4", margin_bottom="4px"),
            rx.dialog.description(S.report["summary"], class_name="ty-muted", style={"font_size": "14px"}),
            rx.el.div(
                rx.cond(S.report["reason"] != "", callout(S.report["reason"], tone="error", title="It failed"), ""),
                rx.cond(S.report["classes"].length() > 0, bar_list(S.report["classes"], label="Classes"), ""),
                rx.cond(S.report["lacking_note"] != "", lacking, ""),
                rx.cond(S.report["faults"].length() > 0, faults, ""),
                rx.cond(S.report["losses"].length() > 0, losses, ""),
                _files(S.report),
                style={"display": "grid", "gap": "16px", "margin_top": "14px"},
            ),
            rx.el.div(
                rx.dialog.close(rx.button("Close", variant="soft", color_scheme="gray")),
                _decision(),
                rx.cond(S.report["archive"] != "", download, rx.fragment()),
                class_name="ty-dialog-actions",
            ),
            max_width="680px",
            data_testid="transfer-report",
        ),
        open=S.report["id"] != "",
        on_open_change=S.close,
    )


def page() -> rx.Component:
    """In and out beside each other, and what became of each below."""
    return framed(
        rx.cond(S.name != "", S.name, "Dataset"),
        live_topic(["dataset:" + S.dataset_id], on_message=S.on_live, on_reconnect=S.load, every_ms=1000),
        dataset_tabs("transfers", S.dataset_id),
        stack(rx.cond(may(WRITE), columns(_import(), _export()), rx.fragment()), _list()),
        _report(),
        state=S,
        record=S.dataset_id,
        active="datasets",
        breadcrumb=[("Datasets", "/datasets")],
    )
