"""Pictures side by side, each with what one person says about it: boxes in their own colour, what differs marked.

Rules: places are percent of the picture, so a board fits any width; colour never speaks alone, so a box that differs is
dashed, one that somebody did not draw is dotted and named so, and all are told in words under the pictures.
"""

from __future__ import annotations

from typing import Any

import reflex as rx

Text = rx.Var[Any] | str


def board(src: Text, boxes: Any = None, *, alt: Text) -> rx.Component:
    """A picture with ``boxes``: ``{"left", "top", "width", "height"}`` in percent, ``name``, ``look``; None: bare."""

    def one(box: Any) -> rx.Component:
        place = {"left": box["left"], "top": box["top"], "width": box["width"], "height": box["height"]}
        return rx.el.span(
            rx.el.span(box["name"], class_name="ty-board-name"),
            class_name="ty-board-box",
            data_look=box["look"],
            style=place,
            data_testid="board-box",
        )

    return rx.el.div(
        rx.el.img(src=src, alt=alt, loading="lazy", decoding="async"),
        rx.fragment() if boxes is None else rx.foreach(boxes, one),
        class_name="ty-board",
    )


def opinion_panel(
    title: Text, label: Text, note: Text, *content: rx.Component, action: rx.Component, **props: Any
) -> rx.Component:
    """One person's opinion: who, what in words, the picture if there is something to draw, and what can be done."""
    return rx.el.li(
        rx.el.div(
            rx.el.strong(title, class_name="ty-opinion-who"),
            rx.el.span(note, class_name="ty-second"),
            class_name="ty-opinion-head",
        ),
        rx.el.p(label, class_name="ty-opinion-label"),
        *content,
        rx.el.div(action, class_name="ty-opinion-action"),
        class_name="ty-opinion",
        data_testid="opinion",
        **props,
    )


def opinion_panels(panels: Any, one: Any, *, label: str) -> rx.Component:
    """Panels beside each other, as many as fit; each keeps its colour."""
    return rx.el.ul(rx.foreach(panels, one), class_name="ty-opinions", aria_label=label)
