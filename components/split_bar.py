"""How samples are divided into train, validation and test: one bar of up to three parts, and the numbers in words."""

from __future__ import annotations

from typing import Any

import reflex as rx

_COLOURS = {"train": "var(--accent-9)", "validation": "var(--amber-9)", "test": "var(--green-9)"}


def split_bar(parts: Any, words: rx.Var[str]) -> rx.Component:
    """``parts`` are ``{"name", "percent", "count"}``; ``words`` says the same to those who do not see the bar."""

    def part(each: Any) -> rx.Component:
        colour = rx.match(each["name"], *_COLOURS.items(), "var(--gray-8)")
        return rx.el.span(style={"width": each["percent"] + "%", "background": colour}, title=each["name"])

    bar = rx.el.span(
        rx.foreach(parts, part),
        aria_hidden="true",
        style={
            "display": "flex",
            "gap": "2px",
            "height": "6px",
            "min_width": "120px",
            "border_radius": "3px",
            "overflow": "hidden",
            "background": "var(--gray-a4)",
        },
    )
    return rx.el.div(
        bar, rx.el.span(words, class_name="ty-second"), style={"display": "grid", "gap": "4px", "min_width": "0"}
    )
