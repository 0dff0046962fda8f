"""A secret that is shown this once: to be copied now or never."""

from __future__ import annotations

from typing import Any

import reflex as rx

from components.stat import digest

Text = rx.Var[str] | str


def secret_once(title: Text, text: Text, secret: rx.Var[str], on_open_change: Any, *, test_id: str) -> rx.Component:
    """A dialog that is open while there is a ``secret``; whoever closes it must forget the secret."""
    shown = rx.el.div(
        digest(secret, label="secret", length=100),
        style={
            "padding": "12px",
            "border_radius": "8px",
            "background": "var(--gray-a3)",
            "overflow_wrap": "anywhere",
            "white_space": "normal",
        },
        data_testid=test_id,
    )
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title(title, size="4"),
            rx.dialog.description(
                text,
                class_name="ty-muted",
                style={"font_size": "14px", "line_height": "20px", "margin_bottom": "16px"},
            ),
            shown,
            rx.el.div(rx.dialog.close(rx.button("Done", data_testid="secret-done")), class_name="ty-dialog-actions"),
            max_width="560px",
        ),
        open=secret != "",
        on_open_change=on_open_change,
    )
