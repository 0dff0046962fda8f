"""A select whose value the server holds (see ``quick_select.jsx``): what is chosen is shown without a round trip."""

from __future__ import annotations

from typing import Any

import reflex as rx

from components.browser import browser_module


class QuickSelect(rx.Component):
    """A plain ``<select>``; its children are the options."""

    library = browser_module("quick_select.jsx")
    tag = "QuickSelect"

    name: rx.Var[str]
    value: rx.Var[str]
    required: rx.Var[bool]
    on_change: rx.EventHandler[rx.event.passthrough_event_spec(str)]


def quick_select(*options: rx.Component, value: rx.Var[str], on_change: Any, **props: Any) -> rx.Component:
    """A select that stands on ``value`` and tells ``on_change(value)`` what a person chose."""
    return QuickSelect.create(*options, value=value, on_change=on_change, **props)
