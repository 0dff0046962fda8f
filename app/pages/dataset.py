"""/datasets/[dataset_id]: one dataset, its samples as a gallery, and the decisions about them."""

from typing import Any

import reflex as rx

from app.pages.common import field, filter_choice, filters, form_dialog, may, pager_line, told
from app.pages.common import page as framed
from app.pages.dataset_tabs import dataset_tabs
from components.bars import bar_list
from components.feedback import callout, confirm_dialog, empty_state
from components.gallery import sample_card, sample_grid
from components.shell import columns, facts, section, stack
from components.stat import digest, progress_bar, relative_time
from components.theme import STATUSES, chip, status_badge
from state.samples import SamplesState as S
from state.session import SessionState

ROUTE, TITLE = "/datasets/[dataset_id]", "Dataset · Trainyard"
ON_LOAD = [SessionState.load, S.load]
VERIFY, WRITE = "training:samples:verify", "training:datasets:write"


def _card(item: Any) -> rx.Component:
    """With a checkbox for those who may decide, without for the others."""
    shown = {
        "src": item["url"],
        "alt": item["alt"],
        "label": item["label"],
        "status": item["status"],
        "pixelated": item["is_tiny"],
        "on_open": S.open_sample(item["id"]),
    }
    picked = S.picked.contains(item["id"])
    return rx.cond(
        may(VERIFY),
        sample_card(**shown, selected=picked, on_toggle=S.toggle(item["id"])),
        sample_card(**shown),
    )


def _decisions() -> rx.Component:
    """What can be done with the picked samples; it keeps its place when nothing is picked."""
    count, none = S.picked.length(), S.picked.length() == 0
    return rx.el.div(
        rx.el.span(rx.cond(none, "None picked", count.to(str) + " picked"), class_name="ty-muted", aria_live="polite"),
        rx.button(
            rx.cond(none, "Pick all that wait", "Put all back"),
            on_click=S.pick_all,
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
    filtered = (S.status != "") | (S.label != "")
    statuses = [(name, look.label) for name, look in STATUSES["sample"].items()]
    return section(
        "Samples",
        filters(
            filter_choice("Status", S.status, statuses, S.filter_status),
            filter_choice("Label", S.label, S.classes, S.filter_label),
        ),
        sample_grid(
            S.rows,
            _card,
            label="Samples",
            loading=S.loading,
            empty=empty_state(
                "images",
                rx.cond(filtered, "No sample fits these filters", "No samples yet"),
                rx.cond(
                    filtered,
                    "Take a filter away to see more.",
                    told(
                        WRITE,
                        "Upload images through the API: /api/v1/docs shows how.",
                        "A super admin uploads images to it.",
                    ),
                ),
            ),
        ),
        pager_line(S),
        actions=rx.cond(may(VERIFY), _decisions(), rx.fragment()),
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
                "Only verified samples are used for training. Whoever labelled a sample cannot verify it.",
                class_name="ty-second",
                style={"margin": "0"},
            ),
            style={"display": "grid", "gap": "14px"},
        ),
    )


def _balance() -> rx.Component:
    return rx.cond(
        S.balance.length() > 0,
        section("Class balance", bar_list(S.balance, label="Labelled samples per class")),
        rx.fragment(),
    )


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


def _large() -> rx.Component:
    """One sample, large, with everything known about it."""
    sharp = rx.cond(S.opened["is_tiny"], "pixelated", "auto")
    picture = rx.el.img(
        src=S.opened["url"],
        alt=S.opened["alt"],
        style={
            "width": "100%",
            "max_height": "55vh",
            "min_height": "240px",
            "object_fit": "contain",
            "image_rendering": sharp,
            "background": "var(--gray-a3)",
            "border_radius": "8px",
        },
    )
    known = facts(
        ("Label", rx.cond(S.opened["label"] != "", S.opened["label"], "none")),
        ("Status", status_badge("sample", S.opened["status"])),
        ("Pixels", S.opened["pixels"]),
        ("File", S.opened["size"]),
        ("Digest", digest(S.opened["sha256"])),
        ("Quality", S.opened["quality"]),
        ("Added", relative_time(S.opened["created_at"])),
    )
    rejected = rx.cond(
        S.opened["reason"] != "", callout(S.opened["reason"], tone="error", title="Rejected"), rx.fragment()
    )
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title("Sample", size="4"),
            rx.dialog.description(S.opened["alt"], class_name="ty-hidden"),
            rx.el.div(picture, rejected, known, style={"display": "grid", "gap": "14px"}),
            rx.el.div(
                rx.dialog.close(rx.button("Close", variant="soft", color_scheme="gray")),
                rx.link(
                    rx.button("Open in editor", data_testid="open-in-editor"),
                    href="/datasets/" + S.dataset["id"] + "/label?sample=" + S.opened["id"],
                ),
                class_name="ty-dialog-actions",
            ),
            max_width="460px",
            data_testid="sample-dialog",
        ),
        open=S.opened["id"] != "",
        on_open_change=S.close_sample,
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


def page() -> rx.Component:
    """The gallery beside the progress and the facts."""
    return framed(
        rx.cond(S.dataset["name"] != "", S.dataset["name"], "Dataset"),
        dataset_tabs("samples", S.dataset["id"]),
        columns(_gallery(), stack(_progress(), _balance(), _facts()), wide=True),
        _large(),
        _reject(),
        state=S,
        active="datasets",
        breadcrumb=[("Datasets", "/datasets")],
        badge=rx.cond(S.dataset["status"] != "", status_badge("dataset", S.dataset["status"]), rx.fragment()),
        actions=_status_actions(),
    )
