"""Numbers and small facts: tiles, progress, digests, and times that tick in the browser."""

from __future__ import annotations

from typing import Any, Literal

import reflex as rx

from components.browser import browser_module

Text = rx.Var[Any] | str | int | float


class _Ticking(rx.Component):
    library = browser_module("stat.jsx")


class RelativeTime(_Ticking):
    """ "12 s ago" or "in 3 min" from an ISO 8601 time, ticking in the browser; exact time on hover."""

    tag = "RelativeTime"
    iso: rx.Var[str]
    missing: rx.Var[str]
    ending: rx.Var[bool]


class AsOf(_Ticking):
    """How old a fact is, ticking; told in other words once it is too old to be believed."""

    tag = "AsOf"
    iso: rx.Var[str]
    word: rx.Var[str]
    stale_after: rx.Var[int]
    missing: rx.Var[str]


class Digest(_Ticking):
    """A shortened digest with a copy button."""

    tag = "Digest"
    value: rx.Var[str]
    label: rx.Var[str]
    length: rx.Var[int]


def relative_time(iso: rx.Var[str] | str, *, missing: str = "never") -> rx.Component:
    """Time since ``iso``; ``missing`` is shown when it is empty."""
    return RelativeTime.create(iso=iso, missing=missing, ending=False)


def time_left(iso: rx.Var[str] | str, *, missing: str = "") -> rx.Component:
    """ "about 3 min left" until ``iso``."""
    return RelativeTime.create(iso=iso, missing=missing, ending=True)


def as_of(
    iso: rx.Var[str] | str,
    *,
    word: rx.Var[str] | str = "as of",
    stale_after: rx.Var[int] | int = 0,
    missing: str = "never heard",
) -> rx.Component:
    """ "as of 12 s ago" from an ISO 8601 time; "Stale: last heard 3 min ago" after ``stale_after`` seconds."""
    return AsOf.create(iso=iso, word=word, stale_after=stale_after, missing=missing, data_testid="as-of")


def digest(value: rx.Var[str] | str, *, label: str = "sha256", length: int = 12) -> rx.Component:
    """``value`` in monospace, short; the whole of it on hover and by the copy button."""
    return Digest.create(value=value, label=label, length=length, data_testid="digest")


def metric_tile(
    label: Text,
    value: Text | rx.Component,
    *,
    hint: Text | rx.Component | None = None,
    icon: str | None = None,
    href: str | rx.Var[str] | None = None,
    tone: Literal["plain", "good", "warning", "bad"] | rx.Var[str] = "plain",
    test_id: str = "metric",
) -> rx.Component:
    """One number with its name, and a quiet line below it."""
    content = [
        rx.el.span(
            rx.icon(icon, size=15, aria_hidden="true") if icon else rx.fragment(), label, class_name="ty-tile-label"
        ),
        rx.el.span(value, class_name="ty-tile-value"),
        rx.el.span(hint if hint is not None else "\u00a0", class_name="ty-tile-hint"),
    ]
    if href is None:
        return rx.el.div(*content, class_name="ty-tile", data_tone=tone, data_testid=test_id)
    inner = rx.el.span(*content, class_name="ty-tile-inner")
    return rx.link(
        inner, href=href, underline="none", class_name="ty-tile is-link", data_tone=tone, data_testid=test_id
    )


def tile_row(*tiles: rx.Component) -> rx.Component:
    """Tiles side by side, as many per line as fit."""
    return rx.el.div(*tiles, class_name="ty-tiles")


def progress_bar(
    percent: rx.Var[int] | int,
    *,
    label: Text,
    eta: rx.Var[str] | str | None = None,
    note: Text | rx.Component | None = None,
    tone: rx.Var[str] | Literal["running", "done", "failed", "waiting"] = "running",
    compact: bool = False,
) -> rx.Component:
    """How far something is. ``eta`` is the ISO time of the expected end; ``note`` stands at the right of the label."""
    bar = rx.el.div(
        rx.el.div(
            class_name="ty-progress-fill",
            style={
                "transform": rx.Var.create(f"scaleX({percent / 100})")
                if not isinstance(percent, rx.Var)
                else "scaleX(" + (percent / 100).to_string() + ")"
            },
        ),
        class_name="ty-progress-track",
        role="progressbar",
        aria_valuemin=0,
        aria_valuemax=100,
        aria_valuenow=percent,
        aria_label=label,
    )
    value = rx.el.span(percent, "%", class_name="ty-progress-value")
    if compact:
        return rx.el.div(bar, value, class_name="ty-progress is-compact", data_tone=tone, data_testid="progress")
    head = rx.el.div(
        rx.el.span(label, class_name="ty-progress-label"),
        rx.el.span(class_name="ty-grow"),
        rx.el.span(note, class_name="ty-progress-note") if note is not None else rx.fragment(),
        rx.el.span(time_left(eta), class_name="ty-progress-note") if eta is not None else rx.fragment(),
        value,
        class_name="ty-progress-head",
    )
    return rx.el.div(head, bar, class_name="ty-progress", data_tone=tone, data_testid="progress")
