"""/datasets: every dataset with how far its labels are, and the form of a new one."""

from typing import Any

import reflex as rx

from app.pages.common import choice, field, filter_choice, filters, form_dialog, may, static_choice, told
from app.pages.common import page as framed
from components.feedback import empty_state
from components.shell import section
from components.stat import progress_bar, relative_time
from components.table import Column, Pager, Sorting, data_table, two_lines
from components.theme import STATUSES, chip, status_badge
from state.datasets import DatasetsState as S
from state.datasets import NewDatasetState
from state.session import SessionState
from state.views.classes import TASKS

ROUTE, TITLE = "/datasets", "Datasets · Trainyard"
ON_LOAD = [SessionState.load, S.load]
WRITE = "training:datasets:write"
TASK_CHOICES = list(TASKS.items())
ENVIRONMENTS = [(name, look.label) for name, look in STATUSES["environment"].items()]


def _labels(item: Any) -> rx.Component:
    return rx.el.span(
        progress_bar(item["verified_percent"], label="Verified", compact=True, tone="done"),
        rx.el.span(item["counts"], class_name="ty-second"),
        class_name="ty-two",
        style={"gap": "3px"},
    )


def _size(item: Any) -> rx.Component:
    """The dataset's own size, and what all of its organization take of their plan's room."""
    tight = (item["plan_level"] == "near") | (item["plan_level"] == "reached")
    share = rx.el.span(item["plan_share"], style={"color": rx.cond(tight, "var(--amber-11)", "inherit")})
    return two_lines(item["size"], share)


COLUMNS = [
    Column("Dataset", lambda item: two_lines(item["name"], "version " + item["version"]), phone="title", sort="name"),
    Column("Module", lambda item: chip(item["ai_module"], icon="tag"), width="170px"),
    Column("Environment", lambda item: status_badge("environment", item["environment"]), width="150px"),
    Column("Status", lambda item: status_badge("dataset", item["status"]), width="120px"),
    Column("Labels", _labels, width="290px"),
    Column("Size", _size, width="170px", align="right"),
    Column(
        "Created",
        lambda item: relative_time(item["created_at"]),
        width="120px",
        align="right",
        phone="hidden",
        sort="created_at",
    ),
]


def _new_dataset() -> rx.Component:
    two = {"display": "grid", "gap": "14px", "grid_template_columns": "repeat(auto-fit, minmax(200px, 1fr))"}
    return form_dialog(
        field("Name", rx.input(name="name", placeholder="Meter digits", required=True, max_length=200)),
        field(
            "AI module",
            rx.input(name="ai_module", placeholder="meter_digits", required=True, pattern="[a-z][a-z0-9_]*"),
            hint="Lower-case letters, digits and underscores. Models of this module are trained from it.",
        ),
        field(
            "Classes",
            rx.text_area(name="classes", placeholder="one per line", required=True, rows="4"),
            hint="What a sample can show. They can be changed later, also under labels: you see first what follows.",
        ),
        field(
            "Task",
            static_choice("task", TASK_CHOICES, default="classification"),
            hint="What a label is. It stays; models are trained for classification.",
        ),
        rx.el.div(
            field("Version", rx.input(name="version", default_value="1.0.0", required=True, max_length=40)),
            field("Environment", static_choice("environment", ENVIRONMENTS, default="dev")),
            style=two,
        ),
        field(
            "Organization",
            choice("organization_id", NewDatasetState.organizations, placeholder="Global: visible to all"),
        ),
        field("Description", rx.text_area(name="description", rows="2", max_length=10_000)),
        title="New dataset",
        intro="A dataset is a set of images with labels. It begins empty and in draft.",
        submit="Create dataset",
        state=NewDatasetState,
        open=NewDatasetState.is_open,
        on_open_change=NewDatasetState.set_open,
        on_submit=NewDatasetState.submit,
    )


def page() -> rx.Component:
    """Filters, the list, and the button that opens the form."""
    new = rx.button(
        rx.icon("plus", size=16), "New dataset", on_click=NewDatasetState.set_open(True), data_testid="new-dataset"
    )
    allowed = may(WRITE)
    filtered = (S.status != "") | (S.environment != "") | (S.module != "")
    statuses = [(name, look.label) for name, look in STATUSES["dataset"].items()]
    return framed(
        "Datasets",
        filters(
            filter_choice("Module", S.module, S.modules, S.filter_module),
            filter_choice("Environment", S.environment, ENVIRONMENTS, S.filter_environment),
            filter_choice("Status", S.status, statuses, S.filter_status),
        ),
        section(
            "Datasets",
            data_table(
                S.rows,
                COLUMNS,
                label="Datasets",
                loading=S.loading,
                row_href=lambda item: "/datasets/" + item["id"],
                row_id=lambda item: item["id"],
                empty=empty_state(
                    "images",
                    rx.cond(filtered, "No dataset fits these filters", "No datasets yet"),
                    rx.cond(
                        filtered,
                        "Take a filter away to see more.",
                        told(
                            WRITE,
                            "A dataset is a set of images with labels. Create one, then drop images on its page Add "
                            "data.",
                            "A dataset is a set of images with labels. A super admin makes them; ask one for yours.",
                        ),
                    ),
                    rx.cond(allowed & ~filtered, new, rx.fragment()),
                ),
                pager=Pager(S.has_previous, S.has_next, S.previous_page, S.next_page, S.summary),
                sorting=Sorting(S.sort, S.sort_by),
            ),
            flush=True,
        ),
        _new_dataset(),
        state=S,
        active="datasets",
        subtitle="Images with labels, by AI module, version and environment",
        actions=rx.cond(allowed, new, rx.fragment()),
    )
