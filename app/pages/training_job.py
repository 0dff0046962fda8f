"""/jobs/[job_id]: one run, live."""

import reflex as rx

from app.pages.common import may, pair_columns, pair_list, panel
from app.pages.common import page as framed
from app.pages.used_version import version_link, withdrawn_callout
from components.bars import bar_list
from components.confusion_matrix import confusion_matrix
from components.feedback import callout, confirm_dialog, error_callout
from components.live_chart import live_chart
from components.live_topic import live_topic
from components.shell import columns, facts, section, stack
from components.stat import progress_bar, relative_time
from components.theme import chip, status_badge
from state.session import SessionState
from state.training_job import TrainingJobState as S

ROUTE, TITLE = "/jobs/[job_id]", "Training job · Trainyard"
ON_LOAD = [SessionState.load, S.load]


def _chart(title: str, names: list[str], y_label: str) -> rx.Component:
    return live_chart(
        topic="job:" + S.job["id"],
        names=names,
        title=title,
        y_label=y_label,
        finished=S.is_finished,
        snapshot_url="/api/v1/training/jobs/" + S.job["id"] + "/metrics?max_points=2000&names=" + ",".join(names),
        test_id="chart-" + title.lower(),
    )


def _curves() -> rx.Component:
    charts = columns(
        panel(_chart("Loss", ["train_loss", "val_loss"], "cross-entropy")),
        panel(_chart("Accuracy", ["train_accuracy", "val_accuracy"], "share correct")),
    )
    return rx.cond(S.job["id"] != "", charts, rx.fragment())


def _progress() -> rx.Component:
    return section(
        "Progress",
        progress_bar(
            S.job["progress"],
            label=S.job["epochs"],
            eta=S.job["eta"],
            tone=S.job["tone"],
            note=rx.cond(S.is_cancelling, "stops after this batch", ""),
        ),
        rx.cond(
            S.job["error"] != "",
            rx.el.div(error_callout(S.job["error"], title="The job failed"), style={"margin_top": "12px"}),
            rx.fragment(),
        ),
        rx.cond(
            S.model_version_id != "",
            rx.el.div(
                callout(
                    rx.link("Open the model version it made", href="/models/" + S.model_version_id, underline="always"),
                    tone="success",
                    data_testid="job-result",
                ),
                style={"margin_top": "12px"},
            ),
            rx.fragment(),
        ),
    )


def _facts() -> rx.Component:
    base = rx.cond(
        S.base_version_id != "", rx.link("open", href="/models/" + S.base_version_id), rx.el.span("none, from scratch")
    )
    return section(
        "About",
        facts(
            ("Module", chip(S.job["ai_module"], icon="tag")),
            ("Dataset", rx.link(S.dataset_name, href="/datasets/" + S.dataset_id)),
            ("Dataset version", version_link(S.used, "frozen when the job begins")),
            ("Base model", base),
            ("Split", rx.cond(S.split != "", S.split, "not yet")),
            ("Seed", S.seed),
            ("Created", relative_time(S.job["created_at"])),
            ("Started", relative_time(S.started_at, missing="not yet")),
            ("Ended", relative_time(S.completed_at, missing="not yet")),
        ),
    )


def _log() -> rx.Component:
    text = rx.el.pre(
        rx.cond(S.log_cut, "… the beginning is in the API: GET /api/v1/training/jobs/:id/logs\n", ""),
        rx.cond(S.log != "", S.log, "Nothing yet. The log begins when a worker takes the job."),
        tab_index=0,
        aria_label="Log",
        data_testid="job-log",
        style={
            "margin": "0",
            "height": "260px",
            "overflow": "auto",
            "display": "flex",
            "flex_direction": "column-reverse",
            "white_space": "pre-wrap",
            "overflow_wrap": "anywhere",
            "font_family": "var(--code-font-family)",
            "font_size": "12px",
            "line_height": "18px",
        },
    )
    return section("Log", text)


def _results() -> rx.Component:
    shown = columns(
        section("Confusion matrix", confusion_matrix(S.labels, S.matrix), note="held-out test images"),
        stack(
            section("Scores", pair_list(S.scores)), section("F1 per class", bar_list(S.per_class, label="F1 per class"))
        ),
        wide=True,
    )
    return rx.cond(S.matrix.length() > 0, shown, rx.fragment())


def _cancel() -> rx.Component:
    button = rx.button(
        rx.icon("circle-slash", size=16),
        "Cancel job",
        variant="soft",
        color_scheme="red",
        disabled=S.is_cancelling,
        data_testid="cancel-job",
    )
    dialog = confirm_dialog(
        button,
        title="Cancel this job?",
        consequences=[
            "A running job stops after the batch it is working on.",
            "It makes no model version. Its curves and its log stay.",
            "It cannot be continued; a new job starts from the beginning.",
        ],
        confirm_label="Cancel the job",
        on_confirm=S.cancel,
        danger=True,
    )
    return rx.cond(may("training:jobs:write") & ~S.is_finished & (S.job["id"] != ""), dialog, rx.fragment())


def page() -> rx.Component:
    """Progress on top, then curves and log beside the facts, and the result when there is one."""
    return framed(
        rx.cond(S.job["name"] != "", S.job["name"], "Training job"),
        live_topic(S.topics, on_message=S.on_live, on_reconnect=S.load, every_ms=1000),
        stack(
            withdrawn_callout(S.used),
            _progress(),
            _curves(),
            _results(),
            columns(_log(), _facts(), wide=True),
            section("Hyperparameters", pair_columns(S.hyperparameters)),
        ),
        state=S,
        record=S.job["id"],
        active="jobs",
        breadcrumb=[("Training jobs", "/jobs")],
        badge=rx.cond(S.job["status"] != "", status_badge("job", S.job["status"]), rx.fragment()),
        actions=_cancel(),
    )
