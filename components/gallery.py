"""Samples as a gallery of any length (see ``sample_gallery.jsx``): tiles come from the API, never through a state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import reflex as rx

from components.browser import browser_module


class SampleGallery(rx.Component):
    """A window onto a long list; its children are shown when the list is empty."""

    library = browser_module("sample_gallery.jsx")
    tag = "SampleGallery"

    url: rx.Var[str]
    query: rx.Var[str]
    topic: rx.Var[str]
    revision: rx.Var[int]
    picked: rx.Var[Sequence[str]]
    pickable: rx.Var[bool]
    colours: rx.Var[dict[str, str]]
    label: rx.Var[str]
    on_pick: rx.EventHandler[rx.event.passthrough_event_spec(list[str], list[str])]
    on_open: rx.EventHandler[rx.event.passthrough_event_spec(str)]


def sample_gallery(
    *,
    url: rx.Var[str] | str,
    query: rx.Var[str] | str,
    topic: rx.Var[str] | str,
    revision: rx.Var[int] | int,
    colours: rx.Var[dict[str, str]],
    picked: rx.Var[list[str]],
    pickable: rx.Var[bool] | bool,
    on_pick: Any,
    on_open: Any,
    empty: rx.Component,
    label: str = "Samples",
) -> rx.Component:
    """The samples that ``url?query`` lists (``position``, ``cursor`` and ``limit`` are added).

    ``topic`` tells that the list changed; another ``revision`` asks to look again now; ``colours`` are those of classes
    by name. ``on_pick(more, fewer)`` hears which ids a person picked and which were put back,
    at most 500 are picked; ``on_open(id)`` that a tile was opened.
    """
    return SampleGallery.create(
        empty,
        url=url,
        query=query,
        topic=topic,
        revision=revision,
        colours=colours,
        picked=picked,
        pickable=pickable,
        on_pick=on_pick,
        on_open=on_open,
        label=label,
        data_testid="gallery",
    )
