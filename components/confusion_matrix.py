"""Which class was taken for which: a real table coloured as a heat map (see ``confusion_matrix.jsx``)."""

from __future__ import annotations

import reflex as rx

from components.browser import browser_module


class ConfusionMatrix(rx.Component):
    """Rows are the true class, columns what the model said."""

    library = browser_module("confusion_matrix.jsx")
    tag = "ConfusionMatrix"

    labels: rx.Var[list[str]]
    matrix: rx.Var[list[list[int]]]


def confusion_matrix(
    labels: rx.Var[list[str]] | list[str], matrix: rx.Var[list[list[int]]] | list[list[int]]
) -> rx.Component:
    """``matrix[true][predicted]`` counts; ``labels`` in the same order."""
    return ConfusionMatrix.create(labels=labels, matrix=matrix, data_testid="confusion-matrix")
