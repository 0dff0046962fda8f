"""/datasets/[dataset_id]/classes: the label schema as a table, and changing it with what follows shown first."""

from typing import Any

import reflex as rx

from app.pages.common import choice, field, form_dialog, may
from app.pages.common import page as framed
from app.pages.dataset_tabs import dataset_tabs
from components.feedback import confirm_dialog, empty_state
from components.shell import columns, facts, section, stack
from components.stat import progress_bar
from components.table import Column, data_table
from state.dataset_classes import DatasetClassesState as S
from state.session import SessionState

ROUTE, TITLE = "/datasets/[dataset_id]/classes", "Classes · Trainyard"
ON_LOAD = [SessionState.load, S.load]
WRITE = "training:datasets:write"
TWO = {"display": "grid", "gap": "14px", "grid_template_columns": "repeat(auto-fit, minmax(160px, 1fr))"}


def _name(item: Any) -> rx.Component:
    return rx.el.span(
        rx.el.span(class_name="ty-swatch", style={"background": item["color"]}, aria_hidden="true"),
        rx.el.span(item["name"], class_name="ty-first"),
        style={"display": "inline-flex", "align_items": "center", "gap": "8px", "min_width": "0"},
    )


def _key(item: Any) -> rx.Component:
    return rx.cond(
        item["key"] != "", rx.el.kbd(item["key"], class_name="ty-keycap"), rx.el.span("none", class_name="ty-second")
    )


def _attributes(item: Any) -> rx.Component:
    none = rx.el.span("none", class_name="ty-second")
    return rx.cond(item["shown_attributes"] != "", rx.el.span(item["shown_attributes"]), none)


def _count(item: Any) -> rx.Component:
    """In one line: the number, then its share of all labels."""
    return rx.el.span(
        rx.el.span(item["count"], style={"min_width": "5ch", "text_align": "right"}),
        rx.el.span(progress_bar(item["percent"], label=item["name"], compact=True), style={"flex": "1"}),
        style={"display": "flex", "align_items": "center", "gap": "12px"},
    )


def _actions(item: Any) -> rx.Component:
    def one(kind: str, icon: str, words: str, **look: Any) -> rx.Component:
        return rx.icon_button(
            rx.icon(icon, size=16),
            on_click=S.open_form(kind, item["name"]),
            aria_label=words + " " + item["name"].to(str),
            title=words,
            variant="ghost",
            size="1",
            data_testid=f"{kind}-class",
            **{"color_scheme": "gray", **look},
        )

    buttons = rx.el.span(
        one("edit", "pencil", "Edit"),
        one("merge", "merge", "Merge"),
        one("split", "split", "Split"),
        one("remove", "trash-2", "Remove", color_scheme="red"),
        style={"display": "inline-flex", "gap": "14px", "align_items": "center", "padding": "0 6px"},
    )
    return rx.cond(may(WRITE), buttons, rx.fragment())


COLUMNS = [
    Column("Class", _name, phone="title"),
    Column("Key", _key, width="80px"),
    Column("Attributes", _attributes, width="220px"),
    Column("Labels", _count, width="200px"),
    Column("", _actions, width="180px", align="right"),
]


def _looks() -> rx.Component:
    swatch = rx.el.input(
        type="color",
        name="color",
        default_value=S.about["color"],
        class_name="ty-colour",
    )
    key = rx.input(name="key", default_value=S.about["key"], max_length=1, placeholder="none", pattern="[a-z0-9]")
    attributes = field(
        "Attributes of its boxes",
        rx.text_area(name="attributes", default_value=S.about["attributes"], rows="3", placeholder="stage: young, old"),
        hint="One per line: a name, and after a colon its choices, or text, number or flag.",
    )
    return rx.fragment(
        rx.el.div(field("Colour", swatch), field("Key", key, hint="One letter or digit."), style=TWO),
        rx.cond(S.task == "detection", attributes, rx.fragment()),
    )


def _named(label: str = "Name") -> rx.Component:
    return field(label, rx.input(name="name", default_value=S.about["name"], required=True, max_length=200))


def _split() -> rx.Component:
    by = field(
        "Goes by",
        choice("attribute", S.split_by, placeholder="chosen samples"),
        hint="An attribute of its boxes, or samples that you name.",
    )
    into = field(
        "Becomes",
        rx.text_area(name="into", required=True, rows="4", placeholder="round gauge: round\nsquare gauge: square"),
        hint="A class per line, and after a colon the values, or the ids of samples, that become it.",
    )
    rest = field(
        "The rest becomes",
        rx.input(name="otherwise", placeholder="unlabelled again"),
        hint="One of the new classes. Without it, samples that no line names have to be labelled again.",
    )
    return rx.fragment(by, into, rest)


def _form(kind: str, title: Any, intro: str, submit: str, *fields: rx.Component) -> rx.Component:
    return form_dialog(
        *fields,
        title=title,
        intro=intro,
        submit=submit,
        state=S,
        open=S.form == kind,
        on_open_change=S.close_form,
        on_submit=S.submit,
        width="440px",
    )


def _forms() -> rx.Component:
    name, first = S.about["name"], "You see what becomes of every label before anything is changed."
    into = field("Into", choice("into", S.others, placeholder="Choose a class", required=True))
    return rx.fragment(
        _form("add", "New class", "No label changes.", "Add class", _named(), _looks()),
        _form("edit", "Edit " + name, "A new name takes its labels along. " + first, "Save", _named(), _looks()),
        _form("merge", "Merge " + name, "Its labels become the other class. " + first, "Show what follows", into),
        _form("split", "Split " + name, "The class becomes several. " + first, "Show what follows", _split()),
        _form("remove", "Remove " + name, first, "Show what follows"),
    )


def _question() -> rx.Component:
    line = lambda item: rx.el.li(item["text"], data_tone=item["tone"], data_testid="consequence")  # noqa: E731
    return confirm_dialog(
        None,
        title="Change the classes?",
        consequences=["Every label and every opinion changes at once.", "Frozen versions keep what they have."],
        body=rx.el.ul(rx.foreach(S.shown, line), class_name="ty-consequences ty-impact"),
        confirm_label="Change them",
        on_confirm=S.apply,
        danger=True,
        open=S.is_asking,
        on_open_change=S.set_asking,
        test_id="impact",
    )


def page() -> rx.Component:
    """The classes, and beside them what they are for."""
    new = rx.button(
        rx.icon("plus", size=16), "New class", on_click=S.open_form("add", ""), data_testid="new-class", size="1"
    )
    table = data_table(
        S.rows,
        COLUMNS,
        label="Classes",
        loading=S.loading,
        row_id=lambda item: item["name"],
        empty=empty_state("tags", "No classes", "A dataset begins with its classes."),
    )
    about = section(
        "About",
        facts(
            ("Task", S.task_words),
            ("Classes", S.rows.length().to(str)),
            ("Labelled", S.dataset["labeled"].to(str)),
            ("Verified", S.dataset["verified"].to(str)),
        ),
        rx.el.p(
            "Classes can change while they are in use. Labels, opinions and counts change with them, all at once; "
            "frozen versions keep the classes that they have.",
            class_name="ty-second",
            style={"margin": "12px 0 0"},
        ),
    )
    return framed(
        rx.cond(S.dataset["name"] != "", S.dataset["name"], "Dataset"),
        dataset_tabs("classes", S.dataset["id"]),
        columns(
            section("Classes", table, flush=True, actions=rx.cond(may(WRITE), new, rx.fragment())),
            stack(about),
            wide=True,
        ),
        _forms(),
        _question(),
        state=S,
        record=S.dataset["id"],
        active="datasets",
        breadcrumb=[("Datasets", "/datasets")],
    )
