"""/status: what trains and what each edge server runs, made for a phone: read-only, live, and honest about its age."""

from typing import Any

import reflex as rx
from reflex_components_core.react_router.dom import ReactRouterLink

from app.pages.common import page as framed
from app.pages.common import reason
from components.feedback import empty_state, loading_panel
from components.live_mark import live_mark
from components.live_topic import live_topic
from components.stat import as_of, progress_bar, time_left
from components.switch import switch
from components.theme import status_badge, verdict_badge
from state.session import SessionState
from state.status import StatusState as S

ROUTE, TITLE = "/status", "Status · Trainyard"
ON_LOAD = [SessionState.load, S.load]


def _card(name: Any, href: Any, badge: rx.Component, second: Any, *lines: rx.Component, **props: Any) -> rx.Component:
    """A thing with its status; the whole card leads to the thing's own page."""
    link = ReactRouterLink.create(name, to=href, class_name="ty-row-link")
    return rx.el.li(
        rx.el.div(rx.el.h3(link, class_name="ty-status-name"), badge, class_name="ty-status-head"),
        rx.cond(second != "", rx.el.p(second, class_name="ty-status-second"), rx.fragment()),
        *lines,
        class_name="ty-status-card",
        **props,
    )


def _job(job: Any) -> rx.Component:
    left = rx.cond(job["eta"] != "", rx.fragment(" · ", time_left(job["eta"])), rx.fragment())
    progress = progress_bar(job["progress"], label="Progress", compact=True, tone=job["tone"])
    return _card(
        job["name"],
        "/jobs/" + job["id"],
        status_badge("job", job["status"]),
        job["ai_module"],
        rx.cond(job["tone"] != "waiting", progress, rx.fragment()),
        rx.el.p(job["epochs"], left, class_name="ty-status-epochs"),
        reason(job["error"]),
        as_of(job["as_of"], word=job["word"], stale_after=job["stale_after"]),
        data_testid="job-card",
        data_row_id=job["id"],
    )


def _model(model: Any) -> rx.Component:
    return rx.el.li(
        rx.el.span(model["title"], class_name="ty-first"), verdict_badge(model["verdict"]), class_name="ty-status-line"
    )


def _deployment(row: Any) -> rx.Component:
    return rx.el.li(
        rx.el.span(rx.icon("arrow-right", size=13, aria_hidden="true"), row["title"], class_name="ty-status-ordered"),
        status_badge("deployment", row["status"]),
        rx.el.span(row["progress"], " % · ", as_of(row["as_of"]), class_name="ty-second"),
        class_name="ty-status-line",
        data_testid="ordered",
    )


def _runs(edge: Any) -> rx.Component:
    """What it runs by its own word, then what was ordered for it."""
    nothing = rx.el.li("Nothing loaded", class_name="ty-status-line ty-muted")
    return rx.el.ul(
        rx.cond(edge["models"].length() > 0, rx.foreach(edge["models"], _model), nothing),
        rx.cond(edge["more_models"] != "", rx.el.li(edge["more_models"], class_name="ty-second"), rx.fragment()),
        rx.foreach(edge["deployments"], _deployment),
        class_name="ty-status-models",
        aria_label="Models",
    )


def _edge(edge: Any) -> rx.Component:
    revoked = rx.badge("Revoked", color_scheme="gray", variant="soft", radius="full", class_name="ty-badge")
    return _card(
        edge["name"],
        "/edge-servers/" + edge["id"],
        rx.cond(edge["is_revoked"], revoked, status_badge("edge", edge["health"])),
        edge["site"],
        _runs(edge),
        reason(edge["error"]),
        as_of(edge["as_of"], word="heartbeat", stale_after=edge["stale_after"]),
        data_testid="edge-card",
        data_row_id=edge["id"],
    )


def _part(
    title: str, kind: str, note: Any, rows: Any, draw: Any, empty: rx.Component, more: Any, href: str
) -> rx.Component:
    rest = rx.cond(more != "", rx.link(more, href=href, class_name="ty-status-more"), rx.fragment())
    shown = rx.fragment(rx.el.ul(rx.foreach(rows, draw), class_name="ty-status-list", aria_label=title), rest)
    return rx.el.section(
        rx.el.header(
            rx.el.h2(title, class_name="ty-panel-title"),
            rx.el.span(note, class_name="ty-panel-note"),
            class_name="ty-status-part-head",
        ),
        rx.cond(rows.length() > 0, shown, rx.cond(S.loading, loading_panel(rows=4), empty)),
        class_name="ty-status-part",
        data_part=kind,
        data_testid=f"status-{kind}",
    )


def page() -> rx.Component:
    """Jobs and edge servers under each other on a phone, side by side where there is room."""
    no_jobs = empty_state("activity", "No jobs", "Nothing runs or waits, and nothing ended within 24 hours.")
    no_edges = empty_state("map-pinned", "No edge servers", "They appear here once a super admin has made them.")
    return framed(
        "Status",
        live_topic(S.topics, on_message=S.on_live, on_reconnect=S.load, every_ms=1000),
        rx.el.div(
            switch("Show", [("all", "All"), ("jobs", "Jobs"), ("edges", "Edge servers")]),
            rx.el.div(
                _part("Training jobs", "jobs", S.jobs_note, S.jobs, _job, no_jobs, S.more_jobs, "/jobs"),
                _part("Edge servers", "edges", S.edges_note, S.edges, _edge, no_edges, S.more_edges, "/edge-servers"),
                class_name="ty-status-parts",
            ),
            class_name="ty-status",
        ),
        state=S,
        active="status",
        subtitle="As last heard from workers and edge servers",
        badge=live_mark("jobs"),
    )
