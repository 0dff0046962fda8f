"""The one place that hands our JavaScript modules to the front-end build.

All of them are linked from here into one folder, so that they can import each other by relative path
(every live chart of a tab must share one ``live_socket.js``).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from reflex.assets import asset

# `asset` looks at every frame of the stack for who calls it. Deep in the imports of a whole application that takes
# 0.1 s a module, half the start of the web process; a thread's stack is short.
_SHORT_STACK = ThreadPoolExecutor(1, thread_name_prefix="browser-modules")


def browser_module(name: str) -> str:
    """Import path of ``components/<name>`` for a component's ``library``."""
    return _SHORT_STACK.submit(_linked, name).result()


def _linked(name: str) -> str:
    return asset(name, shared=True).importable_path


for _shared in (
    "label_actions.js",
    "label_api.js",
    "label_boxes.js",
    "label_canvas.jsx",
    "label_drafts.js",
    "label_help.jsx",
    "label_history.js",
    "label_keys.js",
    "label_layer.js",
    "label_lease.js",
    "label_notes.jsx",
    "label_saver.js",
    "label_sequence.js",
    "label_session.js",
    "label_side.jsx",
    "label_view.js",
    "live_listen.js",
    "live_series.js",
    "live_socket.js",
    "own_path.js",
    "sample_pages.js",
    "sample_tile.jsx",
    "sample_window.js",
    "server_clock.js",
    "sign_in_problems.js",
    "sign_key.js",
    "sign_payload.js",
    "theme_colours.js",
    "upload_memory.js",
    "upload_network.js",
    "upload_parts.js",
    "upload_pick.js",
    "upload_plan.js",
    "upload_run.js",
):
    browser_module(_shared)
