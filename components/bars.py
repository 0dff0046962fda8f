"""Horizontal bars with names and numbers: figures per class, balance of a dataset. Plain HTML, no chart library."""

from __future__ import annotations

from typing import Any

import reflex as rx


def _bar(row: Any, *, linked: bool) -> rx.Component:
    name = rx.link(row["label"], href=row["href"], color="inherit") if linked else row["label"]
    return rx.el.li(
        rx.el.span(name, class_name="ty-bar-name"),
        rx.el.span(
            rx.el.span(class_name="ty-bar-fill", style={"width": row["percent"].to(str) + "%"}),
            class_name="ty-bar-track",
            aria_hidden="true",
        ),
        rx.el.span(row["text"], class_name="ty-bar-text"),
        class_name="ty-bar-row",
        title=row["hint"],
        data_tone=row["tone"],
    )


def bar_list(
    rows: rx.Var[list[dict[str, Any]]] | list[dict[str, Any]], *, label: str, linked: bool = False
) -> rx.Component:
    """Bars as ``app.charts`` makes them: ``{"label", "percent" (0-100), "text", "hint", "tone": plain|warning}``.

    ``linked`` leads from each name to its ``href``.
    """
    held = rows if isinstance(rows, rx.Var) else rx.Var.create(rows).to(list[dict[str, Any]])
    return rx.el.ul(
        rx.foreach(held, lambda row: _bar(row, linked=linked)),
        class_name="ty-bars",
        aria_label=label,
        data_testid="bars",
    )
