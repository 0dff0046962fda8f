"""The one place that hands our JavaScript modules to the front-end build.

All of them are linked from here into one folder, so that they can import each other by relative path
(every live chart of a tab must share one ``live_socket.js``).
"""

from __future__ import annotations

import reflex as rx


def browser_module(name: str) -> str:
    """Import path of ``components/<name>`` for a component's ``library``."""
    return rx.asset(name, shared=True).importable_path


for _shared in (
    "live_listen.js",
    "live_series.js",
    "live_socket.js",
    "own_path.js",
    "server_clock.js",
    "sign_in_problems.js",
    "sign_key.js",
    "sign_payload.js",
    "theme_colours.js",
):
    browser_module(_shared)
