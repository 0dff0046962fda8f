"""What all pages of the dashboard have in common: the frame with the person in it, and small shared pieces."""

from typing import Any

import reflex as rx

from components.feedback import empty_state, error_callout, notice_area
from components.quick_select import quick_select
from components.shell import page_frame
from components.sign_in_form import sign_out
from components.stat import digest, relative_time
from state.session import SessionState

Text = rx.Var[str] | str
COLUMNS = "repeat(auto-fill, minmax(150px, 1fr))"
INTRO = {"font_size": "14px", "line_height": "20px", "margin_bottom": "16px"}
SELECT = {
    "height": "32px",
    "width": "100%",
    "padding": "0 10px",
    "border_radius": "6px",
    "border": "1px solid var(--gray-a7)",
    "background": "var(--color-surface)",
    "color": "var(--gray-12)",
    "font_size": "14px",
}


def may(permission: str) -> rx.Var[bool]:
    """True if the person holds `permission`. For drawing only: the services decide."""
    return SessionState.permissions.contains(permission)


def told(permission: str, text: Text, otherwise: Text) -> rx.Var[str]:
    """`text` for who holds `permission`; `otherwise` for who can only look, and has to ask somebody who does."""
    return rx.cond(may(permission), text, otherwise)


def page(
    title: Text,
    *children: rx.Component,
    state: Any,
    active: str,
    record: rx.Var[str] | None = None,
    needs: str = "",
    for_everybody: bool = False,
    **frame: Any,
) -> rx.Component:
    """A page in the frame. Instead of its content it shows why the person may not see it, or what could not be had.

    `record` is the id of what the page is about: until it is known nothing here can be pressed, since a press would be
    about nothing. `needs` is the permission without which there is nothing to see here, where not everybody with access
    holds it; `for_everybody` opens the page to those without access to the training interface too.
    """
    barred = "Your role does not permit this page. A super admin can open it."
    is_closed = rx.Var.create(False) if for_everybody else SessionState.refusal != ""
    if needs:
        is_closed = is_closed | (SessionState.known & ~may(needs))
    closed = empty_state(
        "lock", "Not part of your account", rx.cond(SessionState.refusal != "", SessionState.refusal, barred)
    )
    missing = empty_state("search-x", "This cannot be shown", state.problem)
    content = rx.cond(state.problem != "", missing, rx.fragment(*children))
    notices = rx.fragment(
        notice_area(state.notice, state.notice_tone, on_close=state.dismiss),
        rx.cond(
            is_closed,
            rx.fragment(),
            error_callout(SessionState.failure, on_close=SessionState.dismiss_failure),
        ),
    )
    for part in ("subtitle", "badge", "actions"):
        if part in frame:
            frame[part] = rx.cond(is_closed, rx.fragment(), rx.fragment(frame[part]))
    unknown = rx.Var.create(False) if record is None else (record == "") & (state.problem == "") & ~is_closed
    return page_frame(
        title,
        rx.cond(is_closed, closed, content),
        inert=unknown,
        active=active,
        user_name=SessionState.user_name,
        user_role=SessionState.user_role,
        on_sign_out=sign_out(),
        permissions=SessionState.permissions,
        notices=notices,
        **frame,
    )


def field(label: str, control: rx.Component, *, hint: Text = "") -> rx.Component:
    """A labelled control with a quiet explanation under it."""
    return rx.el.label(
        rx.el.span(label, class_name="ty-field-label"),
        control,
        rx.el.span(hint, class_name="ty-second") if not isinstance(hint, str) or hint else rx.fragment(),
        style={"display": "grid", "align_content": "start"},
    )


def choice(name: str, options: rx.Var[list[dict[str, str]]], *, placeholder: str, **props: Any) -> rx.Component:
    """A select whose options are ``{"value", "label"}``; a plain one, so that every phone shows its own.

    With ``value`` and ``on_change`` the server holds what is chosen.
    """
    select = quick_select if "value" in props else rx.el.select
    return select(
        rx.el.option(placeholder, value=""),
        rx.foreach(options, lambda option: rx.el.option(option["label"], value=option["value"])),
        name=name,
        class_name="ty-select",
        style=SELECT,
        **props,
    )


def form_dialog(
    *fields: rx.Component,
    title: Text,
    intro: Text,
    submit: Text,
    state: Any,
    open: rx.Var[bool],
    on_open_change: Any,
    on_submit: Any,
    width: str = "520px",
) -> rx.Component:
    """A form in a dialog. What was wrong is said inside it, and what was typed stays."""
    form = rx.form(
        rx.el.div(*fields, style={"display": "grid", "gap": "14px"}),
        error_callout(state.form_error),
        rx.el.div(
            rx.dialog.close(rx.button("Cancel", type="button", variant="soft", color_scheme="gray")),
            rx.button(submit, type="submit", data_testid="form-submit"),
            class_name="ty-dialog-actions",
        ),
        on_submit=on_submit,
        reset_on_submit=False,
    )
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title(title, size="4", margin_bottom="4px"),
            rx.dialog.description(intro, class_name="ty-muted", style=INTRO),
            form,
            max_width=width,
            data_testid="form-dialog",
        ),
        open=open,
        on_open_change=on_open_change,
    )


def filters(*controls: rx.Component) -> rx.Component:
    """A line of filters over a list."""
    return rx.el.div(
        *controls,
        style={"display": "flex", "flex_wrap": "wrap", "gap": "8px", "align_items": "center", "margin_bottom": "12px"},
    )


def filter_choice(
    label: str, value: rx.Var[str], options: list[tuple[str, str]] | rx.Var[list[dict[str, str]]], on_change: Any
) -> rx.Component:
    """One filter: everything, or one value. The choice lives in the address of the page."""
    named = [rx.el.option(text, value=key) for key, text in options] if isinstance(options, list) else []
    more = (
        rx.fragment()
        if isinstance(options, list)
        else rx.foreach(options, lambda option: rx.el.option(option["label"], value=option["value"]))
    )
    return quick_select(
        rx.el.option(f"{label}: all", value=""),
        *named,
        more,
        value=value,
        on_change=on_change,
        aria_label=label,
        class_name="ty-select",
        style={**SELECT, "width": "auto", "min_width": "150px"},
        data_testid=f"filter-{label.lower().replace(' ', '-')}",
    )


def static_choice(name: str, options: list[tuple[str, str]], *, default: str = "") -> rx.Component:
    """A select whose options are known beforehand."""
    return rx.el.select(
        *[rx.el.option(label, value=value) for value, label in options],
        name=name,
        default_value=default,
        class_name="ty-select",
        style=SELECT,
    )


def pair_list(rows: Any) -> rx.Component:
    """Names and values under each other; ``rows`` are ``{"name", "value"}``."""
    line = lambda pair: rx.el.div(rx.el.dt(pair["name"]), rx.el.dd(pair["value"]), class_name="ty-fact")  # noqa: E731
    return rx.el.dl(rx.foreach(rows, line), class_name="ty-facts")


def pair_columns(rows: Any) -> rx.Component:
    """Many names and values, in as many columns as fit."""
    pair = lambda item: rx.el.div(  # noqa: E731
        rx.el.dt(item["name"], class_name="ty-second"), rx.el.dd(item["value"], style={"margin": "0"})
    )
    style = {"display": "grid", "gap": "14px", "margin": "0", "grid_template_columns": COLUMNS}
    return rx.el.dl(rx.foreach(rows, pair), style=style)


def panel(*children: rx.Component) -> rx.Component:
    """A panel whose content brings its own title."""
    return rx.el.section(rx.el.div(*children, class_name="ty-panel-body"), class_name="ty-panel")


def reason(text: Any) -> rx.Component:
    """Why something failed, plainly, under its status; nothing while there is no reason."""
    shown = rx.el.span(
        text,
        class_name="ty-second",
        data_testid="reason",
        style={"color": "var(--red-11)", "white_space": "normal", "overflow_wrap": "anywhere"},
    )
    return rx.cond(text != "", shown, rx.fragment())


def one_time_command(command: rx.Var[str], expires_at: rx.Var[str]) -> rx.Component:
    """The command that enrols an edge server, to be copied now or never."""
    return rx.el.div(
        rx.el.p("Run this on the edge server. It works once, and it is not shown again.", style={"margin": "0"}),
        rx.el.div(
            digest(command, label="command", length=500),
            style={
                "padding": "12px",
                "border_radius": "8px",
                "background": "var(--gray-a3)",
                "overflow_wrap": "anywhere",
                "white_space": "normal",
            },
            data_testid="enrolment-command",
        ),
        rx.el.p("The token expires ", relative_time(expires_at), ".", class_name="ty-second", style={"margin": "0"}),
        style={"display": "grid", "gap": "12px"},
    )


def pager_line(state: Any) -> rx.Component:
    """Previous and next page for what is not a table; looks as the pager of a table."""

    def turn(label: str, icon: str, enabled: rx.Var[bool], event: Any) -> rx.Component:
        return rx.icon_button(
            rx.icon(icon, size=16),
            variant="soft",
            color_scheme="gray",
            size="1",
            on_click=event,
            disabled=~enabled,
            aria_label=label,
            data_testid=f"page-{label.split()[0].lower()}",
        )

    return rx.el.nav(
        rx.el.span(state.summary, class_name="ty-pager-text", aria_live="polite"),
        turn("Previous page", "chevron-left", state.has_previous, state.previous_page),
        turn("Next page", "chevron-right", state.has_next, state.next_page),
        aria_label="Pages of this list",
        class_name="ty-pager",
    )
