"""A choice between parts of a page, made in the browser alone: no round trip, also while the connection is lost."""

from __future__ import annotations

from collections.abc import Sequence

import reflex as rx


def switch(label: str, options: Sequence[tuple[str, str]]) -> rx.Component:
    """Large buttons, of which one is on: ``(value, text)`` each, the first at the beginning.

    What a choice hides is said by the stylesheet (``.ty-status:has(input[value="jobs"]:checked) …``).
    """
    name = f"switch-{label.lower()}"
    choices = [
        rx.el.label(
            rx.el.input(type="radio", name=name, value=value, default_checked=place == 0, class_name="ty-hidden"),
            rx.el.span(text),
            class_name="ty-switch-choice",
            data_testid=f"{name}-{value}",
        )
        for place, (value, text) in enumerate(options)
    ]
    return rx.el.div(*choices, role="radiogroup", aria_label=label, class_name="ty-switch")
