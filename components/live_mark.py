"""Whether the page is being kept up to date, in a word (see ``live_mark.jsx``)."""

from __future__ import annotations

import reflex as rx

from components.browser import browser_module


class LiveMark(rx.Component):
    """Live, connecting, or reconnecting."""

    library = browser_module("live_mark.jsx")
    tag = "LiveMark"

    topic: rx.Var[str]


def live_mark(topic: str) -> rx.Component:
    """The state of the tab's one socket; ``topic`` is one that the page watches anyway."""
    return LiveMark.create(topic=topic, data_testid="live-mark")
