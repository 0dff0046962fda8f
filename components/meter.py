"""How much of a limit is used: name, bar, numbers, and in words what that means."""

from __future__ import annotations

from typing import Any

import reflex as rx


def _meter(row: Any) -> rx.Component:
    mark = rx.match(
        row["tone"],
        ("warning", rx.icon("triangle-alert", size=14, aria_hidden="true")),
        ("bad", rx.icon("circle-alert", size=14, aria_hidden="true")),
        ("off", rx.icon("lock", size=14, aria_hidden="true")),
        rx.fragment(),
    )
    head = rx.el.div(
        rx.el.span(row["label"], class_name="ty-meter-name"),
        rx.el.span(row["amount"], class_name="ty-meter-amount"),
        class_name="ty-meter-head",
    )
    track = rx.el.div(
        rx.el.div(class_name="ty-meter-fill", style={"width": row["percent"].to(str) + "%"}),
        class_name="ty-meter-track",
        aria_hidden="true",  # numbers and words beside it say the same
    )
    return rx.el.li(
        head,
        track,
        rx.el.span(mark, rx.el.span(row["words"]), class_name="ty-meter-words"),
        class_name="ty-meter",
        data_tone=row["tone"],
        data_testid="meter",
        data_meter=row["key"],
    )


def meter_list(rows: rx.Var[list[Any]], *, label: str) -> rx.Component:
    """Meters ``{"key", "label", "percent" (0-100), "amount", "words", "tone": plain|warning|bad|off|open}``.

    ``off`` is what nothing may be used of, ``open`` what has no limit; neither draws a bar.
    """
    return rx.el.ul(rx.foreach(rows, _meter), class_name="ty-meters", aria_label=label)
