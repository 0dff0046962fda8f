"""World map of edge servers, drawn without any external request (see ``edge_map.jsx``)."""

from __future__ import annotations

from typing import Any, ClassVar

import reflex as rx

from components.browser import browser_module

WORLD = "/countries-110m.json"


class EdgeMap(rx.Component):
    """SVG map; sites are ``{"id", "name", "latitude", "longitude", "health", "version", "last_heartbeat_at"}``."""

    library = browser_module("edge_map.jsx")
    tag = "EdgeMap"
    lib_dependencies: ClassVar[list[str]] = ["d3-geo@3.1.2", "topojson-client@3.1.0"]

    world_url: rx.Var[str]
    sites: rx.Var[list[dict[str, Any]]]
    selected: rx.Var[str]
    height: rx.Var[int]
    on_select: rx.EventHandler[rx.event.passthrough_event_spec(str)]


def edge_map(
    sites: rx.Var[list[dict[str, Any]]] | list[dict[str, Any]],
    *,
    selected: rx.Var[str] | str = "",
    on_select: Any = None,
    height: int = 420,
) -> rx.Component:
    """Sites on the map; ``health`` is ok, late, offline or never; ``on_select(site_id)`` (a string).

    Sites without latitude or longitude are counted under the map instead of being guessed.
    """
    events = {"on_select": on_select} if on_select is not None else {}
    return EdgeMap.create(
        world_url=WORLD, sites=sites, selected=selected, height=height, data_testid="edge-map", **events
    )
