"""Committing a version and restoring one: what would follow is shown before it is done."""

import reflex as rx

from app.pages.common import SELECT, field, form_dialog
from components.feedback import loading_panel
from components.quick_select import quick_select
from state.dataset_versions import DatasetVersionsState as S

SCOPES = [("verified", "Verified samples"), ("labeled", "Labelled samples"), ("all", "All samples")]
BUMPS = [("", "As the changes need"), ("patch", "Patch"), ("minor", "Minor"), ("major", "Major")]


def commit_dialog() -> rx.Component:
    """What would come is shown before anything is kept."""
    scope = quick_select(
        *[rx.el.option(label, value=value) for value, label in SCOPES],
        value=S.scope,
        on_change=S.choose_scope,
        class_name="ty-select",
        style=SELECT,
        aria_label="Samples",
    )
    bump = quick_select(
        *[rx.el.option(label, value=value) for value, label in BUMPS],
        value=S.bump,
        on_change=S.choose_bump,
        class_name="ty-select",
        style=SELECT,
        aria_label="Number",
    )
    lines = rx.el.div(
        rx.cond(S.number != "", rx.el.strong("It becomes version ", S.number), rx.fragment()),
        rx.foreach(S.lines, lambda line: rx.el.span(line)),
        style={"display": "grid", "gap": "4px", "font_size": "14px"},
        data_testid="preview",
    )
    come = rx.el.div(rx.cond(S.is_looking, loading_panel(2), lines), style={"min_height": "72px"}, aria_live="polite")
    return form_dialog(
        field("Message", rx.text_area(name="message", placeholder="Night images of both pump houses.", rows="2")),
        field("Samples", scope, hint="Withdrawn samples are in no version."),
        field("Number", bump, hint="Patch: labels only. Minor: other samples. Major: other classes."),
        come,
        title="Commit a version",
        intro="It cannot be changed afterwards. Samples that have a split keep it; new ones are given one.",
        submit="Commit",
        state=S,
        open=S.is_committing,
        on_open_change=S.open_commit,
        on_submit=S.commit_now,
    )


def restore_dialog() -> rx.Component:
    """What follows is told before."""
    said = rx.el.ul(
        rx.el.li("What is there now is committed first, with all samples, so nothing is lost."),
        rx.el.li("Samples that were deleted since come back under their ids; labels become what they were."),
        rx.el.li("A version of verified samples takes back the verification of all others, and leaves them."),
        rx.el.li("A version of all samples removes those that it does not hold."),
        rx.el.li("Withdrawn samples stay withdrawn. Opinions of single people are not part of a version."),
        class_name="ty-consequences",
    )
    return form_dialog(
        said,
        field("Why", rx.text_area(name="message", placeholder="The relabelling of last week was wrong.", rows="2")),
        title=rx.el.span("Restore version ", S.restoring, "?"),
        intro="The dataset's samples become what they were in this version.",
        submit="Restore",
        state=S,
        open=S.restoring != "",
        on_open_change=S.close_restore,
        on_submit=S.restore,
    )
