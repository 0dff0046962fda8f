"""A picture with boxes drawn over it: what was there before dashed, what is there now drawn through."""

from __future__ import annotations

from typing import Any

import reflex as rx

_COLOURS = {"before": "var(--red-9)", "after": "var(--green-9)", "same": "var(--gray-8)"}


def _box(box: Any) -> rx.Component:
    dashed = rx.cond(box["tone"] == "before", "dashed", "solid")
    colour = rx.match(box["tone"], *_COLOURS.items(), "var(--gray-8)")
    return rx.el.span(
        title=box["label"],
        style={
            "position": "absolute",
            "left": box["x"],
            "top": box["y"],
            "width": box["width"],
            "height": box["height"],
            "border_width": "2px",
            "border_style": dashed,
            "border_color": colour,
            "border_radius": "2px",
            "box_shadow": "0 0 0 1px rgb(255 255 255 / 0.55)",  # seen on a picture of the same colour too
        },
    )


def boxed_image(src: rx.Var[str], alt: rx.Var[str], boxes: Any) -> rx.Component:
    """The picture as large as its place; ``boxes``: ``{"x", "y", "width", "height", "tone", "label"}``, lengths with %.

    The boxes lie in the picture's own frame, so the picture is not cut.
    """
    picture = rx.el.img(
        src=src,
        alt=alt,
        loading="lazy",
        style={"display": "block", "max_width": "100%", "max_height": "220px", "min_height": "56px"},
    )
    frame = rx.el.span(
        picture,
        rx.foreach(boxes, _box),
        style={"position": "relative", "display": "inline-block", "line_height": "0"},
    )
    return rx.el.div(
        frame,
        style={
            "display": "grid",
            "place_items": "center",
            "min_height": "140px",
            "background": "var(--gray-a3)",
            "border_radius": "8px",
            "overflow": "hidden",
        },
    )
