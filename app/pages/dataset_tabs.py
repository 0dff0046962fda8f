"""What a dataset can be looked at from: one line of tabs on every page below /datasets/[dataset_id]."""

import reflex as rx

from components.tabs import Tab, tab_line

TABS = (
    Tab("samples", "Samples", "images", ""),
    Tab("add", "Add data", "image-up", "/add"),
    Tab("label", "Label", "square-pen", "/label"),
    Tab("opinions", "Opinions", "users", "/opinions"),
    Tab("review", "Review", "badge-check", "/review"),
    Tab("transfers", "Import & export", "arrow-right-left", "/transfers"),
    Tab("classes", "Classes", "tags", "/classes"),
    Tab("versions", "Versions", "git-commit-horizontal", "/versions"),
    Tab("quality", "Quality", "ruler", "/quality"),
)


def dataset_tabs(active: str, dataset_id: rx.Var[str]) -> rx.Component:
    """The line with `active` marked; the first child of a page of a dataset. It leads nowhere until its id is there."""
    base, label = "/datasets/" + dataset_id, "Pages of this dataset"
    return rx.cond(
        dataset_id != "",
        tab_line(TABS, active, base=base, label=label),
        tab_line(TABS, active, base=base, label=label, linked=False),
    )
