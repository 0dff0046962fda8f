"""The application frame: side navigation, top bar, person menu, and the line that tells of a lost connection.

Rules: the frame never moves (navigation and bar have fixed sizes); on phones the navigation is a drawer;
one ``main`` landmark and one ``h1`` per page; everything is reachable by keyboard, with a skip link first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import reflex as rx
from reflex_components_core.core.banner import has_connection_errors

Text = rx.Var[str] | str
Held = rx.Var[list[str]]


@dataclass(frozen=True)
class NavItem:
    """One entry of the side navigation. What is `pinned` also stands in the bar of a phone, one touch away.

    It is drawn for those who hold the permission that it `needs`.
    """

    key: str
    label: str
    href: str
    icon: str
    pinned: bool = False
    needs: str = ""


NAVIGATION: tuple[NavItem, ...] = (
    NavItem("overview", "Overview", "/", "layout-dashboard", needs="training:datasets:read"),
    NavItem("status", "Status", "/status", "gauge", pinned=True, needs="training:jobs:read"),
    NavItem("datasets", "Datasets", "/datasets", "images", needs="training:datasets:read"),
    NavItem("jobs", "Training jobs", "/jobs", "activity", needs="training:jobs:read"),
    NavItem("models", "Models", "/models", "package-check", needs="training:models:read"),
    NavItem("edge", "Edge servers", "/edge-servers", "map-pinned", needs="training:edge_servers:read"),
    NavItem("usage", "Usage", "/usage", "chart-column", needs="training:usage:read"),
    NavItem("webhooks", "Webhooks", "/webhooks", "webhook", needs="admin:webhooks:read"),
    NavItem("audit", "Audit log", "/audit", "scroll-text", needs="training:audit:read"),
    NavItem("people", "People", "/people", "users", needs="admin:users:read"),
)


def app_options() -> dict[str, Any]:
    """What ``rx.App`` needs for these components: ``rx.App(**app_options(), …)``."""
    head = [
        rx.el.link(rel="icon", href="/favicon.svg", type="image/svg+xml"),
        rx.el.link(
            rel="preload",
            href="/fonts/inter-latin.woff2",
            custom_attrs={"as": "font"},
            type="font/woff2",
            cross_origin="anonymous",
        ),
        rx.el.meta(name="color-scheme", content="light dark"),
    ]
    return {
        "stylesheets": ["/trainyard.css", "/labelling.css"],
        "html_lang": "en",
        "head_components": head,
        "toaster": None,
        "extra_app_wraps": {(5, "Overlay"): lambda stateful: connection_lost() if stateful else None},
    }


def connection_lost() -> rx.Component:
    """A calm line over the page while the server cannot be reached; the page reconnects by itself."""
    return rx.cond(
        has_connection_errors,
        rx.el.div(
            rx.icon("wifi-off", size=15, aria_hidden="true"),
            rx.el.span("Connection lost. Trying to reconnect; what you see may be out of date."),
            class_name="ty-offline",
            role="status",
            data_testid="connection-lost",
        ),
        rx.fragment(),
    )


def brand() -> rx.Component:
    """Mark and name of the product."""
    return rx.el.span(
        rx.image(src="/favicon.svg", alt="", width="22px", height="22px"),
        rx.el.span("Trainyard", class_name="ty-brand-name"),
        class_name="ty-brand",
    )


def _nav_link(item: NavItem, active: str) -> rx.Component:
    here = item.key == active
    return rx.link(
        rx.icon(item.icon, size=17, aria_hidden="true"),
        rx.el.span(item.label),
        href=item.href,
        underline="none",
        class_name="ty-nav-link is-here" if here else "ty-nav-link",
        data_testid=f"nav-{item.key}",
        **({"aria_current": "page"} if here else {}),
    )


def _nav(items: Sequence[NavItem], active: str, held: Held, *, in_drawer: bool = False) -> rx.Component:
    links = [_drawn(item, held, rx.el.li(_nav_link(item, active))) for item in items]
    return rx.el.nav(
        rx.el.ul(*links, class_name="ty-nav-list"),
        aria_label="Main",
        class_name="ty-nav" if not in_drawer else "ty-nav is-drawer",
    )


def _drawn(item: NavItem, held: Held, link: rx.Component) -> rx.Component:
    """`link` for those who hold what the entry needs."""
    return rx.cond(held.contains(item.needs), link, rx.fragment()) if item.needs else link


def _pinned(items: Sequence[NavItem], active: str, held: Held) -> rx.Component:
    """What stands in the bar where the navigation is a drawer."""

    def link(item: NavItem) -> rx.Component:
        return rx.link(
            rx.icon(item.icon, size=16, aria_hidden="true"),
            item.label,
            href=item.href,
            underline="none",
            class_name="ty-bar-pinned",
            data_testid=f"pinned-{item.key}",
        )

    return rx.fragment(*[_drawn(item, held, link(item)) for item in items if item.pinned and item.key != active])


def _drawer(items: Sequence[NavItem], active: str, held: Held) -> rx.Component:
    return rx.dialog.root(
        rx.dialog.trigger(
            rx.icon_button(
                rx.icon("menu", size=18),
                variant="ghost",
                color_scheme="gray",
                aria_label="Open navigation",
                class_name="ty-menu-button",
                data_testid="open-navigation",
            ),
        ),
        rx.dialog.content(
            rx.dialog.title(brand(), class_name="ty-drawer-title"),
            rx.dialog.description("Pages of Trainyard", class_name="ty-hidden"),
            rx.dialog.close(
                rx.icon_button(
                    rx.icon("x", size=18),
                    variant="ghost",
                    color_scheme="gray",
                    aria_label="Close navigation",
                    class_name="ty-drawer-close",
                ),
            ),
            _nav(items, active, held, in_drawer=True),
            class_name="ty-drawer",
        ),
    )


def _person_menu(name: Text, role: Text, on_sign_out: Any) -> rx.Component:
    entries: list[rx.Component] = [
        rx.el.div(rx.el.strong(name), rx.el.span(role), class_name="ty-person-card"),
        rx.menu.separator(),
    ]
    icon, go = rx.icon("user-round", size=14), rx.redirect("/account")
    entries.append(rx.menu.item(icon, "Your account", on_click=go, data_testid="account"))
    if on_sign_out is not None:
        entries.append(
            rx.menu.item(rx.icon("log-out", size=14), "Sign out", on_click=on_sign_out, data_testid="sign-out")
        )
    initial = name[:1].upper() if isinstance(name, str) else name.to(str)[0].upper()
    return rx.menu.root(
        rx.menu.trigger(
            rx.el.button(
                rx.el.span(initial, class_name="ty-avatar", aria_hidden="true"),
                rx.el.span(name, class_name="ty-person-name"),
                rx.icon("chevron-down", size=14, aria_hidden="true"),
                class_name="ty-person",
                type="button",
                aria_label="Your account",
                data_testid="person-menu",
            ),
        ),
        rx.menu.content(*entries, align="end", size="2", min_width="200px"),
    )


def _colour_mode_button() -> rx.Component:
    return rx.icon_button(
        rx.color_mode_cond(rx.icon("moon", size=17), rx.icon("sun", size=17)),
        on_click=rx.toggle_color_mode,
        variant="ghost",
        color_scheme="gray",
        class_name="ty-bar-button",
        aria_label="Switch between light and dark",
        data_testid="colour-mode",
    )


def _trail(breadcrumb: Sequence[tuple[Text, str | rx.Var[str]]], title: Text) -> rx.Component:
    steps: list[rx.Component] = []
    for label, href in breadcrumb:
        steps.append(rx.el.li(rx.link(label, href=href, underline="hover", color_scheme="gray")))
        steps.append(rx.el.li(rx.icon("chevron-right", size=14), class_name="ty-trail-mark", aria_hidden="true"))
    here = rx.el.li(rx.el.span(title, aria_current="page"), class_name="ty-trail-here")
    return rx.el.nav(rx.el.ol(*steps, here), aria_label="Breadcrumb", class_name="ty-trail")


def page_frame(
    title: Text,
    *children: rx.Component,
    active: str,
    user_name: Text,
    user_role: Text = "",
    on_sign_out: Any = None,
    subtitle: Text | rx.Component | None = None,
    breadcrumb: Sequence[tuple[Text, str | rx.Var[str]]] = (),
    badge: rx.Component | None = None,
    actions: rx.Component | None = None,
    notices: rx.Component | None = None,
    nav: Sequence[NavItem] = NAVIGATION,
    permissions: Held | None = None,
    inert: rx.Var[bool] | bool = False,
) -> rx.Component:
    """The frame around one page.

    ``active`` is the key of the navigation entry; ``breadcrumb`` the pages above this one as (label, href);
    ``badge`` stands beside the title, ``actions`` at its right; ``notices`` (see ``feedback.notice_area``) below it;
    ``permissions`` are those that decide which entries of the navigation are drawn; while ``inert`` nothing in the page
    itself can be pressed.
    """
    held = rx.Var.create(list[str]()) if permissions is None else permissions
    heading = rx.el.div(
        rx.el.div(
            rx.el.div(rx.el.h1(title, class_name="ty-title"), badge or rx.fragment(), class_name="ty-title-line"),
            rx.el.div(subtitle, class_name="ty-subtitle") if subtitle is not None else rx.fragment(),
        ),
        rx.el.div(actions, class_name="ty-actions") if actions is not None else rx.fragment(),
        class_name="ty-page-head",
    )
    bar = rx.el.header(
        _drawer(nav, active, held),
        _trail(breadcrumb, title),
        rx.el.span(class_name="ty-grow"),
        _pinned(nav, active, held),
        _colour_mode_button(),
        _person_menu(user_name, user_role, on_sign_out),
        class_name="ty-bar",
    )
    return rx.el.div(
        rx.el.button("Skip to content", type="button", on_click=rx.set_focus("main"), class_name="ty-skip"),
        rx.el.aside(brand(), _nav(nav, active, held), class_name="ty-side"),
        rx.el.div(
            bar,
            rx.el.main(
                heading,
                notices or rx.fragment(),
                *children,
                id="main",
                class_name="ty-main",
                tab_index=-1,
                custom_attrs={"inert": inert},
            ),
            class_name="ty-body",
        ),
        class_name="ty-frame",
    )


def section(
    title: Text,
    *children: rx.Component,
    actions: rx.Component | None = None,
    note: Text | None = None,
    flush: bool = False,
    **props: Any,
) -> rx.Component:
    """A titled panel; ``flush`` lets a table or a map touch the panel's edges."""
    head = rx.el.header(
        rx.el.h2(title, class_name="ty-panel-title"),
        rx.el.span(note, class_name="ty-panel-note") if note is not None else rx.fragment(),
        rx.el.span(class_name="ty-grow"),
        actions or rx.fragment(),
        class_name="ty-panel-head",
    )
    body_class = "ty-panel-body is-flush" if flush else "ty-panel-body"
    return rx.el.section(head, rx.el.div(*children, class_name=body_class), class_name="ty-panel", **props)


def columns(*children: rx.Component, wide: bool = False) -> rx.Component:
    """Panels side by side (two to one when ``wide``), under each other where there is no room."""
    return rx.el.div(*children, class_name="ty-columns is-wide" if wide else "ty-columns")


def stack(*children: rx.Component) -> rx.Component:
    """Panels under each other with the page's rhythm."""
    return rx.el.div(*children, class_name="ty-stack")


def facts(*pairs: tuple[Text, Any]) -> rx.Component:
    """A list of label and value, for the side of a detail page."""
    rows = [rx.el.div(rx.el.dt(label), rx.el.dd(value), class_name="ty-fact") for label, value in pairs]
    return rx.el.dl(*rows, class_name="ty-facts")


def centered_page(*children: rx.Component, title: Text) -> rx.Component:
    """A page without navigation (sign-in): one small panel in the middle."""
    return rx.el.main(
        rx.el.div(brand(), rx.el.h1(title, class_name="ty-title"), *children, class_name="ty-card-page"),
        rx.el.div(_colour_mode_button(), class_name="ty-corner"),
        class_name="ty-centre",
    )
