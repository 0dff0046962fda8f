"""The editor in which people label samples with mouse, fingers and keys (see ``label_editor.jsx``)."""

from __future__ import annotations

from typing import Any, ClassVar

import reflex as rx

from components.browser import browser_module


class LabelEditor(rx.Component):
    """Talks to the REST API itself: no stroke of a pen or a key goes through the page's state."""

    library = browser_module("label_editor.jsx")
    tag = "LabelEditor"
    # The core and not its React binding, which asks for a viewer of tiled images that nothing here needs.
    lib_dependencies: ClassVar[list[str]] = ["@annotorious/annotorious@3.8.10"]

    dataset_id: rx.Var[str]
    person: rx.Var[str]
    task: rx.Var[str]
    classes: rx.Var[list[dict[str, Any]]]
    can_write: rx.Var[bool]


def label_editor(
    *,
    dataset_id: rx.Var[str],
    person: rx.Var[str],
    task: rx.Var[str],
    classes: rx.Var[list[dict[str, Any]]],
    can_write: rx.Var[bool],
) -> rx.Component:
    """The editor for one dataset, at the sample that the address names (``?sample=<id>``) or the next that waits.

    ``classes`` are those of the label schema: ``{"name", "color", "key", "attributes"}``. ``person`` keeps the drafts
    of people who share a browser apart. Without ``can_write`` one can look and not change.
    """
    return LabelEditor.create(dataset_id=dataset_id, person=person, task=task, classes=classes, can_write=can_write)
