"""Live curves: history by REST, then points from the tab's one WebSocket (see ``live_chart.jsx``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import reflex as rx

from components.browser import browser_module


class LiveChart(rx.Component):
    """Curves of one job. Points never pass through a Reflex state."""

    library = browser_module("live_chart.jsx")
    tag = "LiveChart"
    lib_dependencies: ClassVar[list[str]] = ["plotly.js-cartesian-dist-min@3.7.0"]

    topic: rx.Var[str]
    snapshot_url: rx.Var[str]
    names: rx.Var[Sequence[str]]
    title: rx.Var[str]
    y_label: rx.Var[str]
    x_label: rx.Var[str]
    height: rx.Var[int]
    log_y: rx.Var[bool]
    finished: rx.Var[bool]
    smoothable: rx.Var[bool]


def live_chart(
    *,
    topic: rx.Var[str] | str,
    snapshot_url: rx.Var[str] | str,
    names: Sequence[str] | rx.Var[list[str]],
    title: str,
    y_label: str = "",
    x_label: str = "step",
    height: int = 260,
    log_y: bool = False,
    finished: rx.Var[bool] | bool = False,
    smoothable: bool = True,
    test_id: str = "live-chart",
) -> rx.Component:
    """Curves ``names`` of ``topic`` (for example ``job:<id>``).

    ``snapshot_url`` answers ``{"series": {name: {"step": [...], "value": [...]}}, "last_step": n}``;
    ``finished`` turns the mark to "Finished" when the page already knows that nothing more will come.
    """
    return LiveChart.create(
        topic=topic,
        snapshot_url=snapshot_url,
        names=names,
        title=title,
        y_label=y_label,
        x_label=x_label,
        height=height,
        log_y=log_y,
        finished=finished,
        smoothable=smoothable,
        data_testid=test_id,
    )
