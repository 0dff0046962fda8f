"""/datasets/[dataset_id]/versions: what was frozen, one version in numbers, two compared, commit and restore."""

from typing import Any

import reflex as rx

from app.pages.common import may, pager_line, told
from app.pages.common import page as framed
from app.pages.dataset_tabs import dataset_tabs
from app.pages.used_version import withdrawn_callout
from app.pages.version_comparison import comparison
from app.pages.version_dialogs import commit_dialog, restore_dialog
from components.feedback import empty_state
from components.shell import columns, facts, section, stack
from components.split_bar import split_bar
from components.stat import digest, relative_time
from components.table import Column, data_table, two_lines
from components.theme import chip, status_badge
from state.dataset_versions import DatasetVersionsState as S
from state.session import SessionState

ROUTE, TITLE = "/datasets/[dataset_id]/versions", "Versions · Trainyard"
ON_LOAD = [SessionState.load, S.load]
WRITE = "training:datasets:write"
LINE = {"display": "flex", "flex_wrap": "wrap", "gap": "8px", "align_items": "center"}
NOTE = {"margin": "0"}


def _address(query: Any) -> Any:
    return "/datasets/" + S.dataset_id + "/versions" + query


def _number(row: Any) -> rx.Component:
    alone = rx.cond(row["single_person"], chip("one person", colour="amber"), rx.fragment())
    return rx.el.span(
        rx.el.span(rx.el.strong(row["version"]), alone, style=LINE),
        rx.el.span(row["scope"], class_name="ty-second"),
        class_name="ty-two",
    )


def _made(row: Any) -> rx.Component:
    when = rx.el.span(row["author"], " · ", relative_time(row["created_at"]), class_name="ty-second")
    return rx.el.span(
        rx.el.span(rx.cond(row["message"] != "", row["message"], "No message")), when, class_name="ty-two"
    )


def _holds(row: Any) -> rx.Component:
    return rx.cond(
        row["split_words"] != "", split_bar(row["split"], row["split_words"]), rx.el.span("–", class_name="ty-second")
    )


def _doing(row: Any) -> rx.Component:
    compare = rx.icon_button(
        rx.icon("git-compare", size=15),
        on_click=S.compare_with_parent(row["version"]),
        aria_label="Compare with the version before",
        title="Compare with the version before",
        variant="ghost",
        color_scheme="gray",
    )
    restore = rx.icon_button(
        rx.icon("history", size=15),
        on_click=S.ask_restore(row["version"]),
        aria_label="Restore this version",
        title="Restore this version",
        variant="ghost",
        color_scheme="gray",
        data_testid="restore",
    )
    shown = rx.el.span(
        compare, rx.cond(may(WRITE), restore, rx.fragment()), style={**LINE, "gap": "14px", "justify_content": "end"}
    )
    return rx.cond(row["has_samples"], shown, rx.el.span("list only", class_name="ty-second"))


COLUMNS = [
    Column("Version", _number, width="118px", phone="title"),
    Column("Message", _made),
    Column("Samples", lambda row: two_lines(row["samples"], row["changes"]), width="150px"),
    Column("Split", _holds, width="190px"),
    Column("", _doing, width="76px", align="right", phone="corner"),
]


def _list() -> rx.Component:
    empty = empty_state(
        "git-commit-horizontal",
        "No version yet",
        told(
            WRITE,
            "A version freezes samples, labels and their split for good, so that a job can be repeated and two states "
            "can be compared. Verify some samples and commit the first.",
            "Nobody has frozen this dataset yet.",
        ),
    )
    commit = rx.button(
        rx.icon("git-commit-horizontal", size=16), "Commit", on_click=S.open_commit(True), data_testid="commit"
    )
    table = data_table(
        S.rows,
        COLUMNS,
        label="Versions",
        empty=empty,
        loading=S.loading,
        row_href=lambda row: _address("?version=" + row["version"]),
        row_id=lambda row: row["version"],
        row_selected=lambda row: S.shown["version"] == row["version"],
    )
    return section(
        "Versions",
        table,
        rx.cond(S.rows.length() > 0, pager_line(S), rx.fragment()),
        actions=rx.cond(may(WRITE), commit, rx.fragment()),
        flush=True,
    )


CLASS_COLUMNS = [
    Column(
        "Class",
        lambda line: rx.el.span(
            rx.el.span(
                aria_hidden="true",
                style={"width": "10px", "height": "10px", "border_radius": "3px", "background": line["color"]},
            ),
            line["name"],
            style={**LINE, "flex_wrap": "nowrap"},
        ),
        phone="title",
    ),
    # The split in a line of its own: five numbers side by side do not fit beside the list.
    Column("Samples", lambda line: two_lines(line["samples"], line["split"]), align="right"),
]
BOXES = Column("Boxes", lambda line: line["boxes"], align="right")


def _classes() -> rx.Component:
    def table(columns: list[Column]) -> rx.Component:
        return data_table(S.shown["classes"], columns, label="Classes", empty=rx.fragment(), test_id="classes")

    shown = rx.cond(S.shown["has_boxes"], table([*CLASS_COLUMNS, BOXES]), table(CLASS_COLUMNS))
    return rx.cond(
        S.shown["classes"].length() > 0,
        section(rx.el.span("Classes in ", S.shown["version"]), shown, flush=True),
        rx.fragment(),
    )


def _facts() -> rx.Component:
    shown = facts(
        ("Digest", digest(S.shown["sha256"])),
        ("Files", S.shown["size"]),
        ("From", S.shown["sources"]),
        ("Boxes", rx.cond(S.shown["has_boxes"], S.shown["boxes"], "none: labels are classes")),
        ("Without a label", S.shown["unlabeled"]),
        ("Split of new samples", S.shown["shares"]),
        ("Seed", S.shown["seed"]),
    )
    return rx.cond(S.shown["version"] != "", section(rx.el.span("Version ", S.shown["version"]), shown), rx.fragment())


def _job(job: Any) -> rx.Component:
    model = rx.cond(job["model"] != "", rx.link("model", href="/models/" + job["model"].to(str)), rx.fragment())
    return rx.el.li(
        rx.link(job["name"], href="/jobs/" + job["id"].to(str)), status_badge("job", job["status"]), model, style=LINE
    )


def _jobs() -> rx.Component:
    none = rx.el.p("No job was trained on this version.", class_name="ty-second", style=NOTE)
    listed = rx.el.ul(
        rx.foreach(S.jobs, _job),
        style={"display": "grid", "gap": "8px", "margin": "0", "padding": "0", "list_style": "none"},
    )
    return rx.cond(
        S.shown["version"] != "", section("Trained on it", rx.cond(S.jobs.length() > 0, listed, none)), rx.fragment()
    )


def page() -> rx.Component:
    """The list beside one version in numbers, and the comparison under it."""
    return framed(
        rx.cond(S.dataset_name != "", S.dataset_name, "Versions"),
        dataset_tabs("versions", S.dataset_id),
        columns(
            stack(_list(), comparison()), stack(_facts(), withdrawn_callout(S.used), _jobs(), _classes()), wide=True
        ),
        rx.cond(may(WRITE), rx.fragment(commit_dialog(), restore_dialog()), rx.fragment()),
        state=S,
        record=S.dataset_id,
        active="datasets",
        breadcrumb=[("Datasets", "/datasets")],
    )
