"""/datasets/[dataset_id]/quality: how far people agree, how often they are right, how fast they are, over time."""

from typing import Any

import reflex as rx
from reflex_components_core.react_router.dom import ReactRouterLink

from app.pages.common import filter_choice, filters, pager_line
from app.pages.common import page as framed
from app.pages.dataset_tabs import dataset_tabs
from app.pages.quality_planted import planted_section
from components.confusion_matrix import confusion_matrix
from components.feedback import callout, empty_state, loading_panel
from components.figure import figure
from components.intervals import interval_list
from components.shell import columns, section, stack
from components.stat import as_of
from components.table import Column, data_table
from state.quality import QualityState as S
from state.session import SessionState

ROUTE, TITLE = "/datasets/[dataset_id]/quality", "Quality · Trainyard"
ON_LOAD = [SessionState.load, S.load]
# Agreement that can be relied on, and that allows tentative conclusions, in percent of the scale.
MARKS = (66.7, 80.0)


def _explained(*text: Any) -> rx.Component:
    return rx.el.p(*text, class_name="ty-explained")


def _filters() -> rx.Component:
    again = rx.button(
        rx.icon("refresh-cw", size=14), "Measure again", variant="soft", color_scheme="gray", on_click=S.measure_again
    )
    other = filter_choice("With", S.other, S.people_options, S.filter_other)
    return rx.el.div(
        filters(
            filter_choice("Class", S.label, S.class_options, S.filter_label),
            filter_choice("Person", S.annotator, S.people_options, S.filter_annotator),
            rx.cond(S.annotator != "", other, rx.fragment()),
            again,
            rx.el.span(rx.cond(S.as_of != "", as_of(S.as_of, word="Measured"), "Measuring"), class_name="ty-second"),
        ),
        class_name="ty-no-print",
    )


def _overall() -> rx.Component:
    """The one figure to begin with."""
    return section(
        "Agreement",
        _explained(
            "Krippendorff's α sets how often people agree against how often chance would: 1 is full agreement, "
            "0 is what dice would give. From 0.80 on labels can be relied on, from 0.67 on with care (the two lines). "
            "The bar is the 95 % interval: where the figure would lie if other samples had been labelled."
        ),
        interval_list(S.overall, label="Agreement over all classes", marks=MARKS, test_id="alpha"),
        rx.el.p(S.verdict, style={"margin": "10px 0 0", "font_weight": "500"}, data_testid="verdict"),
        note=S.counts,
        data_testid="agreement",
    )


def _classes() -> rx.Component:
    return section(
        "Agreement about each class",
        _explained(
            "The same figure for one class against all others. Low ones need a clearer rule, or are really one. "
            "Choose one to see the samples about which people differ."
        ),
        interval_list(S.classes, label="Agreement about each class", marks=MARKS, test_id="alpha-of-classes"),
        data_testid="classes",
    )


def _pairs() -> rx.Component:
    return section(
        "Agreement of every two people",
        _explained(
            "Cohen's κ of the samples that both labelled, read like α. One person low with everybody has understood "
            "something differently; everybody low with everybody lacks a common rule."
        ),
        interval_list(S.pairs, label="Agreement of every two people", marks=MARKS, test_id="kappa-of-pairs"),
        rx.cond(
            S.people.length() > 2,
            rx.fragment(
                rx.el.h3("Each person with all others", class_name="ty-panel-note", style={"margin": "16px 0 6px"}),
                interval_list(S.people, label="Agreement of each person with all others", marks=MARKS, test_id="kappa"),
            ),
            rx.fragment(),
        ),
        data_testid="pairs",
    )


def _matrix(found: Any, on_open: Any, *, people: bool) -> rx.Component:
    return rx.fragment(
        confusion_matrix(
            found["labels"],
            found["matrix"],
            down=found["down"],
            across=found["across"],
            mutual=found["mutual"],
            people=people,
            on_open=on_open,
        ),
        rx.cond(found["note"] != "", rx.el.p(found["note"], class_name="ty-second"), rx.fragment()),
    )


def _confusion() -> rx.Component:
    boxes = rx.cond(
        S.is_boxes,
        "An item is an object that one of the two marked; (nothing) is a box that the other has not.",
        "An item is a sample that both labelled.",
    )
    return section(
        "What is confused with what",
        _explained(
            "The blue diagonal counts agreement, red cells count what one person called one thing and another person "
            "another. ",
            boxes,
            " Choose a cell to see its samples.",
        ),
        _matrix(S.confusion, S.open_cell, people=True),
        data_testid="confusion",
    )


def _accuracy() -> rx.Component:
    found = rx.fragment(
        _explained(
            rx.cond(
                S.is_boxes,
                "How well everybody's boxes fit verified labels: the F-measure, 1 if nothing is missing, too many or "
                "of another class. ",
                "How often everybody says what a verified label says. ",
            ),
            "Read it with care: who verified saw the label before, so errors that both overlook stay hidden and "
            "figures are rather too good. Nobody is measured against a label that they verified themselves.",
        ),
        interval_list(S.accuracies, label="Accuracy of each person", test_id="accuracy"),
        rx.el.h3("Verified as, and labelled as", class_name="ty-panel-note", style={"margin": "16px 0 6px"}),
        _matrix(S.against, S.open_reference_cell, people=False),
    )
    nothing = empty_state(
        "badge-check",
        "Nothing to measure against yet",
        "Accuracy compares labels with verified ones. Verify some labels of other people first.",
    )
    return section("Accuracy", rx.cond(S.accuracies.length() > 0, found, nothing), data_testid="accuracy-section")


def _pace() -> rx.Component:
    found = rx.fragment(
        _explained(
            "Seconds from one label to the next: the dot is the middle of all, the line reaches to what nine of ten "
            "stay below. Gaps over five minutes are pauses. Fast is not good by itself: read it beside the accuracy."
        ),
        interval_list(S.paces, label="Seconds per sample of each person", test_id="pace"),
    )
    nothing = empty_state(
        "timer", "No times yet", "Times come from labels given one after the other; imported ones have none."
    )
    return section("Speed", rx.cond(S.paces.length() > 0, found, nothing), data_testid="pace-section")


def _weeks() -> rx.Component:
    table = data_table(
        S.weeks,
        [
            Column("Week of", lambda row: row["starts"], phone="title"),
            Column("Agreement", lambda row: row["alpha"], align="right"),
            Column("Samples compared", lambda row: row["samples"], align="right"),
            Column("Labels", lambda row: row["opinions"], align="right"),
            Column("Seconds per sample", lambda row: row["seconds"], align="right"),
            Column("", _open_week, align="right", phone="corner", width="110px"),
        ],
        label="Weeks",
        empty=empty_state("calendar", "No weeks yet", "Every week with labels gets a line."),
        test_id="weeks",
    )
    return section(
        "How it changed",
        _explained(
            "One point per week (Monday to Sunday, UTC), with its 95 % interval. A sample counts in the week of its "
            "last label. Points within each other's intervals tell no difference."
        ),
        rx.cond(
            S.compared > 0,
            figure(S.agreement_figure, label="Agreement by week, as in the table below", height=220),
            rx.fragment(),
        ),
        rx.cond(
            S.pace_figure.length() > 0,
            figure(S.pace_figure, label="Seconds per sample by week and person", height=220),
            rx.fragment(),
        ),
        rx.cond(
            S.right_figure.length() > 0,
            figure(S.right_figure, label="Accuracy by week and person", height=220),
            rx.fragment(),
        ),
        table,
        data_testid="weeks-section",
    )


def _open_week(row: Any) -> rx.Component:
    link = ReactRouterLink.create("Differences", to=row["href"], class_name="ty-no-print")
    return rx.cond(row["href"] != "", link, rx.fragment())


def _card(item: Any) -> rx.Component:
    sharp = rx.cond(item["is_tiny"], "ty-behind-image is-pixelated", "ty-behind-image")
    picture = rx.el.img(src=item["url"], alt=item["alt"], loading="lazy", decoding="async", class_name=sharp)
    return rx.el.li(
        ReactRouterLink.create(picture, to=item["href"], class_name="ty-behind-open", aria_label="Open " + item["alt"]),
        rx.el.span(item["said"], class_name="ty-behind-said", title=item["said"]),
        class_name="ty-behind",
        data_testid="behind",
    )


def _behind() -> rx.Component:
    """The samples of the figure that was chosen, above everything else."""
    close = rx.button(
        rx.icon("x", size=14), "Close", size="1", variant="soft", color_scheme="gray", on_click=S.close_behind
    )
    none = empty_state(
        "images",
        "No samples here",
        "None is left that one may see. Samples whose labels are still being collected are not shown.",
    )
    found = rx.fragment(
        rx.el.ul(rx.foreach(S.cards, _card), class_name="ty-behinds", aria_label="Samples behind the figure"),
        pager_line(S),
    )
    shown = section(
        S.behind_title,
        rx.cond(S.cards.length() > 0, found, none),
        actions=close,
        id="behind",
        data_testid="behind-panel",
    )
    return rx.cond(S.behind_title != "", shown, rx.fragment())


def _nobody() -> rx.Component:
    return section(
        "Quality",
        empty_state(
            "ruler",
            "No labels to measure yet",
            "Once people label samples, this page shows how far they agree, how often they are right and how fast "
            "they are.",
        ),
    )


def _alone() -> rx.Component:
    """One answer per sample: nobody to agree with."""
    return section(
        "Agreement",
        empty_state(
            "users",
            "Nobody to compare with yet",
            "Agreement needs samples that two or more people labelled. Ask for several opinions per sample (a tenth "
            "of the samples is enough to begin with), or let a second person label some of these samples too.",
        ),
        note=S.counts,
        data_testid="alone",
    )


def _report() -> rx.Component:
    agreement = stack(_overall(), columns(_classes(), _pairs()), _confusion())
    return stack(
        rx.cond(S.caution != "", callout(S.caution, tone="info"), rx.fragment()),
        rx.cond(S.compared > 0, agreement, _alone()),
        columns(_accuracy(), stack(planted_section(), _pace())),
        _weeks(),
    )


def page() -> rx.Component:
    """Filters, the samples behind the chosen figure, and the report."""
    waiting = section("Measuring", loading_panel(8))
    content = rx.cond(S.measured, rx.cond(S.labelled > 0, _report(), _nobody()), waiting)
    return framed(
        rx.cond(S.dataset["name"] != "", S.dataset["name"], "Quality"),
        dataset_tabs("quality", S.dataset["id"]),
        _filters(),
        stack(_behind(), content),
        state=S,
        record=S.dataset["id"],
        active="datasets",
        breadcrumb=[("Datasets", "/datasets")],
    )
