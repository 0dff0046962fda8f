"""/datasets/[dataset_id]/impact?sample=…: everything that a sample has touched, and withdrawing it."""

from typing import Any

import reflex as rx

from app.pages.common import field, form_dialog, may
from app.pages.common import page as framed
from app.pages.dataset_tabs import dataset_tabs
from components.feedback import callout, confirm_dialog, loading_panel
from components.shell import section, stack
from components.stat import relative_time
from components.theme import status_badge
from state.sample_impact import SampleImpactState as S
from state.session import SessionState

ROUTE, TITLE = "/datasets/[dataset_id]/impact", "Where a sample was used · Trainyard"
ON_LOAD = [SessionState.load, S.load]
WRITE = "training:datasets:write"
LIST = {"display": "grid", "gap": "10px", "margin": "0", "padding": "0", "list_style": "none"}
LINE = {"display": "flex", "flex_wrap": "wrap", "gap": "8px", "align_items": "center"}
GRID = {"display": "grid", "gap": "16px", "grid_template_columns": "repeat(auto-fit, minmax(min(100%, 300px), 1fr))"}


def _listed(title: str, rows: Any, kind: str, none: str) -> rx.Component:
    def line(row: Any) -> rx.Component:
        badge = rx.cond(row["status"] != "", status_badge(kind, row["status"]), rx.fragment()) if kind else None
        return rx.el.li(
            rx.link(row["name"], href=row["href"]),
            badge or rx.fragment(),
            rx.el.span(row["note"], class_name="ty-second"),
            style=LINE,
        )

    listed = rx.el.ul(rx.foreach(rows, line), style=LIST)
    return section(
        title,
        rx.cond(rows.length() > 0, listed, rx.el.p(none, class_name="ty-second", style={"margin": "0"})),
        data_testid=f"touched-{title.lower().replace(' ', '-')}",
    )


def _sample() -> rx.Component:
    """Which one it is, what it touched in a sentence, and whether it may still be used."""
    withdrawn = callout(
        rx.el.span(S.reason, " (", relative_time(S.withdrawn_at), ")"), tone="warning", title="This sample is withdrawn"
    )
    older = callout(
        rx.el.span("These lists from before versions kept their samples may hold it too: ", S.older), tone="info"
    )
    said = rx.el.div(
        rx.el.p(S.summary, style={"margin": "0"}, data_testid="summary"),
        rx.cond(S.sample["label"] != "", rx.el.span("Label: ", S.sample["label"], class_name="ty-second")),
        rx.el.code(S.sample_id, class_name="ty-second", style={"overflow_wrap": "anywhere"}),
        style={"display": "grid", "gap": "4px", "min_width": "0"},
    )
    return section(
        rx.cond(S.sample["file_name"] != "", S.sample["file_name"], "The sample"),
        stack(
            rx.el.div(_picture(), said, style={"display": "flex", "gap": "16px", "align_items": "flex-start"}),
            rx.cond(S.withdrawn_at != "", withdrawn),
            rx.cond(S.is_deleted, callout("This sample was deleted; versions still hold it.", tone="info")),
            rx.cond(S.older != "", older),
        ),
        actions=_actions(),
    )


def _picture() -> rx.Component:
    """Small: it is known again by it."""
    picture = rx.el.img(
        src=S.sample["url"],
        alt=S.sample["alt"],
        data_testid="touched-picture",
        style={"width": "96px", "height": "96px", "flex": "none", "object_fit": "contain", "border_radius": "6px"}
        | {"background": "var(--gray-a3)", "image_rendering": rx.cond(S.sample["is_tiny"], "pixelated", "auto")},
    )
    return rx.cond((S.sample["url"] != "") & ~S.sample["is_video"], picture, rx.fragment())


def _actions() -> rx.Component:
    withdraw = rx.button(
        "Withdraw", color_scheme="red", variant="soft", size="1", on_click=S.ask(True), data_testid="withdraw"
    )
    reinstate = confirm_dialog(
        rx.button("Reinstate", variant="soft", size="1", data_testid="reinstate"),
        title="Let this sample be used again?",
        consequences=["The next version holds it again.", "Versions that hold it can be trained on again."],
        confirm_label="Reinstate",
        on_confirm=S.reinstate,
        test_id="reinstate-dialog",
    )
    possible = may(WRITE) & (S.sample_id != "") & ~S.is_deleted & ~S.loading
    return rx.cond(possible, rx.cond(S.withdrawn_at == "", withdraw, reinstate), rx.fragment())


def _ask() -> rx.Component:
    said = rx.el.ul(
        rx.el.li("It is in no later version. With a video go its frames."),
        rx.el.li("Nothing is trained any more on versions that hold it. It can be reinstated."),
        rx.el.li("Models and edge servers listed here stay as they are: decide about each."),
        class_name="ty-consequences",
    )
    why = rx.text_area(name="reason", placeholder="The consent was taken back.", rows="2", required=True)
    return form_dialog(
        said,
        field("Reason", why),
        title="Withdraw this sample?",
        intro=S.summary,
        submit="Withdraw",
        state=S,
        open=S.is_asking,
        on_open_change=S.ask,
        on_submit=S.withdraw,
        width="480px",
    )


def page() -> rx.Component:
    """What it touched, by kind."""
    lists = rx.el.div(
        _listed("Versions", S.versions, "", "No version holds it."),
        _listed("Training jobs", S.jobs, "job", "No job was trained on such a version."),
        _listed("Models", S.models, "model_version", "No model came of it."),
        _listed("Edge servers", S.edges, "", "No edge server got such a model."),
        style=GRID,
    )
    return framed(
        "Where a sample was used",
        dataset_tabs("versions", S.dataset_id),
        rx.cond(S.loading, loading_panel(4), stack(_sample(), lists)),
        rx.cond(may(WRITE), _ask(), rx.fragment()),
        state=S,
        active="datasets",
        breadcrumb=[("Datasets", "/datasets"), (S.dataset_name, "/datasets/" + S.dataset_id)],
    )
