"""/usage: what an organization has used of its plan; for super admins also what the plans allow."""

from typing import Any

import reflex as rx

from app.pages.common import SELECT, choice, field, form_dialog, may
from app.pages.common import page as framed
from components.feedback import empty_state, loading_panel
from components.live_topic import live_topic
from components.meter import meter_list
from components.shell import columns, section, stack
from components.table import Column, data_table
from state.session import SessionState
from state.usage import PlanState
from state.usage import UsageState as S

ROUTE, TITLE = "/usage", "Usage · Trainyard"
ON_LOAD = [SessionState.load, S.load]


def _chooser() -> rx.Component:
    select = choice(
        "organization",
        S.organizations,
        placeholder="Choose an organization",
        value=S.organization,
        on_change=S.choose,
        aria_label="Organization",
        data_testid="choose-organization",
    )
    return rx.el.div(select, style={"width": "min(100%, 340px)", "margin_bottom": "12px"})


def _training() -> rx.Component:
    yes = rx.icon("circle-check", size=15, color="var(--green-11)", aria_hidden="true")
    no = rx.icon("lock", size=15, aria_hidden="true")
    line = rx.cond(
        S.custom_training,
        rx.fragment(yes, "Training on own datasets is included"),
        rx.fragment(no, "Training on own datasets is not included"),
    )
    return rx.el.p(line, class_name="ty-meter-fact", data_testid="custom-training")


def _models() -> rx.Component:
    nothing = empty_state(
        "package-check",
        "No model versions yet",
        "A released version is an active model. The plan limits how many of them a module has at the same time.",
    )
    more = rx.cond(S.more_modules != "", rx.el.p(S.more_modules, class_name="ty-muted"), rx.fragment())
    found = rx.fragment(meter_list(S.modules, label="Active models of each module"), more)
    return section(
        "Active models",
        rx.cond(S.modules.length() > 0, found, nothing),
        note="released versions",
        data_testid="active-models",
    )


def _usage() -> rx.Component:
    own = section(
        S.name,
        meter_list(S.meters, label="What is used of the plan"),
        _training(),
        note=S.plan + " plan",
        data_testid="plan-usage",
    )
    return columns(own, _models())


def _whose() -> rx.Component:
    """The usage; in its place what is missing to show it."""
    ask = empty_state(
        "chart-column",
        rx.cond(S.organizations.length() > 0, "Whose usage?", "No organizations yet"),
        rx.cond(
            S.organizations.length() > 0,
            "Choose an organization above to see what it has used of its plan. Global records have no limits.",
            "Plans limit the records of organizations. Global records have no limits.",
        ),
    )
    waiting = section("Usage", loading_panel(4))
    return rx.cond(S.name != "", _usage(), rx.cond(S.loading, waiting, section("Usage", ask)))


def _edit(row: Any) -> rx.Component:
    button = rx.button(
        "Edit",
        variant="soft",
        color_scheme="gray",
        size="1",
        on_click=PlanState.open_for(row["plan"]),
        aria_label="Edit the " + row["name"] + " plan",
        data_testid="edit-" + row["plan"],
    )
    return rx.cond(may("admin:organizations:write"), button, rx.fragment())


def _plans() -> rx.Component:
    table = data_table(
        S.plans,
        [
            Column("Plan", lambda row: row["name"], phone="title"),
            Column("Jobs a month", lambda row: row["jobs"], width="150px"),
            Column("Size of datasets", lambda row: row["size"], width="160px"),
            Column("Active models a module", lambda row: row["models"], width="190px"),
            Column("Training on own datasets", lambda row: row["training"], width="200px"),
            Column("", _edit, width="90px", align="right", phone="corner"),
        ],
        label="Plans",
        loading=S.loading,
        row_id=lambda row: row["plan"],
        empty=empty_state("layers", "No plans", "The plans come with the database."),
        skeleton_rows=2,
        test_id="plans",
    )
    return section("Plans", table, note="for each organization", flush=True)


def _form() -> rx.Component:
    def number(name: str, value: rx.Var[str], step: str = "1") -> rx.Component:
        return rx.input(name=name, type="number", min=0, step=step, default_value=value, placeholder="no limit")

    training = rx.el.select(
        rx.el.option("Included", value="yes"),
        rx.el.option("Not included", value="no"),
        name="custom_training",
        default_value=PlanState.custom_training,
        class_name="ty-select",
        style=SELECT,
    )
    return form_dialog(
        field("Training jobs a month", number("training_jobs_per_month", PlanState.jobs)),
        field("Size of all datasets, in GB", number("gigabytes", PlanState.gigabytes, "any")),
        field("Active models for each module", number("active_models_per_module", PlanState.models)),
        field("Training on own datasets", training),
        title="Limits of the " + PlanState.name + " plan",
        intro="They count from now on, for every organization on this plan. What exists beyond a lower limit stays. "
        "An empty field is no limit.",
        submit="Save limits",
        state=PlanState,
        open=PlanState.is_open,
        on_open_change=PlanState.set_open,
        on_submit=PlanState.submit,
    )


def page() -> rx.Component:
    """Whose usage, how much of each limit, and for those who set them the limits of the plans."""
    chooses = may("admin:organizations:read")
    return framed(
        "Usage",
        live_topic(["jobs", "models"], on_message=S.on_live, on_reconnect=S.load, every_ms=1000),
        rx.cond(chooses, _chooser(), rx.fragment()),
        stack(_whose(), rx.cond(chooses, _plans(), rx.fragment())),
        _form(),
        state=S,
        active="usage",
        subtitle=rx.cond(
            chooses, "What an organization has used of its plan", "What your organization has used of its plan"
        ),
    )
