"""The product's loop as a picture with live counts, for the overview page (see ``loop_diagram.jsx``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import reflex as rx

from components.browser import browser_module

STATIONS: tuple[tuple[str, str, str], ...] = (
    ("dataset", "Datasets", "/datasets"),
    ("labels", "Verified labels", "/datasets"),
    ("training", "Training", "/jobs"),
    ("model_version", "Model versions", "/models"),
    ("approval", "Approval", "/models"),
    ("release", "Released", "/models"),
    ("edge", "Edge servers", "/edge-servers"),
    ("heartbeat", "Heartbeats", "/edge-servers"),
    ("samples", "New samples", "/datasets"),
)


class LoopDiagram(rx.Component):
    """Stations ``{"key", "label", "href", "count", "attention"}`` in the order of the loop."""

    library = browser_module("loop_diagram.jsx")
    tag = "LoopDiagram"

    stations: rx.Var[list[dict[str, Any]]]
    moving: rx.Var[bool]


def loop_diagram(
    counts: Mapping[str, rx.Var[Any] | str | int],
    *,
    attention: Mapping[str, rx.Var[bool] | bool] | None = None,
    moving: rx.Var[bool] | bool = False,
) -> rx.Component:
    """``counts`` per station key (see STATIONS; a missing one shows none). Short texts such as "2 of 3" are fine.

    ``attention`` marks stations where a person is needed; ``moving`` lets a wagon run while work is under way.
    """
    unknown = set(counts) - {key for key, _, _ in STATIONS}
    if unknown:
        raise ValueError(f"The loop has no station {', '.join(sorted(unknown))}.")
    marked = attention or {}
    stations = [
        {"key": key, "label": label, "href": href, "count": counts.get(key, ""), "attention": marked.get(key, False)}
        for key, label, href in STATIONS
    ]
    return LoopDiagram.create(stations=stations, moving=moving, data_testid="loop-diagram")
