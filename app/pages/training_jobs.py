"""/jobs: every run, and the form of a new one."""

from typing import Any

import reflex as rx

from app.pages.common import choice, field, filter_choice, filters, form_dialog, may, reason, static_choice, told
from app.pages.common import page as framed
from components.feedback import empty_state
from components.live_topic import live_topic
from components.shell import section
from components.stat import progress_bar, relative_time, time_left
from components.table import Column, Pager, Sorting, data_table, two_lines
from components.theme import STATUSES, status_badge
from state.session import SessionState
from state.training_jobs import HYPERPARAMETERS, NewJobState
from state.training_jobs import TrainingJobsState as S

ROUTE, TITLE = "/jobs", "Training jobs · Trainyard"
ON_LOAD = [SessionState.load, S.load]
WRITE = "training:jobs:write"
FIRST_CHOICES = ("epochs", "learning_rate", "batch_size", "augment")


def _status(job: Any) -> rx.Component:
    return rx.el.span(
        status_badge("job", job["status"]),
        reason(job["error"]),
        class_name="ty-two",
        style={"justify_items": "start", "gap": "3px"},
    )


def _progress(job: Any) -> rx.Component:
    left = rx.cond(job["eta"] != "", time_left(job["eta"]), rx.fragment())
    return rx.el.span(
        progress_bar(job["progress"], label="Progress", compact=True, tone=job["tone"]),
        rx.el.span(
            job["epochs"],
            rx.cond(job["eta"] != "", " · ", ""),
            left,
            class_name="ty-second",
        ),
        class_name="ty-two",
        style={"gap": "3px"},
    )


COLUMNS = [
    Column("Job", lambda job: two_lines(job["name"], job["ai_module"]), phone="title", sort="name"),
    Column("Status", _status, width="150px"),
    Column("Progress", _progress, width="220px"),
    Column("Accuracy", lambda job: job["accuracy"], width="100px", align="right"),
    Column("Created", lambda job: relative_time(job["created_at"]), width="130px", align="right", sort="created_at"),
]


def _input(known: dict[str, Any]) -> rx.Component:
    """The control of one hyperparameter, with its limits and its meaning."""
    name, default = known["name"], known["default"]
    if known["kind"] == "choice":
        options = [(str(value), str(value)) for value in known["choices"]]
        automatic = [("", "automatic")] if known["optional"] else []
        chosen = "" if default is None else str(default)
        control: rx.Component = static_choice(name, [*automatic, *options], default=chosen)
    else:
        control = rx.input(
            name=name,
            type="number",
            min=known["minimum"],
            max=known["maximum"],
            step="1" if known["kind"] == "int" else "any",
            default_value="" if default is None else f"{default:g}",
            placeholder="automatic" if known["optional"] else "",
            required=not known["optional"],
        )
    return field(name.replace("_", " ").capitalize(), control, hint=known["help"])


def _grid(names: list[dict[str, Any]]) -> rx.Component:
    return rx.el.div(
        *[_input(known) for known in names],
        style={"display": "grid", "gap": "14px", "grid_template_columns": "repeat(auto-fill, minmax(210px, 1fr))"},
    )


def _new_job() -> rx.Component:
    first = [known for known in HYPERPARAMETERS if known["name"] in FIRST_CHOICES]
    rest = [known for known in HYPERPARAMETERS if known["name"] not in FIRST_CHOICES]
    return form_dialog(
        field("Name", rx.input(name="name", placeholder="digits, first run", required=True, max_length=200)),
        field(
            "Dataset",
            choice(
                "dataset_id",
                NewJobState.datasets,
                placeholder="Choose a dataset",
                required=True,
                value=NewJobState.dataset_id,
                on_change=NewJobState.choose_dataset,
                data_testid="job-dataset",
            ),
            hint="Only its verified samples are used.",
        ),
        field(
            "Version",
            choice("dataset_version", NewJobState.versions, placeholder="As it is now", data_testid="job-version"),
            hint="A version brings its own split. As it is now, the verified samples are frozen when the job begins.",
        ),
        field(
            "Base model",
            choice("base_model_version", NewJobState.bases, placeholder="None: start from scratch"),
            hint="With a base, training continues from that version's weights.",
        ),
        _grid(first),
        rx.el.details(
            rx.el.summary("All settings", style={"cursor": "pointer", "font_weight": "500", "font_size": "14px"}),
            rx.el.div(
                field(
                    "Seed",
                    rx.input(name="seed", type="number", min=0, default_value="0"),
                    hint="the same seed, data and settings give the same split and start",
                ),
                _grid(rest),
                style={"display": "grid", "gap": "14px", "padding_top": "12px"},
            ),
        ),
        title="New training job",
        intro="A job trains a model on a dataset and ends with a draft model version.",
        submit="Start training",
        state=NewJobState,
        open=NewJobState.is_open,
        on_open_change=NewJobState.set_open,
        on_submit=NewJobState.submit,
        width="620px",
    )


def page() -> rx.Component:
    """Filters, the list, and the button that opens the form."""
    statuses = [(name, look.label) for name, look in STATUSES["job"].items()]
    new = rx.button(rx.icon("plus", size=16), "New job", on_click=NewJobState.set_open(True), data_testid="new-job")
    allowed = may(WRITE)
    return framed(
        "Training jobs",
        live_topic(S.topics, on_message=S.on_live, on_reconnect=S.load, every_ms=1000),
        filters(filter_choice("Status", S.status, statuses, S.filter_status)),
        section(
            "Jobs",
            data_table(
                S.rows,
                COLUMNS,
                label="Training jobs",
                loading=S.loading,
                row_href=lambda job: "/jobs/" + job["id"],
                row_id=lambda job: job["id"],
                empty=empty_state(
                    "activity",
                    rx.cond(S.status != "", "No jobs with this status", "No jobs yet"),
                    told(
                        WRITE,
                        "A job trains a model on the verified samples of a dataset.",
                        "A job trains a model on the verified samples of a dataset. A super admin starts it.",
                    ),
                    rx.cond(allowed, new, rx.fragment()),
                ),
                pager=Pager(S.has_previous, S.has_next, S.previous_page, S.next_page, S.summary),
                sorting=Sorting(S.sort, S.sort_by),
            ),
            flush=True,
        ),
        _new_job(),
        state=S,
        active="jobs",
        subtitle="Every run and what became of it",
        actions=rx.cond(allowed, new, rx.fragment()),
    )
