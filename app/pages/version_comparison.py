"""Two versions of a dataset compared: how often what happened, and the samples it happened to."""

from typing import Any

import reflex as rx

from app.pages.common import SELECT
from components.boxed_image import boxed_image
from components.feedback import callout, empty_state
from components.shell import section
from state.dataset_versions import DatasetVersionsState as S

CARDS = {"display": "grid", "gap": "14px", "grid_template_columns": "repeat(auto-fill, minmax(min(100%, 210px), 1fr))"}
LEGEND = {"margin": "0 0 12px"}
LINE = {"display": "flex", "flex_wrap": "wrap", "gap": "8px", "align_items": "center"}


def _choice(name: str, label: str, present: Any) -> rx.Component:
    return rx.el.select(
        rx.foreach(S.rows, lambda row: rx.el.option(row["version"], value=row["version"])),
        name=name,
        default_value=present,
        key=present,
        aria_label=label,
        class_name="ty-select",
        style={**SELECT, "width": "auto", "min_width": "88px"},
    )


def comparison() -> rx.Component:
    """Two versions to choose, and what changed from the first to the second."""
    form = rx.form(
        rx.el.div(
            _choice("before", "From version", rx.cond(S.before != "", S.before, S.rows[1]["version"])),
            rx.icon("arrow-right", size=15, aria_hidden="true"),
            _choice("after", "To version", S.after),
            rx.button("Compare", type="submit", variant="soft", data_testid="compare"),
            style=LINE,
        ),
        on_submit=S.compare,
        reset_on_submit=False,
    )
    chips = rx.el.div(
        rx.foreach(
            S.counts,
            lambda count: rx.button(
                count["text"],
                size="1",
                variant=rx.cond(S.kind == count["kind"], "solid", "soft"),
                color_scheme="gray",
                on_click=S.filter_kind(count["kind"]),
                aria_pressed=S.kind == count["kind"],
            ),
        ),
        style={**LINE, "margin": "14px 0"},
        data_testid="counts",
    )
    schema = rx.cond(S.schema_changed, callout("The classes differ between the two.", tone="warning"), rx.fragment())
    same = empty_state("equal", "No difference", "Both versions hold the same samples with the same labels.")
    cards = rx.el.div(rx.foreach(S.cards, _card), style=CARDS, data_testid="changes")
    more = rx.cond(
        S.more_cards,
        rx.button("Next changes", variant="soft", on_click=S.next_cards, style={"margin_top": "14px"}),
        rx.fragment(),
    )
    legend = rx.cond(
        S.shown["has_boxes"],
        rx.el.p("Dashed red: before. Green: after. Grey: the same.", class_name="ty-second", style=LEGEND),
        rx.fragment(),
    )
    found = rx.fragment(chips, schema, rx.cond(S.cards.length() > 0, rx.fragment(legend, cards, more), same))
    return rx.cond(
        S.rows.length() > 1, section("Compare", form, rx.cond(S.is_comparing, found, rx.fragment())), rx.fragment()
    )


def _card(card: Any) -> rx.Component:
    said = rx.el.span(
        card["before"],
        rx.cond(
            card["before"] == card["after"],
            rx.fragment(),
            rx.el.span(" → ", rx.el.strong(card["after"])),
        ),
    )
    used = rx.link("Where it was used", href="/datasets/" + S.dataset_id + "/impact?sample=" + card["id"], size="1")
    return rx.el.article(
        boxed_image(card["url"], card["alt"], card["boxes"].to(list[dict[str, str]])),
        rx.el.div(said, rx.el.span(card["kinds"], class_name="ty-second"), used, class_name="ty-two"),
        style={"display": "grid", "gap": "8px", "align_content": "start"},
        data_testid="change",
    )
