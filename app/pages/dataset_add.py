"""/datasets/[dataset_id]/add: images and videos into a dataset."""

import reflex as rx

from app.pages.common import may
from app.pages.common import page as framed
from app.pages.dataset_tabs import dataset_tabs
from components.feedback import confirm_dialog, empty_state
from components.image_upload import image_upload
from components.shell import columns, facts, section, stack
from state.dataset_add import DatasetAddState as S
from state.session import SessionState

ROUTE, TITLE = "/datasets/[dataset_id]/add", "Add data · Trainyard"
ON_LOAD = [SessionState.load, S.load]
WRITE = "training:datasets:write"


def _upload() -> rx.Component:
    archived = empty_state("archive", "This dataset is archived", "Make it active again to add to it.")
    place = rx.cond(
        S.dataset["id"] != "",
        image_upload(S.dataset["id"], on_settled=S.files_settled),
        rx.el.div(class_name="ty-upload-drop ty-skeleton"),
    )
    nobody = empty_state("lock", "Only a super admin adds data", "What is in the dataset can be seen under Samples.")
    return section(
        "Images and videos",
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
        "Photos are turned upright; when they were taken is kept.",
        "Greys of 16 bits become 8 bits, CMYK becomes RGB: so training and edge servers see the same picture.",
        "A video becomes one sample. Open it under Samples to cut it into frames.",
        "A pause, a lost connection or a closed tab costs nothing: choose the same folder again.",
    )
    items = [rx.el.li(rule) for rule in rules]
    return section(
        "What happens to them",
        rx.el.ul(
            *items,
            class_name="ty-muted",
            style={
                "margin": "0",
                "padding_left": "18px",
                "list_style": "disc outside",
                "display": "grid",
                "gap": "8px",
            },
        ),
    )


def _place() -> rx.Component:
    """GPS is personal data more often than one thinks: it is kept on purpose only."""
    keep = confirm_dialog(
        rx.button("Keep places", variant="soft", color_scheme="gray", size="1", data_testid="keep-places"),
        title="Keep where pictures were taken?",
        consequences=[
            "Pictures that arrive from now on keep their GPS position, for everybody who may see them.",
            "What was removed from earlier ones does not come back.",
        ],
        confirm_label="Keep places",
        on_confirm=S.keep_location(True),
        test_id="confirm-places",
    )
    drop = rx.button("Remove places", size="1", on_click=S.keep_location(False), data_testid="remove-places")
    words = rx.cond(
        S.keeps_location,
        "Pictures that arrive keep their GPS position.",
        "The GPS position of every picture is removed before it is stored.",
    )
    return section(
        "Where they were taken",
        rx.el.p(words, class_name="ty-muted", style={"margin": "0 0 10px"}, data_testid="places"),
        rx.cond(may(WRITE), rx.cond(S.keeps_location, drop, keep), rx.fragment()),
    )


def page() -> rx.Component:
    """The place to drop files beside what the dataset holds."""
    return framed(
        rx.cond(S.dataset["name"] != "", S.dataset["name"], "Dataset"),
        dataset_tabs("add", S.dataset["id"]),
        columns(_upload(), stack(_holds(), _checks(), _place()), wide=True),
        state=S,
        record=S.dataset["id"],
        active="datasets",
        breadcrumb=[("Datasets", "/datasets")],
    )
