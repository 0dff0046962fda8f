"""The frames of the video that is open in the sample dialog: cutting them, how far that is, and the way to them."""

import reflex as rx

from app.pages.common import SELECT, field, may, static_choice
from components.feedback import callout, error_callout
from components.quick_select import quick_select
from components.stat import progress_bar
from state.samples import SamplesState as S
from state.views.frame_cuts import EVERY, SCENES

WRITE = "training:datasets:write"
# The share of the grey level that must change, as `FrameCutCreate.scene_change` measures it.
SHARES = [("0.2", "clearly"), ("0.1", "a little"), ("0.3", "very much")]


def video_frames() -> rx.Component:
    """Nothing for an image."""
    writes = may(WRITE) & (S.dataset["status"] != "archived")
    panel = rx.el.section(
        rx.el.div(
            rx.el.strong("Frames"),
            rx.link(
                "Show its frames in order",
                href="/datasets/" + S.dataset["id"] + "?video_id=" + S.opened["id"] + "&sort=frame_ms",
                size="2",
                data_testid="show-frames",
            ),
            class_name="ty-frames-head",
        ),
        rx.cond(S.cut["is_open"], _running(), rx.fragment(_over(), rx.cond(writes, _form(), rx.fragment()))),
        aria_label="Frames of this video",
        class_name="ty-frames",
        data_testid="video-frames",
    )
    return rx.cond(S.opened["is_video"], panel, rx.fragment())


def _running() -> rx.Component:
    stop = rx.button(
        "Cancel",
        on_click=S.cancel_cut,
        size="1",
        variant="soft",
        color_scheme="gray",
        aria_label="Cancel the cut",
        data_testid="cancel-cut",
    )
    tone = rx.cond(S.cut["status"] == "queued", "waiting", "running")
    return rx.el.div(
        rx.el.div(progress_bar(S.cut["percent"], label=S.cut["words"], tone=tone), class_name="ty-grow"),
        rx.cond(may(WRITE), stop, rx.fragment()),
        class_name="ty-frames-running",
        data_testid="cut-running",
    )


def _over() -> rx.Component:
    """What came of the last cut."""
    failed = callout(S.cut["error"], tone="error", title=S.cut["words"])
    done = rx.el.span(S.cut["words"], class_name="ty-second")
    shown = rx.el.div(rx.cond(S.cut["error"] != "", failed, done), data_testid="cut-outcome")
    return rx.el.div(rx.cond(S.cut["id"] != "", shown, rx.fragment()), role="status")


def _form() -> rx.Component:
    def amount(name: str, default: str, **limits: str) -> rx.Component:
        return rx.el.input(
            name=name,
            type="number",
            default_value=default,
            required=True,
            style=SELECT,
            class_name="ty-select",
            **limits,
        )

    by = quick_select(
        rx.el.option("by time", value=EVERY),
        rx.el.option("by scene", value=SCENES),
        name="by",
        value=S.cut_by,
        on_change=S.choose_cut,
        class_name="ty-select",
        style=SELECT,
    )
    seconds = field("Seconds apart", amount("seconds", "1", min="0.01", max="3600", step="any"))
    change = field("Picture changes", static_choice("scene_change", SHARES, default="0.2"))
    return rx.form(
        rx.el.div(
            field("Take frames", by),
            rx.cond(S.cut_by == SCENES, change, seconds),
            field("At most", amount("limit", "1000", min="1", max="10000", step="1")),
            rx.button("Cut into frames", type="submit", data_testid="cut"),
            class_name="ty-frames-form",
        ),
        error_callout(S.form_error),
        on_submit=S.cut_frames,
        reset_on_submit=False,
    )
