"""/datasets/[dataset_id]/opinions: where people differ, one sample side by side, what was decided, and the settings."""

from typing import Any

import reflex as rx

from app.pages.common import field, form_dialog, may, pager_line, told
from app.pages.common import page as framed
from app.pages.dataset_tabs import dataset_tabs
from components.bars import bar_list
from components.feedback import callout, confirm_dialog, empty_state
from components.live_topic import live_topic
from components.opinion_board import board, opinion_panel, opinion_panels
from components.shell import columns, section, stack
from components.stat import relative_time
from state.opinions import OpinionsState as S
from state.session import SessionState

ROUTE, TITLE = "/datasets/[dataset_id]/opinions", "Opinions · Trainyard"
ON_LOAD = [SessionState.load, S.load]
WRITE = "training:datasets:write"


def _panel(item: Any, index: Any) -> rx.Component:
    take = rx.button(
        "Take this",
        on_click=S.set_asking(item["key"]),
        size="1",
        variant="soft",
        aria_label="Take the label of " + item["title"],
        data_testid="take",
    )
    picture = rx.cond(S.has_boxes, board(S.sample_url, item["boxes"], alt="What " + item["title"] + " drew"))
    return opinion_panel(
        item["title"],
        item["label"],
        item["note"],
        picture,
        action=rx.cond(may(WRITE) & item["can_take"], take, rx.fragment()),
        data_key=item["key"],
        data_place=index.to(str),
    )


def _explained() -> rx.Component:
    return rx.match(
        S.sample_state,
        (
            "collecting",
            callout("You see only your own opinion until all are in, so that everybody decides on their own."),
        ),
        ("agreed", callout("This sample has its label. Its opinions stay as they were given.", tone="success")),
        ("disputed", rx.fragment()),
        callout("One person labels this sample; it asks for no further opinion."),
    )


def _differences() -> rx.Component:
    line = lambda text: rx.el.li(text)  # noqa: E731
    return rx.cond(
        S.differences.length() > 0,
        rx.el.div(
            rx.el.strong("What differs"),
            rx.el.ul(rx.foreach(S.differences, line), class_name="ty-differences"),
            data_testid="differences",
        ),
        rx.fragment(),
    )


def _sample() -> rx.Component:
    """One sample with all that is said about it."""
    edit = rx.link(
        rx.button(rx.icon("pencil", size=14), "Write another label", variant="soft", color_scheme="gray", size="1"),
        href="/datasets/" + S.dataset["id"] + "/label?sample=" + S.sample_id,
    )
    back = rx.button(
        rx.icon("arrow-left", size=14),
        "All disagreements",
        on_click=S.close,
        variant="soft",
        color_scheme="gray",
        size="1",
        data_testid="back",
    )
    whole = rx.cond(S.has_boxes, rx.fragment(), rx.el.div(board(S.sample_url, alt="The sample"), max_width="420px"))
    return section(
        "Side by side",
        stack(
            _explained(),
            whole,
            opinion_panels(S.panels, _panel, label="Opinions about this sample"),
            _differences(),
        ),
        note=S.sample_note,
        actions=rx.el.div(
            back,
            rx.cond(may(WRITE) & S.may_edit, edit, rx.fragment()),
            style={"display": "flex", "gap": "8px", "flex_wrap": "wrap"},
        ),
        data_testid="side-by-side",
    )


def _row(item: Any) -> rx.Component:
    return rx.el.li(
        rx.el.button(
            rx.el.img(src=item["url"], alt="", loading="lazy", decoding="async"),
            rx.el.span(
                rx.el.strong(item["title"]),
                rx.el.span(item["note"], class_name="ty-second"),
                class_name="ty-disagreement-text",
            ),
            rx.icon("chevron-right", size=16, aria_hidden="true"),
            type="button",
            on_click=S.open_sample(item["sample_id"]),
            class_name="ty-disagreement",
            data_testid="disagreement",
        )
    )


def _queue() -> rx.Component:
    nothing = empty_state(
        "users",
        rx.cond(S.asks_several, "No disagreement waits", "One person labels each sample"),
        rx.cond(
            S.asks_several,
            "When all opinions about a sample are in and they differ, it waits here for a decision.",
            told(
                WRITE,
                "Ask for more than one opinion in the settings, and differences show up here.",
                "A super admin can ask for more than one opinion per sample.",
            ),
        ),
    )
    return section(
        "Disagreements",
        rx.cond(
            S.rows.length() > 0,
            rx.fragment(
                rx.el.ul(rx.foreach(S.rows, _row), class_name="ty-disagreements", aria_label="Disagreements"),
                pager_line(S),
            ),
            rx.cond(S.loading, rx.fragment(), nothing),
        ),
        note=rx.cond(S.rows.length() > 0, "the least agreed first", ""),
    )


def _decision(item: Any) -> rx.Component:
    undo = confirm_dialog(
        rx.button("Undo", size="1", variant="soft", color_scheme="gray", data_testid="undo"),
        title="Undo this decision?",
        consequences=[
            "The sample says again what it said before; the opinions stay.",
            "If people differ about it, it waits for a decision again.",
        ],
        confirm_label="Undo",
        on_confirm=S.undo(item["id"]),
    )
    return rx.el.li(
        rx.el.div(
            rx.el.button(
                item["title"], type="button", on_click=S.open_sample(item["sample_id"]), class_name="ty-decision-open"
            ),
            rx.el.span(item["note"], " · ", relative_time(item["created_at"]), class_name="ty-second"),
            rx.cond(item["reason"] != "", rx.el.span("“", item["reason"], "”"), rx.fragment()),
            class_name="ty-disagreement-text",
        ),
        rx.cond(may(WRITE) & item["can_undo"], undo, rx.fragment()),
        class_name="ty-decision",
        data_testid="decision",
    )


def _decisions() -> rx.Component:
    return rx.cond(
        S.decisions.length() > 0,
        section("Decided lately", rx.el.ul(rx.foreach(S.decisions, _decision), class_name="ty-decisions")),
        rx.fragment(),
    )


def _progress() -> rx.Component:
    settings = rx.button(
        rx.icon("settings-2", size=14),
        "Settings",
        on_click=S.set_settings_open(True),
        size="1",
        variant="soft",
        color_scheme="gray",
        data_testid="opinion-settings",
    )
    return section(
        "Opinions",
        rx.cond(
            S.asks_several,
            stack(
                rx.el.p(S.rule, class_name="ty-second", style={"margin": "0"}),
                bar_list(S.counts, label="Samples by number of opinions"),
            ),
            rx.el.p("Samples take one opinion each.", class_name="ty-second", style={"margin": "0"}),
        ),
        actions=rx.cond(may(WRITE), settings, rx.fragment()),
    )


def _people() -> rx.Component:
    return rx.cond(
        S.people.length() > 0,
        section("Annotators", bar_list(S.people, label="Opinions by person")),
        rx.fragment(),
    )


def _reason() -> rx.Component:
    return form_dialog(
        field("Reason", rx.text_area(name="reason", placeholder="The membrane is visible.", rows="3", required=True)),
        title=rx.cond(S.asking == "proposal", "Take the proposal", "Take this opinion"),
        intro="It becomes the label of the sample and waits for its review. The opinions stay as they are.",
        submit="Decide",
        state=S,
        open=S.asking != "",
        on_open_change=S.ask_reason,
        on_submit=S.decide,
        width="440px",
    )


def _number(name: str, low: str, high: str, step: str = "1", *, required: bool = True) -> rx.Component:
    return rx.input(
        name=name, type="number", min=low, max=high, step=step, default_value=S.settings[name], required=required
    )


def _settings() -> rx.Component:
    return form_dialog(
        field("Opinions per sample", _number("opinions_per_sample", "1", "10"), hint="1: one person labels a sample."),
        field(
            "Share of the samples, in percent",
            _number("opinions_share", "0", "100"),
            hint="The others take one opinion. Which ones is drawn by their id and stays the same.",
        ),
        field(
            "How many must say the same",
            _number("consensus_quorum", "1", "10", required=False),
            hint="Empty: more than half. It makes the proposal; a label at once only where all agree.",
        ),
        field(
            "Overlap of boxes that are one object (IoU)",
            _number("consensus_iou", "0.05", "1", "0.05"),
            hint="0.5 is usual; higher for objects that must be drawn exactly.",
        ),
        title="How many people are asked",
        intro="This holds for samples without a label. What has all its opinions by that is settled at once.",
        submit="Save",
        state=S,
        open=S.settings_open,
        on_open_change=S.set_settings_open,
        on_submit=S.save_settings,
        width="460px",
    )


def page() -> rx.Component:
    """The queue, or one sample side by side, beside how far everybody is."""
    return framed(
        rx.cond(S.dataset["name"] != "", S.dataset["name"], "Opinions"),
        dataset_tabs("opinions", S.dataset["id"]),
        rx.cond(
            S.sample_id != "",
            _sample(),
            columns(stack(_queue(), _decisions()), stack(_progress(), _people()), wide=True),
        ),
        _reason(),
        _settings(),
        live_topic(["dataset:" + S.dataset["id"]], on_message=S.on_live, on_reconnect=S.load, every_ms=1500),
        state=S,
        record=S.dataset["id"],
        active="datasets",
        breadcrumb=[("Datasets", "/datasets")],
    )
