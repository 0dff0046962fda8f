"""A picture under review with its boxes, keys for the decision, and a region marked by dragging."""

from __future__ import annotations

from typing import Any

import reflex as rx

from components.browser import browser_module


class ReviewCanvas(rx.Component):
    """See ``review_canvas.jsx``; ``boxes`` are as a sample keeps them, ``region`` is x, y, width, height or empty."""

    library = browser_module("review_canvas.jsx")
    tag = "ReviewCanvas"

    src: rx.Var[str]
    alt: rx.Var[str]
    width: rx.Var[int]
    height: rx.Var[int]
    boxes: rx.Var[list[dict[str, Any]]]
    colours: rx.Var[dict[str, str]]
    region: rx.Var[list[float]]
    on_region: rx.EventHandler[rx.event.passthrough_event_spec(list[float])]
    on_action: rx.EventHandler[rx.event.passthrough_event_spec(str)]


def review_canvas(
    *,
    src: rx.Var[str],
    alt: rx.Var[str],
    width: rx.Var[int],
    height: rx.Var[int],
    boxes: rx.Var[list[dict[str, Any]]],
    colours: rx.Var[dict[str, str]],
    region: rx.Var[list[float]],
    on_region: Any,
    on_action: Any,
) -> rx.Component:
    """``on_action`` is called with accept, fix, reject, next or previous when its key (A, F, R, J, K) is pressed."""
    return ReviewCanvas.create(
        src=src,
        alt=alt,
        width=width,
        height=height,
        boxes=boxes,
        colours=colours,
        region=region,
        on_region=on_region,
        on_action=on_action,
        data_testid="review-canvas",
    )
