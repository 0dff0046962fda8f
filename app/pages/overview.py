"""/: one glance at the loop, and what needs a person now."""

import reflex as rx

from app.pages.common import may, told
from app.pages.common import page as framed
from components.feedback import callout, empty_state
from components.live_topic import live_topic
from components.loop_diagram import loop_diagram
from components.shell import columns, section, stack
from components.stat import progress_bar, relative_time
from components.table import Column, data_table, two_lines
from components.theme import status_badge
from state.overview import STATIONS
from state.overview import OverviewState as S
from state.session import SessionState

ROUTE, TITLE = "/", "Overview · Trainyard"
ON_LOAD = [SessionState.load, S.load]
APPROVE, CREATE, AUDIT = "training:models:approve", "training:datasets:write", "training:audit:read"
DEPLOY, VERIFY = "training:deployments:write", "training:samples:verify"


def _todo(shown: rx.Var[bool], text: rx.Var[str], href: rx.Var[str] | str, tone: str) -> rx.Component:
    line = callout(rx.link(text, href=href, underline="always", color="inherit"), tone=tone, data_testid="needs-person")
    return rx.cond(shown, line, rx.fragment())


def _needs_person() -> rx.Component:
    """Versions to approve and release, deployments that failed, labels to verify."""
    many = lambda count, one, more: rx.cond(count == 1, "1 " + one, count.to(str) + " " + more)  # noqa: E731
    return section(
        told(APPROVE, "Needs a person", "Waits for a super admin"),
        rx.el.div(
            _todo(
                S.waiting > 0,
                many(
                    S.waiting, "version is tested and waits for approval", "versions are tested and wait for approval"
                ),
                "/models?status=testing",
                "warning",
            ),
            _todo(
                S.approved > 0,
                many(S.approved, "approved version is not released yet", "approved versions are not released yet"),
                "/models?status=approved",
                "info",
            ),
            _todo(
                S.failed > 0,
                many(S.failed, "deployment failed", "deployments failed"),
                "/edge-servers",
                "error",
            ),
            _todo(
                S.unverified != "",
                S.unverified,
                S.unverified_at + rx.cond(may(VERIFY), "/review", ""),
                "info",
            ),
            rx.cond(
                S.needs_person,
                rx.fragment(),
                rx.el.p(
                    rx.cond(S.loading, "…", "Nothing. The loop runs by itself."),
                    class_name="ty-muted",
                    style={"margin": "0"},
                ),
            ),
            style={"display": "grid", "gap": "8px"},
        ),
    )


def _jobs() -> rx.Component:
    return section(
        "Recent training jobs",
        data_table(
            S.jobs,
            [
                Column("Job", lambda job: two_lines(job["name"], job["ai_module"]), phone="title"),
                Column("Status", lambda job: status_badge("job", job["status"]), width="130px"),
                Column(
                    "Progress",
                    lambda job: progress_bar(job["progress"], label="Progress", compact=True, tone=job["tone"]),
                    width="150px",
                ),
            ],
            label="Recent training jobs",
            loading=S.loading,
            row_href=lambda job: "/jobs/" + job["id"],
            empty=empty_state("activity", "No jobs yet", "A job trains a model on the verified samples of a dataset."),
            skeleton_rows=3,
            test_id="recent-jobs",
        ),
        actions=rx.link("All jobs", href="/jobs", size="2"),
        flush=True,
    )


def _deployments() -> rx.Component:
    return section(
        "Recent deployments",
        data_table(
            S.deployments,
            [
                Column("Model", lambda row: two_lines(row["version"], row["edge"]), phone="title"),
                Column("Status", lambda row: status_badge("deployment", row["status"]), width="140px"),
                Column("Changed", lambda row: relative_time(row["updated_at"]), align="right", width="120px"),
            ],
            label="Recent deployments",
            loading=S.loading,
            row_href=lambda row: "/models/" + row["version_id"],
            empty=empty_state(
                "rocket",
                "Nothing deployed yet",
                told(
                    DEPLOY,
                    "Released versions are deployed from their own page.",
                    "A super admin deploys released versions to your edge servers.",
                ),
            ),
            skeleton_rows=3,
            test_id="recent-deployments",
        ),
        flush=True,
    )


def _events() -> rx.Component:
    table = data_table(
        S.events,
        [
            Column("What", lambda event: two_lines(event["action"], event["actor"]), phone="title"),
            Column("When", lambda event: relative_time(event["at"]), align="right", width="120px"),
        ],
        label="Recent events",
        loading=S.loading,
        empty=empty_state("scroll-text", "No events", "Every change is recorded here."),
        skeleton_rows=4,
        test_id="recent-events",
    )
    return rx.cond(S.events.length() > 0, section("Recent events", table, flush=True), rx.fragment())


def _first_steps() -> rx.Component:
    return empty_state(
        "train-front",
        "The yard is empty",
        told(
            CREATE,
            "Start with a dataset: images with labels. Or run ./trainyard demo to see the whole loop on real digits.",
            "A super admin makes datasets for your organization and trains on them; you follow it here.",
        ),
        rx.cond(may(CREATE), rx.link(rx.button("Go to datasets"), href="/datasets"), rx.fragment()),
    )


def page() -> rx.Component:
    """The loop on top, then what needs a person beside what happened last."""
    counts = {key: S.counts[key] for key in STATIONS}
    loop = section("The loop", loop_diagram(counts, moving=S.is_moving, attention={"approval": S.waiting > 0}))
    return framed(
        "Overview",
        live_topic(["jobs", "models", "deployments"], on_message=S.on_live, on_reconnect=S.load, every_ms=1000),
        stack(
            loop,
            rx.cond(S.is_empty, rx.fragment(), _needs_person()),
            rx.cond(
                S.is_empty & ~S.loading,
                section("First steps", _first_steps()),
                rx.cond(
                    may(AUDIT),
                    columns(stack(_jobs(), _deployments()), _events(), wide=True),
                    columns(_jobs(), _deployments()),
                ),
            ),
        ),
        state=S,
        active="overview",
        subtitle="From samples to edge servers and back",
    )
