"""Which class was taken for which: a real table coloured as a heat map (see ``confusion_matrix.jsx``)."""

from __future__ import annotations

from typing import Any

import reflex as rx

from components.browser import browser_module


class ConfusionMatrix(rx.Component):
    """Rows are the true class, columns what was said; of ``people`` neither side is the truth."""

    library = browser_module("confusion_matrix.jsx")
    tag = "ConfusionMatrix"

    labels: rx.Var[list[str]]
    matrix: rx.Var[list[list[int]]]
    down: rx.Var[str]
    across: rx.Var[str]
    mutual: rx.Var[bool]
    people: rx.Var[bool]
    on_open: rx.EventHandler[rx.event.passthrough_event_spec(str, str)]


def confusion_matrix(
    labels: rx.Var[list[str]] | list[str],
    matrix: rx.Var[list[list[int]]] | list[list[int]],
    *,
    down: rx.Var[str] | str = "true",
    across: rx.Var[str] | str = "predicted",
    mutual: rx.Var[bool] | bool = False,
    people: rx.Var[bool] | bool = False,
    on_open: Any = None,
) -> rx.Component:
    """``matrix[row][column]`` counts; ``labels`` in the same order; ``down`` and ``across`` name the two sides.

    ``people`` says that both sides are people, ``mutual`` that a cell counts both ways round.
    ``on_open(row_label, column_label)`` makes every cell that counts something a button.
    """
    events = {"on_open": on_open} if on_open is not None else {}
    return ConfusionMatrix.create(
        labels=labels,
        matrix=matrix,
        down=down,
        across=across,
        mutual=mutual,
        people=people,
        data_testid="confusion-matrix",
        **events,
    )
