"""/models: every model version of every module, with its scores and its status."""

import reflex as rx

from app.pages.common import filter_choice, filters
from app.pages.common import page as framed
from components.feedback import empty_state
from components.live_topic import live_topic
from components.shell import section
from components.stat import relative_time
from components.table import Column, Pager, Sorting, data_table
from components.theme import STATUSES, chip, status_badge
from state.model_versions import ModelVersionsState as S
from state.session import SessionState

ROUTE, TITLE = "/models", "Models · Trainyard"
ON_LOAD = [SessionState.load, S.load]

COLUMNS = [
    Column("Version", lambda row: rx.el.span(row["version"], class_name="ty-first"), phone="title", width="110px"),
    Column("Module", lambda row: chip(row["ai_module"], icon="tag")),
    Column("Status", lambda row: status_badge("model_version", row["status"]), width="140px"),
    Column("Accuracy", lambda row: row["accuracy"], width="100px", align="right"),
    Column("Precision", lambda row: row["precision"], width="100px", align="right", phone="hidden"),
    Column("Recall", lambda row: row["recall"], width="100px", align="right", phone="hidden"),
    Column("F1", lambda row: row["f1"], width="100px", align="right"),
    Column("Created", lambda row: relative_time(row["created_at"]), width="130px", align="right", sort="created_at"),
]


def page() -> rx.Component:
    """Filters and the list."""
    filtered = (S.status != "") | (S.module != "")
    statuses = [(name, look.label) for name, look in STATUSES["model_version"].items()]
    return framed(
        "Models",
        live_topic(["models"], on_message=S.on_live, on_reconnect=S.load, every_ms=1000),
        filters(
            filter_choice("Module", S.module, S.modules, S.filter_module),
            filter_choice("Status", S.status, statuses, S.filter_status),
        ),
        section(
            "Model versions",
            data_table(
                S.rows,
                COLUMNS,
                label="Model versions",
                loading=S.loading,
                row_href=lambda row: "/models/" + row["id"],
                row_id=lambda row: row["id"],
                empty=empty_state(
                    "package-check",
                    rx.cond(filtered, "No version fits these filters", "No model versions yet"),
                    rx.cond(
                        filtered,
                        "Take a filter away to see more.",
                        "Every training job that completes makes a draft version. It is tested, approved by a person, "
                        "released, and then deployed.",
                    ),
                    rx.cond(filtered, rx.fragment(), rx.link(rx.button("Go to training jobs"), href="/jobs")),
                ),
                pager=Pager(S.has_previous, S.has_next, S.previous_page, S.next_page, S.summary),
                sorting=Sorting(S.sort, S.sort_by),
            ),
            flush=True,
        ),
        state=S,
        active="models",
        subtitle="Draft, tested, approved by a person, released, deprecated",
    )
