"""A grid of samples. Every tile has its final size before its picture arrives, so nothing jumps while one scrolls.

Rules: pictures load lazily; what was decided about a sample is told by glyph and words beside its colour; opening and
selecting are two real controls, both reachable by keyboard.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import reflex as rx

from components.feedback import skeleton
from components.theme import STATUSES

Text = rx.Var[Any] | str
_MARKED = ("labeled", "verified", "rejected")


def _mark(status: rx.Var[str] | str) -> rx.Component:
    def one(name: str) -> rx.Component:
        look = STATUSES["sample"][name]
        return rx.el.span(
            rx.icon(look.icon, size=13, aria_hidden="true"),
            rx.el.span(look.label, class_name="ty-hidden"),
            class_name="ty-sample-mark",
            data_accent_color=look.colour,
            title=look.label,
            data_status=name,
        )

    if isinstance(status, str):
        return one(status) if status in _MARKED else rx.fragment()
    return rx.match(status, *[(name, one(name)) for name in _MARKED], rx.fragment())


def sample_card(
    *,
    src: Text,
    alt: Text,
    label: Text = "",
    status: rx.Var[str] | str = "unlabeled",
    selected: rx.Var[bool] | bool | None = None,
    on_toggle: Any = None,
    on_open: Any = None,
    pixelated: rx.Var[bool] | bool = False,
) -> rx.Component:
    """One sample. ``label`` is the class it was given ("" for none); ``status`` as in ``status_badge("sample", …)``.

    ``on_toggle`` adds the selection checkbox, ``on_open`` makes the picture a button; ``pixelated`` keeps the pixels
    of tiny pictures sharp instead of smearing them.
    """
    sharp = rx.cond(pixelated, "ty-sample-image is-pixelated", "ty-sample-image")
    picture: rx.Component = rx.el.img(src=src, alt=alt, loading="lazy", decoding="async", class_name=sharp)
    if on_open is not None:
        picture = rx.el.button(
            picture,
            type="button",
            on_click=on_open,
            class_name="ty-sample-open",
            aria_label="Open " + alt,
            data_testid="sample-open",
        )
    check = rx.fragment()
    if on_toggle is not None:
        check = rx.el.label(
            rx.el.input(
                type="checkbox",
                checked=False if selected is None else selected,
                on_change=on_toggle,
                aria_label="Select " + alt,
                data_testid="sample-select",
            ),
            class_name="ty-sample-check",
        )
    named = rx.el.span(label, class_name="ty-sample-label")
    unnamed = rx.el.span("no label", class_name="ty-sample-label is-none")
    caption = (named if label else unnamed) if isinstance(label, str) else rx.cond(label, named, unnamed)
    state = {} if selected is None else {"data_selected": rx.cond(selected, "true", "false")}
    return rx.el.li(
        rx.el.div(picture, check, _mark(status), class_name="ty-sample-frame"),
        rx.el.div(caption, class_name="ty-sample-caption"),
        class_name="ty-sample",
        data_testid="sample",
        **state,
    )


def sample_grid(
    samples: rx.Var[list[Any]],
    card: Callable[[Any], rx.Component],
    *,
    label: str,
    empty: rx.Component,
    loading: rx.Var[bool] | bool = False,
    placeholders: int = 24,
) -> rx.Component:
    """``card`` for each of ``samples`` (one page of them); grey tiles of the same size while the first page loads."""
    busy = loading if isinstance(loading, rx.Var) else rx.Var.create(loading)
    tile = rx.el.li(
        rx.el.div(class_name="ty-sample-frame ty-skeleton"),
        rx.el.div(skeleton(width="40%", height="12px"), class_name="ty-sample-caption"),
        class_name="ty-sample",
        aria_hidden="true",
    )
    grid = rx.el.ul(
        rx.foreach(samples, card),
        aria_label=label,
        aria_busy=busy,
        data_testid="sample-grid",
        class_name=rx.cond(busy, "ty-samples is-busy", "ty-samples"),
    )
    waiting = rx.el.ul(*[tile for _ in range(placeholders)], class_name="ty-samples", aria_label=f"{label}, loading")
    return rx.cond(samples.length() > 0, grid, rx.cond(busy, waiting, empty))
