"""/datasets/[dataset_id]/add: images into a dataset."""

import reflex as rx

from app.pages.common import may
from app.pages.common import page as framed
from app.pages.dataset_tabs import dataset_tabs
from components.feedback import empty_state
from components.image_upload import image_upload
from components.shell import columns, facts, section, stack
from state.dataset_add import DatasetAddState as S
from state.session import SessionState

ROUTE, TITLE = "/datasets/[dataset_id]/add", "Add data · Trainyard"
ON_LOAD = [SessionState.load, S.load]
WRITE = "training:datasets:write"


def _upload() -> rx.Component:
    archived = empty_state("archive", "This dataset is archived", "Make it active again to add images.")
    place = rx.cond(
        S.dataset["id"] != "",
        image_upload(S.dataset["id"], on_settled=S.files_settled),
        rx.el.div(class_name="ty-upload-drop ty-skeleton"),
    )
    nobody = empty_state("lock", "Only a super admin adds data", "What is in the dataset can be seen under Samples.")
    return section(
        "Images",
        rx.cond(SessionState.known & ~may(WRITE), nobody, rx.cond(S.dataset["status"] == "archived", archived, place)),
    )


def _holds() -> rx.Component:
    return section(
        "In the dataset now",
        facts(
            ("Samples", S.dataset["samples"].to(str)),
            ("Labelled", S.dataset["labeled"].to(str)),
            ("Size", S.dataset["size"]),
        ),
    )


def _checks() -> rx.Component:
    rules = (
        "The type is told by the content, never by the name. What is no image, damaged, animated or larger than "
        "64 million pixels is left out, with the reason.",
        "The same content goes in once. Pictures that look nearly the same are marked.",
        "Photos are turned upright; where they were taken is removed, when is kept.",
        "Greys of 16 bits become 8 bits, CMYK becomes RGB: so training and edge servers see the same picture.",
        "A pause, a lost connection or a closed tab costs nothing: choose the same folder again.",
    )
    items = [rx.el.li(rule) for rule in rules]
    return section(
        "What happens to them",
        rx.el.ul(
            *items,
            class_name="ty-muted",
            style={"margin": "0", "padding_left": "18px", "display": "grid", "gap": "8px"},
        ),
    )


def page() -> rx.Component:
    """The place to drop files beside what the dataset holds."""
    return framed(
        rx.cond(S.dataset["name"] != "", S.dataset["name"], "Dataset"),
        dataset_tabs("add", S.dataset["id"]),
        columns(_upload(), stack(_holds(), _checks()), wide=True),
        state=S,
        active="datasets",
        breadcrumb=[("Datasets", "/datasets")],
    )
