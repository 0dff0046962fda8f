"""/datasets/[dataset_id]/label: the editor. ``?sample=<id>`` opens a sample; filters choose its neighbours."""

import reflex as rx

from app.pages.common import may
from app.pages.common import page as framed
from app.pages.dataset_tabs import dataset_tabs
from components.label_editor import label_editor
from components.theme import status_badge
from state.labelling import LabellingState as S
from state.session import SessionState

ROUTE, TITLE = "/datasets/[dataset_id]/label", "Label · Trainyard"
ON_LOAD = [SessionState.load, S.load]
WRITE = "training:datasets:write"


def page() -> rx.Component:
    """The editor has the whole width, under the tabs of its dataset."""
    return framed(
        rx.cond(S.name != "", S.name, "Dataset"),
        dataset_tabs("label", S.dataset_id),
        label_editor(
            dataset_id=S.dataset_id,
            person=S.person,
            task=S.task,
            classes=S.classes,
            can_write=may(WRITE) & ~S.is_archived,
        ),
        state=S,
        record=S.dataset_id,
        active="datasets",
        breadcrumb=[("Datasets", "/datasets")],
        badge=rx.cond(S.is_archived, status_badge("dataset", "archived"), rx.fragment()),
    )
