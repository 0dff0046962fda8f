"""What a page says back: emptiness, errors, notices, waiting, and the question before something that matters.

Rule: everything is rendered from values. No server-sent toasts: they need ``eval``, which our Content-Security-Policy
forbids, and they are gone before a screen reader or a slow reader reaches them.
"""

from __future__ import annotations

from typing import Any, Literal

import reflex as rx

Text = rx.Var[str] | str
Tone = Literal["info", "success", "warning", "error"]
_TONES: dict[str, tuple[str, str]] = {
    "info": ("info", "indigo"),
    "success": ("circle-check", "green"),
    "warning": ("triangle-alert", "amber"),
    "error": ("circle-alert", "red"),
}


def empty_state(icon: str, title: Text, text: Text, action: rx.Component | None = None) -> rx.Component:
    """What stands where a list would be: what it is for, and the next step."""
    return rx.el.div(
        rx.el.div(rx.icon(icon, size=22, aria_hidden="true"), class_name="ty-empty-mark"),
        rx.el.p(title, class_name="ty-empty-title"),
        rx.el.p(text, class_name="ty-empty-text"),
        action or rx.fragment(),
        class_name="ty-empty",
        data_testid="empty-state",
    )


def callout(
    message: Text | rx.Component, *, tone: Tone = "info", title: Text | None = None, **props: Any
) -> rx.Component:
    """A static message inside a page."""
    icon, colour = _TONES[tone]
    return rx.el.div(
        rx.icon(icon, size=17, aria_hidden="true"),
        rx.el.div(
            rx.el.strong(title) if title is not None else rx.fragment(),
            rx.el.div(message),
            class_name="ty-callout-text",
        ),
        class_name="ty-callout",
        data_accent_color=colour,
        data_tone=tone,
        **props,
    )


def error_callout(message: rx.Var[str] | str, *, title: Text | None = None, on_close: Any = None) -> rx.Component:
    """Shows ``message`` while it is not empty, and tells assistive technology at once."""
    box = rx.el.div(
        rx.icon("circle-alert", size=17, aria_hidden="true"),
        rx.el.div(
            rx.el.strong(title) if title is not None else rx.fragment(),
            rx.el.div(message),
            class_name="ty-callout-text",
        ),
        _close_button(on_close),
        class_name="ty-callout",
        data_accent_color="red",
        data_tone="error",
        data_testid="error",
    )
    shown = (box if message else rx.fragment()) if isinstance(message, str) else rx.cond(message, box, rx.fragment())
    return rx.el.div(shown, role="alert", class_name="ty-alert-slot")


def _close_button(on_close: Any) -> rx.Component:
    if on_close is None:
        return rx.fragment()
    return rx.icon_button(
        rx.icon("x", size=15),
        variant="ghost",
        color_scheme="gray",
        size="1",
        on_click=on_close,
        aria_label="Dismiss",
        class_name="ty-callout-close",
    )


def notice_area(message: rx.Var[str], tone: rx.Var[str] | Tone = "success", *, on_close: Any = None) -> rx.Component:
    """The page's one place for "done" and "did not work"; floats over the content so that nothing moves."""
    options = [(name, rx.icon(icon, size=17, aria_hidden="true")) for name, (icon, _) in _TONES.items()]
    mark = rx.match(tone, *options, rx.icon("info", size=17)) if isinstance(tone, rx.Var) else dict(options)[tone]
    colours = {name: colour for name, (_, colour) in _TONES.items()}
    colour = rx.Var.create(colours)[tone] if isinstance(tone, rx.Var) else colours[tone]
    return rx.el.div(
        rx.cond(
            message,
            rx.el.div(
                mark,
                rx.el.div(message, class_name="ty-callout-text"),
                _close_button(on_close),
                class_name="ty-callout ty-notice",
                data_accent_color=colour,
                data_testid="notice",
                data_tone=tone,
            ),
            rx.fragment(),
        ),
        role="status",
        aria_live="polite",
        class_name="ty-notice-area",
    )


def skeleton(*, height: str = "1em", width: str = "100%") -> rx.Component:
    """A grey bar in the place of something that is still loading."""
    return rx.el.span(class_name="ty-skeleton", style={"height": height, "width": width}, aria_hidden="true")


def loading_panel(rows: int = 5, *, height: str = "1.1rem") -> rx.Component:
    """Grey lines of the size that the content will have."""
    widths = ("92%", "78%", "85%", "64%", "88%")
    lines = [skeleton(height=height, width=widths[index % len(widths)]) for index in range(rows)]
    return rx.el.div(*lines, class_name="ty-loading", role="status", aria_busy="true", aria_label="Loading")


def confirm_dialog(
    trigger: rx.Component | None,
    *,
    title: Text,
    consequences: list[Text],
    confirm_label: Text,
    on_confirm: Any,
    danger: bool = False,
    body: rx.Component | None = None,
    open: rx.Var[bool] | None = None,
    on_open_change: Any = None,
    test_id: str = "confirm",
) -> rx.Component:
    """Asks before something that matters; ``consequences`` are full sentences, one bullet each.

    Give either a ``trigger`` or ``open`` with ``on_open_change``.
    """
    control: dict[str, Any] = {}
    if open is not None:
        control["open"] = open
    if on_open_change is not None:
        control["on_open_change"] = on_open_change
    content = rx.alert_dialog.content(
        rx.alert_dialog.title(title, size="4", margin_bottom="8px"),
        rx.alert_dialog.description(
            rx.el.ul(*[rx.el.li(line) for line in consequences], class_name="ty-consequences"), as_child=True
        ),
        body or rx.fragment(),
        rx.el.div(
            rx.alert_dialog.cancel(rx.button("Cancel", variant="soft", color_scheme="gray")),
            rx.alert_dialog.action(
                rx.button(
                    confirm_label,
                    on_click=on_confirm,
                    color_scheme="red" if danger else "indigo",
                    data_testid=f"{test_id}-yes",
                )
            ),
            class_name="ty-dialog-actions",
        ),
        max_width="460px",
        data_testid=test_id,
    )
    parts = [rx.alert_dialog.trigger(trigger)] if trigger is not None else []
    return rx.alert_dialog.root(*parts, content, **control)
