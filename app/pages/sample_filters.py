"""The filters over the gallery of a dataset: the usual ones in a line, all in a form, those that are set as chips."""

from typing import Any

import reflex as rx

from app.pages.common import choice, field, filter_choice, filters, form_dialog, static_choice
from components.quick_select import quick_select
from components.theme import STATUSES
from state.samples import SamplesState as S

YES_NO = [("", "Both"), ("true", "Yes"), ("false", "No")]
SORTS = [
    ("", "Newest first"),
    ("created_at", "Oldest first"),
    ("-updated_at", "Changed last first"),
    ("-file_size", "Largest file first"),
    ("file_size", "Smallest file first"),
    ("-captured_at", "Captured last first"),
    ("captured_at", "Captured first first"),
    ("quality_score", "Lowest quality first"),
    ("-quality_score", "Highest quality first"),
]
GRID = {"display": "grid", "grid_template_columns": "repeat(auto-fill, minmax(190px, 1fr))", "gap": "12px"}


def filter_line() -> rx.Component:
    """Status, class and order; a button for the rest; under it what is set."""
    statuses = [(name, look.label) for name, look in STATUSES["sample"].items()]
    return rx.fragment(
        filters(
            filter_choice("Status", S.filters["status"], statuses, lambda value: S.filter_by("status", value)),
            filter_choice("Class", S.filters["label"], S.classes, lambda value: S.filter_by("label", value)),
            _order(),
            rx.button(
                rx.icon("sliders-horizontal", size=14),
                "All filters",
                on_click=S.show_filters(True),
                variant="soft",
                color_scheme="gray",
                data_testid="all-filters",
            ),
        ),
        rx.cond(S.chips.length() > 0, _chips(), rx.fragment()),
        _form(),
    )


def _order() -> rx.Component:
    return quick_select(
        *[rx.el.option(text, value=value) for value, text in SORTS],
        value=S.filters["sort"],
        on_change=lambda value: S.filter_by("sort", value),
        aria_label="Order",
        class_name="ty-select ty-select-auto",
        data_testid="sample-order",
    )


def _chips() -> rx.Component:
    def chip(one: Any) -> rx.Component:
        return rx.el.li(
            rx.el.button(
                one["text"],
                rx.icon("x", size=12, aria_hidden="true"),
                type="button",
                on_click=S.filter_by(one["name"], ""),
                aria_label="Take away: " + one["text"],
                class_name="ty-chip-button",
                data_testid="filter-chip",
            )
        )

    clear = rx.el.li(
        rx.el.button("Show all", type="button", on_click=S.clear_filters, class_name="ty-chip-clear"),
    )
    return rx.el.ul(rx.foreach(S.chips, chip), clear, class_name="ty-chip-line", aria_label="Filters that are set")


def _text(name: str, label: str, *, hint: str = "", **props: Any) -> rx.Component:
    control = rx.input(name=name, default_value=S.filters[name], width="100%", min_width="0", **props)
    return field(label, control, hint=hint)


def _person(name: str, label: str) -> rx.Component:
    return field(label, choice(name, S.people, placeholder="Anybody", default_value=S.filters[name]))


def _choice(name: str, label: str, options: list[tuple[str, str]]) -> rx.Component:
    return field(label, static_choice(name, options, default=S.filters[name]))


def _form() -> rx.Component:
    """Every column of a sample. What is left empty is no condition."""
    share = {"type": "number", "min": "0", "max": "1", "step": "0.01"}
    size = {"type": "number", "min": "0", "step": "1"}
    groups = (
        (
            "File",
            _text("q", "Name", placeholder="IMG 004", hint="Words of the name, by how they begin"),
            _choice("file_type", "Type", [("", "Images and videos"), ("image", "Images"), ("video", "Videos")]),
            _text("size_min", "At least (bytes)", **size),
            _text("size_max", "At most (bytes)", **size),
            _text("created_since", "Added from day (UTC)", type="date"),
            _text("created_until", "Added before day (UTC)", type="date"),
        ),
        (
            "Label and review",
            _person("labeled_by", "Labelled by"),
            _person("verified_by", "Reviewed by"),
            _choice("reviewed", "Reviewed", YES_NO),
            _text("quality_min", "Quality from", **share),
            _text("quality_max", "Quality up to", **share),
        ),
        (
            "Origin",
            _text("captured_since", "Captured from day (UTC)", type="date"),
            _text("captured_until", "Captured before day (UTC)", type="date"),
            _text("source_camera_id", "Camera", placeholder="its id"),
            _text("split", "Imported split", placeholder="train"),
            _text("metadata", "Metadata", placeholder="key=value"),
        ),
        (
            "Kinship",
            _choice("near_duplicates", "Has near-duplicates", YES_NO),
            _text("near_group", "Looks like the group", placeholder="its id"),
            _text("video_id", "Frames of the video", placeholder="its id"),
            _choice("withdrawn", "Withdrawn", YES_NO),
        ),
    )
    parts = [
        rx.el.fieldset(
            rx.el.legend(title, class_name="ty-field-label"),
            rx.el.div(*fields, style=GRID),
            style={"border": "0", "padding": "0", "margin": "0"},
        )
        for title, *fields in groups
    ]
    return form_dialog(
        *parts,
        title="Find samples",
        intro="All conditions must hold. They stand in the page's address, so the list can be shared.",
        submit="Show",
        state=S,
        open=S.is_filtering,
        on_open_change=S.show_filters,
        on_submit=S.filter_form,
        width="720px",
    )
