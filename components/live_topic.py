"""An invisible listener: tells the page's state that something it shows has changed (see ``live_topic.jsx``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import reflex as rx

from components.browser import browser_module


class LiveTopic(rx.Component):
    """Subscribes to topics; hands on at most one message per ``every_ms``, always the last one."""

    library = browser_module("live_topic.jsx")
    tag = "LiveTopic"

    topics: rx.Var[Sequence[str]]
    every_ms: rx.Var[int]
    on_message: rx.EventHandler[rx.event.passthrough_event_spec(str, dict[str, Any])]
    on_reconnect: rx.EventHandler[rx.event.no_args_event_spec]


def live_topic(
    topics: Sequence[str | rx.Var[str]] | rx.Var[list[str]],
    *,
    on_message: rx.EventHandler,
    on_reconnect: Any = None,
    every_ms: int = 1000,
) -> rx.Component:
    """Calls ``on_message(topic, data)`` with the last message, at most every ``every_ms``, without metric points.

    It is also called once (with empty data) when the server begins to watch: look again, something may have been
    missed since the page loaded. ``on_reconnect`` is called after a drop: reload what the page shows.
    """
    events = {"on_reconnect": on_reconnect} if on_reconnect is not None else {}
    return LiveTopic.create(topics=topics, every_ms=every_ms, on_message=on_message, **events)
