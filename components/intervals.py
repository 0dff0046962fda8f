"""Figures with their uncertainty, under each other on one scale from 0 to 1: a dot, its 95 % interval, the number, and
what it rests on. Plain HTML that prints, zooms and reads aloud; every row can lead to what stands behind it."""

from __future__ import annotations

from typing import Any

import reflex as rx
from reflex_components_core.react_router.dom import ReactRouterLink


def _track(row: Any, marks: tuple[float, ...]) -> rx.Component:
    lines = [rx.el.span(class_name="ty-interval-mark", style={"left": f"{mark}%"}) for mark in marks]
    span = rx.el.span(
        class_name="ty-interval-span",
        style={"left": row["low"].to(str) + "%", "width": row["width"].to(str) + "%"},
    )
    dot = rx.el.span(class_name="ty-interval-dot", style={"left": row["at"].to(str) + "%"})
    return rx.el.span(
        *lines,
        rx.cond(row["known"], rx.fragment(span, dot), rx.fragment()),
        class_name="ty-interval",
        aria_hidden="true",
    )


def _row(row: Any, marks: tuple[float, ...]) -> rx.Component:
    name = rx.el.span(row["label"], class_name="ty-interval-name", title=row["label"])
    linked = ReactRouterLink.create(name, to=row["href"], class_name="ty-interval-link", aria_label=row["opens"])
    return rx.el.li(
        rx.cond(row["href"] != "", linked, name),
        _track(row, marks),
        rx.el.span(row["text"], class_name="ty-interval-text"),
        rx.el.span(row["rests"], class_name="ty-interval-rests"),
        class_name="ty-interval-row",
        title=row["hint"],
        data_tone=row["tone"],
        data_testid="interval",
    )


def interval_list(
    rows: rx.Var[list[dict[str, Any]]], *, label: str, marks: tuple[float, ...] = (), test_id: str = "intervals"
) -> rx.Component:
    """Rows ``{"label", "low", "width", "at" (percent), "known", "text", "rests", "hint", "href", "opens", "tone"}``.

    ``marks`` are lines over all rows, in percent; ``tone`` is good, fair, low or plain; ``href`` "" leads nowhere.
    """
    return rx.el.ul(
        rx.foreach(rows, lambda row: _row(row, marks)), class_name="ty-intervals", aria_label=label, data_testid=test_id
    )
