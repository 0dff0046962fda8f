"""The version that something was trained on: the way to it, and to what its withdrawn samples touched."""

from typing import Any

import reflex as rx

from components.feedback import callout


def version_link(used: Any, missing: str) -> rx.Component:
    """The version by its number, or `missing`."""
    known = rx.link(used["version"], href=used["version_href"], data_testid="dataset-version")
    return rx.cond(used["version"] != "", known, rx.el.span(missing, class_name="ty-muted"))


def withdrawn_callout(used: Any) -> rx.Component:
    """Which samples were withdrawn since, each with what it touched; nothing where none was."""
    links = rx.foreach(
        used["samples"],
        lambda one: rx.el.li(
            rx.link(
                one["name"],
                href=one["href"],
                underline="always",
            )
        ),
    )
    listed = rx.el.ul(
        links,
        aria_label="What the withdrawn samples touched",
        style={"display": "flex", "flex_wrap": "wrap", "gap": "4px 12px", "margin": "6px 0 0", "padding": "0"}
        | {"list_style": "none"},
    )
    said = callout(
        rx.el.div(used["withdrawn"], " What they touched:", listed),
        tone="warning",
        title="Holds withdrawn samples",
        data_testid="withdrawn-samples",
    )
    return rx.cond(used["withdrawn"] != "", said, rx.fragment())
