"""A line of tabs: pages that show the same thing from several sides. Each is a link, so each has an address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import reflex as rx

from components.browser import browser_module


class TabScroll(rx.Component):
    """Scrolls the line to the tab that is shown."""

    library = browser_module("tab_scroll.jsx")
    tag = "TabScroll"


@dataclass(frozen=True)
class Tab:
    """One entry; `end` is what follows the common address, "" for the first page."""

    key: str
    label: str
    icon: str
    end: str


def tab_line(
    tabs: Sequence[Tab], active: str, *, base: rx.Var[str] | str, label: str, linked: bool = True
) -> rx.Component:
    """The tabs over a page; `active` is the key of the one that is shown, `base` the address that all begin with.

    Not `linked` it looks the same and leads nowhere: as long as `base` is not known. On a phone the line scrolls
    sideways, begins where the shown tab is seen, and keeps its height.
    """

    def one(tab: Tab) -> rx.Component:
        here = {"aria_current": "page"} if tab.key == active else {}
        shown = (rx.icon(tab.icon, size=15, aria_hidden="true"), tab.label)
        if not linked:
            return rx.el.li(rx.el.span(*shown, class_name="ty-tab", **here))
        test_id, address = f"tab-{tab.key}", base + tab.end
        return rx.el.li(
            rx.link(*shown, href=address, underline="none", class_name="ty-tab", data_testid=test_id, **here)
        )

    # By its key the line with links is another one, which scrolls anew.
    key = "linked" if linked else "waiting"
    line = rx.el.ul(*[one(tab) for tab in tabs])
    return rx.el.nav(line, TabScroll.create(), key=key, aria_label=label, class_name="ty-tabs")
