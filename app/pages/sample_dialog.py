"""One sample, large, with its boxes and everything known about it."""

from typing import Any

import reflex as rx

from app.pages.video_frames import video_frames
from components.feedback import callout
from components.shell import facts
from components.stat import digest, relative_time
from components.theme import status_badge
from state.samples import SamplesState as S


def sample_dialog() -> rx.Component:
    """Opens with a tile of the gallery."""
    one = S.opened
    known = facts(
        ("Label", rx.cond(one["label"] != "", one["label"], "none")),
        ("Status", status_badge("sample", one["status"])),
        ("File", rx.cond(one["file_name"] != "", one["file_name"] + " · " + one["size"], one["size"])),
        ("Pixels", one["pixels"]),
        ("Digest", digest(one["sha256"])),
        ("Quality", one["quality"]),
        ("Captured", rx.cond(one["captured_at"] != "", relative_time(one["captured_at"]), "not known")),
        ("Added", relative_time(one["created_at"])),
    )
    rejected = rx.cond(one["reason"] != "", callout(one["reason"], tone="error", title="Rejected"), rx.fragment())
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title("Sample", size="4"),
            rx.dialog.description(one["alt"], class_name="ty-hidden"),
            rx.el.div(_picture(), video_frames(), rejected, known, _kin(), style={"display": "grid", "gap": "14px"}),
            rx.el.div(
                rx.dialog.close(rx.button("Close", variant="soft", color_scheme="gray")),
                rx.link(
                    rx.button("What it touched", variant="soft", color_scheme="gray", data_testid="open-impact"),
                    href="/datasets/" + S.dataset["id"] + "/impact?sample=" + one["id"],
                ),
                rx.link(
                    rx.button("Open in editor", data_testid="open-in-editor"),
                    href="/datasets/" + S.dataset["id"] + "/label?sample=" + one["id"],
                ),
                class_name="ty-dialog-actions",
            ),
            max_width="640px",
            data_testid="sample-dialog",
        ),
        open=one["id"] != "",
        on_open_change=S.close_sample,
    )


def _picture() -> rx.Component:
    one = S.opened
    still = rx.el.img(
        src=one["url"], alt=one["alt"], style={"image_rendering": rx.cond(one["is_tiny"], "pixelated", "auto")}
    )
    moving = rx.el.video(src=one["url"], controls=True, preload="metadata", data_testid="sample-video")
    boxes = rx.el.svg(
        rx.foreach(one["boxes"], _box),
        view_box=one["view_box"],
        preserve_aspect_ratio="xMidYMid meet",
        class_name="ty-sample-boxes",
        aria_hidden="true",
    )
    return rx.el.div(
        rx.cond(one["is_video"], moving, still),
        rx.cond(one["boxes"].length() > 0, boxes, rx.fragment()),
        class_name="ty-sample-large",
    )


def _box(box: Any) -> rx.Component:
    return rx.el.svg.rect(
        rx.el.svg.title(box["name"]),
        x=box["x"].to_string(),
        y=box["y"].to_string(),
        width=box["width"].to_string(),
        height=box["height"].to_string(),
        fill="none",
        stroke=box["colour"],
        stroke_width="2",
        custom_attrs={"vectorEffect": "non-scaling-stroke"},
    )


def _kin() -> rx.Component:
    """Where it belongs: its video, and what looks like it."""
    one = S.opened

    def lead(condition: rx.Var[bool], text: Any, name: str, value: Any) -> rx.Component:
        link = rx.el.button(text, type="button", class_name="ty-chip-button", on_click=S.filter_by(name, value))
        return rx.cond(condition, link, rx.fragment())

    return rx.el.div(
        lead(one["near_group"] != "", "Show what looks like it", "near_group", one["near_group"]),
        lead(one["video_id"] != "", "All frames of its video, at " + one["duration"], "video_id", one["video_id"]),
        class_name="ty-chip-line",
    )
