"""/datasets/[dataset_id]/review: labels that wait for a decision, the riskiest first, one at a time."""

from typing import Any

import reflex as rx

from app.pages.common import choice, field, filter_choice, form_dialog
from app.pages.common import page as framed
from app.pages.dataset_tabs import dataset_tabs
from components.feedback import callout, confirm_dialog, empty_state
from components.review_canvas import review_canvas
from components.shell import columns, facts, section, stack
from components.theme import chip
from state.review import ReviewState as S
from state.session import SessionState
from state.views.review import WORDS

ROUTE, TITLE = "/datasets/[dataset_id]/review", "Review · Trainyard"
ON_LOAD = [SessionState.load, S.load]
VERIFY = "training:samples:verify"
REASONS = [(str(reason), words) for reason, words in WORDS.items()]


def _key(letter: str) -> rx.Component:
    return rx.el.kbd(letter, class_name="ty-key", aria_hidden="true")


def _button(words: str, key: str, icon: str, on_click: Any, test_id: str, **look: Any) -> rx.Component:
    return rx.button(
        rx.icon(icon, size=16),
        words,
        _key(key),
        on_click=on_click,
        aria_keyshortcuts=key,
        data_testid=test_id,
        **look,
    )


def _decisions() -> rx.Component:
    quiet = {"variant": "soft", "color_scheme": "gray"}
    editor = rx.link(
        rx.button(rx.icon("pencil", size=16), "Fix in the editor", **quiet),
        href="/datasets/" + S.dataset["id"] + "/label?review=1&sample=" + S.current["id"],
        data_testid="fix-in-editor",
    )
    return rx.el.div(
        _button("Accept", "A", "check", S.accept, "accept", color_scheme="green"),
        rx.cond(
            S.task == "detection",
            editor,
            _button("Fix and accept", "F", "pencil", S.open_form("fix"), "fix", **quiet),
        ),
        _button("Reject", "R", "x", S.open_form("reject"), "reject", variant="soft", color_scheme="red"),
        rx.el.span(class_name="ty-grow"),
        _button("Back", "K", "chevron-left", S.act("previous"), "previous", **quiet),
        _button("Skip", "J", "chevron-right", S.act("next"), "next", **quiet),
        class_name="ty-review-actions",
    )


def _picture() -> rx.Component:
    canvas = review_canvas(
        src=S.current["url"],
        alt=S.current["alt"],
        width=S.current["width"],
        height=S.current["height"],
        boxes=S.boxes,
        colours=S.palette,
        region=S.region,
        on_region=S.mark,
        on_action=S.act,
    )
    hint = rx.el.p(
        "Drag over the picture to mark the place that a rejection is about.",
        class_name="ty-second",
        style={"margin": "0"},
    )
    return rx.el.div(canvas, hint, _decisions(), class_name="ty-review", data_testid="review")


def _small(row: Any) -> rx.Component:
    return rx.el.li(
        rx.el.button(
            rx.el.img(src=row["thumbnail"], alt=row["alt"], loading="lazy", decoding="async"),
            type="button",
            on_click=S.show(row["id"]),
            aria_current=rx.cond(row["id"] == S.current["id"], "true", "false"),
            title=row["label"],
            class_name="ty-review-small",
            data_testid="queued",
        )
    )


def _queue() -> rx.Component:
    none = empty_state(
        "circle-check-big",
        rx.cond(S.reason != "", "Nothing waits for this reason", "Nothing waits for you"),
        rx.cond(
            S.own > 0,
            S.own.to(str) + " labels of your own wait for somebody else: nobody verifies an own label.",
            "Labels appear here as soon as somebody else has made them.",
        ),
    )
    line = rx.el.ul(rx.foreach(S.rows, _small), class_name="ty-review-line", aria_label="Labels that wait")
    waits = rx.cond(
        S.waiting < 2,
        rx.cond(S.waiting == 1, "1 label waits for you", "no label waits for you"),
        S.waiting.to(str) + " labels wait for you, the riskiest first",
    )
    return section(
        "Waiting for review",
        rx.cond(S.loading | (S.rows.length() > 0), rx.el.div(line, _picture()), none),
        note=rx.cond(S.loading, "", waits),
        actions=filter_choice("Reason", S.reason, REASONS, S.filter_reason),
    )


def _about() -> rx.Component:
    reasons = rx.cond(
        S.current["reasons"].length() > 0,
        rx.el.span(
            rx.foreach(S.current["reasons"], lambda words: chip(words)),
            style={"display": "flex", "flex_wrap": "wrap", "gap": "6px", "justify_content": "flex-start"},
        ),
        "its turn",
    )
    return section(
        "This label",
        facts(
            ("Label", rx.el.strong(S.current["label"], data_testid="label")),
            ("Made by", S.current["author"]),
            ("Why now", reasons),
            ("Risk", S.current["risk"] + " of 1"),
            ("Pixels", S.current["width"].to(str) + " × " + S.current["height"].to(str)),
        ),
    )


def _rule() -> rx.Component:
    """Two people or one; said on the page, since every version of the dataset says it too."""
    single = confirm_dialog(
        rx.button("Let one person review", variant="soft", color_scheme="gray", size="1", data_testid="single"),
        title="Let people verify their own labels?",
        consequences=[
            "A mistake that its author does not see stays.",
            "Every version of this dataset that is made from now on says that one person reviewed it.",
        ],
        confirm_label="Let one person review",
        on_confirm=S.set_single(True),
        test_id="confirm-single",
    )
    back = rx.button("Ask for two people", size="1", on_click=S.set_single(False), data_testid="two-people")
    words = {"class_name": "ty-second", "style": {"margin": "0 0 10px"}}
    return section(
        "Who reviews",
        rx.cond(
            S.is_single,
            rx.el.div(
                callout("People may verify their own labels here. Versions of this dataset say so.", tone="warning"),
                back,
                style={"display": "grid", "gap": "10px", "justify_items": "start"},
            ),
            rx.el.div(rx.el.p("Whoever made a label cannot verify it.", **words), single),
        ),
        rx.cond(
            S.returned > 0,
            rx.el.p(
                rx.link(
                    S.returned.to(str) + " of your labels came back: make them again",
                    href="/datasets/" + S.dataset["id"] + "/label?status=rejected",
                    data_testid="returned",
                ),
                style={"margin": "12px 0 0"},
            ),
            rx.fragment(),
        ),
    )


def _truth() -> rx.Component:
    forget = confirm_dialog(
        rx.button("Forget them", variant="soft", color_scheme="gray", size="1", data_testid="forget"),
        title="Forget all planted truths?",
        consequences=["Accuracy against them is not measured any more.", "The samples and their labels stay."],
        confirm_label="Forget them",
        on_confirm=S.forget_truths,
        test_id="confirm-forget",
    )
    return section(
        "Planted truth",
        rx.el.p(
            "Samples whose right label is known measure how well each annotator labels. Nobody can tell them from "
            "others: not on a page, not through the API, not in the audit log.",
            class_name="ty-second",
            style={"margin": "0 0 10px"},
        ),
        facts(("Planted", rx.el.span(rx.cond(S.loading, "…", S.planted.to(str)), data_testid="planted"))),
        rx.el.div(
            rx.button("Plant verified samples", size="1", on_click=S.open_form("plant"), data_testid="plant"),
            rx.cond(S.planted > 0, forget, rx.fragment()),
            style={"display": "flex", "gap": "8px", "margin_top": "10px"},
        ),
    )


def _reject_form() -> rx.Component:
    place = rx.cond(
        S.region.length() == 4,
        callout("The marked place goes along.", tone="info"),
        rx.el.span("Tip: close this and drag over the picture to show where.", class_name="ty-second"),
    )
    return form_dialog(
        field("Reason", rx.text_area(name="reason", placeholder="The lower box cuts the cell.", rows="3")),
        place,
        title="Reject this label",
        intro="It returns to its author, who sees the reason and the place you marked.",
        submit="Reject",
        state=S,
        open=S.form == "reject",
        on_open_change=S.close_form,
        on_submit=S.reject,
        width="440px",
    )


def _fix_form() -> rx.Component:
    one = field("It shows", choice("class", S.classes, placeholder="Choose a class", required=True))
    several = rx.el.fieldset(
        rx.foreach(
            S.classes,
            lambda entry: rx.el.label(
                rx.el.input(type="checkbox", name="class-" + entry["value"]), entry["label"], class_name="ty-check"
            ),
        ),
        style={"display": "grid", "gap": "8px", "border": "0", "padding": "0", "margin": "0"},
    )
    return form_dialog(
        rx.cond(S.task == "classification", one, several),
        title="Put this label right",
        intro="It is accepted as you say. Its author stays its author, and what they said is kept beside it.",
        submit="Fix and accept",
        state=S,
        open=S.form == "fix",
        on_open_change=S.close_form,
        on_submit=S.fix,
        width="440px",
    )


def _plant_form() -> rx.Component:
    return form_dialog(
        field("How many", rx.input(name="count", type="number", default_value="20", min="1", max="10000")),
        title="Plant verified samples",
        intro="So many verified samples are drawn at random. What was verified about them is taken for the truth that "
        "everybody's own labels are compared with. Truth about samples that nobody labelled yet is planted by the API.",
        submit="Plant",
        state=S,
        open=S.form == "plant",
        on_open_change=S.close_form,
        on_submit=S.plant,
        width="440px",
    )


def page() -> rx.Component:
    """The queue with its picture, beside it what is known of the label and who may decide."""
    return framed(
        rx.cond(S.dataset["name"] != "", S.dataset["name"], "Review"),
        dataset_tabs("review", S.dataset["id"]),
        columns(_queue(), stack(rx.cond(S.current["id"] != "", _about(), rx.fragment()), _rule(), _truth()), wide=True),
        _reject_form(),
        _fix_form(),
        _plant_form(),
        state=S,
        record=S.dataset["id"],
        active="datasets",
        needs=VERIFY,
        breadcrumb=[("Datasets", "/datasets")],
    )
