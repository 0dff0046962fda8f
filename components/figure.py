"""A plot that does not change by itself, from a plotly figure dict of ``app.charts`` (see ``figure.jsx``)."""

from __future__ import annotations

from typing import Any, ClassVar

import reflex as rx

from components.browser import browser_module


class Figure(rx.Component):
    """Draws ``{"data": [...], "layout": {...}}`` in the theme's colours."""

    library = browser_module("figure.jsx")
    tag = "Figure"
    lib_dependencies: ClassVar[list[str]] = ["plotly.js-cartesian-dist-min@3.7.0"]

    figure: rx.Var[dict[str, Any]]
    label: rx.Var[str]
    height: rx.Var[int]


def figure(
    value: rx.Var[dict[str, Any]] | dict[str, Any], *, label: rx.Var[str] | str, height: int = 240
) -> rx.Component:
    """``label`` says in words what the plot shows. Colours are set by the theme: a figure names none."""
    return Figure.create(figure=value, label=label, height=height, data_testid="figure")
