"""/datasets/[dataset_id]: one dataset, its samples as a gallery, and the decisions about them."""

import reflex as rx

from app.pages.common import field, form_dialog, may, told
from app.pages.common import page as framed
from app.pages.dataset_tabs import dataset_tabs
from app.pages.sample_dialog import sample_dialog
from app.pages.sample_filters import filter_line
from components.bars import bar_list
from components.feedback import confirm_dialog, empty_state
from components.gallery import sample_gallery
from components.live_topic import live_topic
from components.shell import columns, facts, section, stack
from components.stat import progress_bar, relative_time
from components.theme import chip, status_badge
from state.samples import SamplesState as S
from state.session import SessionState

ROUTE, TITLE = "/datasets/[dataset_id]", "Dataset · Trainyard"
ON_LOAD = [SessionState.load, S.load]
VERIFY, WRITE = "training:samples:verify", "training:datasets:write"


def _decisions() -> rx.Component:
    """What can be done with the picked samples; it keeps its place when nothing is picked."""
    count, none = S.picked.length(), S.picked.length() == 0
    return rx.el.div(
        rx.el.span(rx.cond(none, "None picked", count.to(str) + " picked"), class_name="ty-muted", aria_live="polite"),
        rx.button(
            rx.cond(none, "Pick all that wait", "Put all back"),
            on_click=S.pick_waiting,
            variant="soft",
            color_scheme="gray",
            size="1",
            data_testid="pick-all",
        ),
        rx.button(
            rx.icon("check", size=14), "Verify", on_click=S.verify, disabled=none, size="1", data_testid="verify"
        ),
        rx.button(
            rx.icon("x", size=14),
            "Reject",
            on_click=S.ask_reason(True),
            disabled=none,
            size="1",
            variant="soft",
            color_scheme="red",
            data_testid="reject",
        ),
        style={"display": "flex", "align_items": "center", "gap": "8px", "flex_wrap": "wrap"},
    )


def _gallery() -> rx.Component:
    filtered = S.chips.length() > 0
    gallery = sample_gallery(
        url=rx.cond(S.dataset["id"] != "", "/api/v1/training/datasets/" + S.dataset["id"] + "/samples", ""),
        query=S.query,
        topic="dataset:" + S.dataset["id"],
        revision=S.revision,
        colours=S.colours,
        picked=S.picked,
        pickable=may(VERIFY),
        on_pick=S.pick,
        on_open=S.open_sample,
        empty=empty_state(
            "images",
            rx.cond(filtered, "No sample fits these filters", "No samples yet"),
            rx.cond(
                filtered,
                "Take a filter away to see more.",
                told(
                    WRITE,
                    "Drop images on the page Add data, or bring labelled ones under Import & export.",
                    "A super admin uploads images to it.",
                ),
            ),
        ),
    )
    return section(
        "Samples",
        rx.el.div(filter_line(), class_name="ty-gallery-head"),
        gallery,
        actions=rx.cond(may(VERIFY), _decisions(), rx.fragment()),
        flush=True,
    )


def _progress() -> rx.Component:
    return section(
        "Labels",
        rx.el.div(
            progress_bar(S.dataset["labeled_percent"], label="Labelled", note=S.dataset["labeled"].to(str)),
            progress_bar(
                S.dataset["verified_percent"], label="Verified", note=S.dataset["verified"].to(str), tone="done"
            ),
            rx.el.p(
                rx.cond(
                    S.dataset["is_single"],
                    "Only verified samples are used for training. Here people may verify their own labels, and every "
                    "version says so.",
                    "Only verified samples are used for training. Whoever labelled a sample cannot verify it.",
                ),
                class_name="ty-second",
                style={"margin": "0"},
            ),
            style={"display": "grid", "gap": "14px"},
        ),
    )


def _balance() -> rx.Component:
    return rx.cond(
        S.balance.length() > 0,
        section("Class balance", bar_list(S.balance, label="Labels per class", linked=True)),
        rx.fragment(),
    )


def _activity() -> rx.Component:
    """Who worked on it in the last seven days."""
    row = lambda one: rx.el.tr(  # noqa: E731
        rx.el.th(one["name"], scope="row"), rx.el.td(one["labeled"]), rx.el.td(one["reviewed"])
    )
    table = rx.el.table(
        rx.el.thead(
            rx.el.tr(
                rx.el.th("Person", scope="col"), rx.el.th("labelled", scope="col"), rx.el.th("reviewed", scope="col")
            )
        ),
        rx.el.tbody(rx.foreach(S.activity, row)),
        class_name="ty-small-table",
        data_testid="activity",
    )
    return rx.cond(S.activity.length() > 0, section("Last seven days", table), rx.fragment())


def _facts() -> rx.Component:
    names_owner = may("admin:organizations:read") | (S.dataset["owner"] == "Global")
    return section(
        "About",
        facts(
            ("Module", chip(S.dataset["ai_module"], icon="tag")),
            ("Version", S.dataset["version"]),
            ("Environment", status_badge("environment", S.dataset["environment"])),
            ("Samples", S.dataset["samples"].to(str)),
            ("Classes", S.dataset["classes"].to(str)),
            ("Size", S.dataset["size"]),
            ("Belongs to", rx.cond(names_owner, S.dataset["owner"], "Your organization")),
            ("Created", relative_time(S.dataset["created_at"])),
        ),
        rx.cond(
            S.dataset["description"] != "",
            rx.el.p(S.dataset["description"], class_name="ty-muted", style={"margin": "12px 0 0"}),
            rx.fragment(),
        ),
    )


def _reject() -> rx.Component:
    return form_dialog(
        field("Reason", rx.text_area(name="reason", placeholder="The digit is cut off.", rows="3", required=True)),
        title="Reject the picked samples",
        intro="They are not used for training until somebody labels them again.",
        submit="Reject",
        state=S,
        open=S.is_rejecting,
        on_open_change=S.ask_reason,
        on_submit=S.reject,
        width="440px",
    )


def _status_actions() -> rx.Component:
    """active ⇄ draft, archived."""
    status = S.dataset["status"]
    activate = rx.button("Make active", on_click=S.set_status("active"), data_testid="activate")
    archive = confirm_dialog(
        rx.button("Archive", variant="soft", color_scheme="gray"),
        title="Archive this dataset?",
        consequences=[
            "It takes no new samples and no new training jobs.",
            "What was trained on it stays. It can be made active again.",
        ],
        confirm_label="Archive",
        on_confirm=S.set_status("archived"),
    )
    return rx.cond(
        may(WRITE) & (status != ""),
        rx.fragment(
            rx.cond(status != "archived", archive, rx.fragment()),
            rx.cond(status != "active", activate, rx.fragment()),
        ),
        rx.fragment(),
    )


def _live() -> rx.Component:
    return live_topic(["dataset:" + S.dataset["id"]], on_message=S.on_live, on_reconnect=S.load, every_ms=2000)


def page() -> rx.Component:
    """The gallery beside the progress and the facts."""
    return framed(
        rx.cond(S.dataset["name"] != "", S.dataset["name"], "Dataset"),
        dataset_tabs("samples", S.dataset["id"]),
        columns(_gallery(), stack(_progress(), _balance(), _activity(), _facts()), wide=True),
        sample_dialog(),
        _live(),
        _reject(),
        state=S,
        record=S.dataset["id"],
        active="datasets",
        breadcrumb=[("Datasets", "/datasets")],
        badge=rx.cond(S.dataset["status"] != "", status_badge("dataset", S.dataset["status"]), rx.fragment()),
        actions=_status_actions(),
    )
