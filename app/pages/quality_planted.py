"""The part of the quality page that measures people by planted truth, for those who may plant it."""

import reflex as rx

from app.pages.common import may
from components.intervals import interval_list
from components.shell import section
from state.quality import QualityState as S

VERIFY = "training:samples:verify"


def planted_section() -> rx.Component:
    """Truth that nobody who labels knows: the stricter measure, for those who review."""
    measure = rx.button(
        "Measure against it",
        size="1",
        variant="soft",
        on_click=S.measure_planted,
        data_testid="measure-planted",
        class_name="ty-no-print",
    )
    found = section(
        "Accuracy against planted truth",
        rx.el.p(
            "How often everybody says what is known of samples that look like all others. It is measured over all "
            "labels (of the chosen class), in steps of five answers, and no figure opens its samples, so that "
            "nobody learns which they are. Nobody is measured by a truth that they planted or verified.",
            class_name="ty-explained",
        ),
        rx.cond(
            S.planted.length() > 0,
            interval_list(S.planted, label="Accuracy of each person against planted truth", test_id="planted"),
            rx.fragment(),
        ),
        rx.cond(S.planted_said != "", rx.el.p(S.planted_said, class_name="ty-second"), rx.fragment()),
        actions=measure,
        data_testid="planted-section",
    )
    return rx.cond(may(VERIFY), found, rx.fragment())
