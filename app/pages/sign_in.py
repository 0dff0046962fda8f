"""/sign-in: the only page that works without a session."""

import reflex as rx

from components.shell import centered_page
from components.sign_in_form import sign_in_form

ROUTE, TITLE = "/sign-in", "Sign in · Trainyard"


def page() -> rx.Component:
    """The form, and what to do without an account."""
    no_account = rx.el.p(
        "No account yet? A super admin makes one with ",
        rx.el.code("./trainyard users create", class_name="ty-code"),
        ".",
        class_name="ty-second",
        style={"margin": "0"},
    )
    return centered_page(sign_in_form(no_account), title="Sign in")
