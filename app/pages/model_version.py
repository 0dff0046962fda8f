"""/models/[version_id]: what a version is, what a person may do with it, and where it runs."""

from typing import Any

import reflex as rx

from app.pages.common import INTRO, choice, field, form_dialog, may, reason, told
from app.pages.common import page as framed
from app.pages.used_version import version_link, withdrawn_callout
from components.bars import bar_list
from components.confusion_matrix import confusion_matrix
from components.feedback import confirm_dialog, empty_state, error_callout
from components.live_topic import live_topic
from components.shell import columns, facts, section, stack
from components.sign_approval import sign_approval
from components.stat import digest, metric_tile, progress_bar, relative_time, tile_row
from components.table import Column, data_table
from components.theme import chip, status_badge
from state.model_version import ModelVersionState as S
from state.session import SessionState

ROUTE, TITLE = "/models/[version_id]", "Model version · Trainyard"
ON_LOAD = [SessionState.load, S.load]
WRITE, APPROVE = "training:models:write", "training:models:approve"
RELEASE, DEPLOY = "training:models:release", "training:deployments:write"


def _tiles() -> rx.Component:
    return tile_row(
        metric_tile("Accuracy", S.version["accuracy"], hint=S.details["test_count"], icon="target"),
        metric_tile("Precision", S.version["precision"], hint="mean over classes", icon="crosshair"),
        metric_tile("Recall", S.version["recall"], hint="mean over classes", icon="radar"),
        metric_tile("F1", S.version["f1"], hint="mean over classes", icon="scale"),
        metric_tile("Inference", S.details["inference"], hint="per image", icon="timer"),
    )


def _button(text: str, icon: str, **props: Any) -> rx.Component:
    return rx.button(rx.icon(icon, size=16), text, **props)


def _quiet(text: str, icon: str, **props: Any) -> rx.Component:
    return _button(text, icon, variant="soft", color_scheme="gray", **props)


def _release() -> rx.Component:
    return confirm_dialog(
        _button("Release", "badge-check", data_testid="release"),
        title="Release " + S.version["title"] + "?",
        consequences=[
            "The list that the approver signed becomes current for every edge server.",
            "The version can then be deployed. Nothing is deployed by releasing it.",
            "It can be deprecated later, but not taken back.",
        ],
        confirm_label="Release",
        on_confirm=S.release,
        test_id="confirm-release",
    )


def _deploy_all() -> rx.Component:
    return confirm_dialog(
        _quiet("Deploy to all", "rocket", data_testid="deploy-all"),
        title="Deploy " + S.version["title"] + " to all edge servers?",
        consequences=[
            "Every enrolled edge server that may have it and does not run it yet takes it with its next heartbeat.",
            "Each one verifies the approver's signature and the golden set before it swaps, and keeps its present "
            "version if anything is wrong.",
            "An unfinished deployment of this module to one of them is superseded.",
        ],
        confirm_label="Deploy to all",
        on_confirm=S.deploy_all,
        test_id="confirm-deploy-all",
    )


def _deprecate() -> rx.Component:
    return confirm_dialog(
        _quiet("Deprecate", "archive", data_testid="deprecate"),
        title="Deprecate " + S.version["title"] + "?",
        consequences=[
            "It is never deployed again, and no job continues from it.",
            "Edge servers that run it go on until another version is deployed to them.",
            "This cannot be taken back.",
        ],
        confirm_label="Deprecate",
        on_confirm=S.deprecate,
        danger=True,
        test_id="confirm-deprecate",
    )


def _actions() -> rx.Component:
    """What the status allows and the person may do."""
    test = _button("Start testing", "flask-conical", on_click=S.start_testing, data_testid="start-testing")
    draft = _quiet("Back to draft", "undo-2", on_click=S.back_to_draft, data_testid="back-to-draft")
    approve = _button("Approve", "signature", on_click=S.open_signing, data_testid="approve")
    deploy = _button("Deploy", "rocket", on_click=S.set_deploying(True), data_testid="deploy")

    def when(allowed: rx.Var[bool], permission: str, shown: rx.Component) -> rx.Component:
        return rx.cond(allowed & may(permission), shown, rx.fragment())

    return rx.fragment(
        when(S.version["can_deprecate"], WRITE, _deprecate()),
        when(S.version["can_draft"], WRITE, draft),
        when(S.version["can_test"], WRITE, test),
        when(S.version["can_approve"], APPROVE, approve),
        when(S.version["can_release"], RELEASE, _release()),
        when(S.version["can_deploy"], DEPLOY, _deploy_all()),
        when(S.version["can_deploy"], DEPLOY, deploy),
    )


def _signing() -> rx.Component:
    """The person's own key signs in the person's own browser."""
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title("Approve " + S.version["title"], size="4", margin_bottom="4px"),
            rx.dialog.description(
                "Your signature is what edge servers check. Without it no server can make them load this version.",
                class_name="ty-muted",
                style=INTRO,
            ),
            error_callout(S.form_error, title="The approval was not accepted"),
            rx.cond(
                S.payload != "",
                sign_approval(
                    payload_base64=S.payload,
                    summary=S.summary,
                    target=S.details["target"],
                    disabled=S.busy,
                    on_signed=S.approve,
                    on_cancel=S.close_signing,
                ),
                rx.fragment(),
            ),
            max_width="560px",
            data_testid="signing-dialog",
        ),
        open=S.is_signing,
        on_open_change=S.keep_signing,
    )


def _deploying() -> rx.Component:
    return form_dialog(
        field(
            "Edge server",
            choice("edge_server_id", S.edges, placeholder="Choose an edge server", required=True),
            hint="Deploying an earlier version than the one it runs rolls the edge server back.",
        ),
        rx.el.ul(
            rx.el.li("The edge server takes it with its next heartbeat and verifies signature, digest and golden set."),
            rx.el.li("If anything is wrong it keeps its present version and says why here."),
            rx.el.li("An unfinished deployment of this module to it is superseded."),
            class_name="ty-consequences",
        ),
        title="Deploy " + S.version["title"],
        intro="One edge server, now.",
        submit="Deploy",
        state=S,
        open=S.is_deploying,
        on_open_change=S.set_deploying,
        on_submit=S.deploy,
    )


def _status(row: Any) -> rx.Component:
    return rx.el.span(
        status_badge("deployment", row["status"]),
        reason(row["error"]),
        class_name="ty-two",
        style={"justify_items": "start", "gap": "3px"},
    )


def _retry(row: Any) -> rx.Component:
    button = rx.button("Retry", size="1", variant="soft", on_click=S.retry(row["id"]), data_testid="retry")
    return rx.cond(row["can_retry"] & may(DEPLOY) & S.version["can_deploy"], button, rx.fragment())


def _deployments() -> rx.Component:
    progress = lambda row: progress_bar(row["progress"], label="Progress", compact=True, tone=row["tone"])  # noqa: E731
    edge = lambda row: rx.link(row["edge"], href="/edge-servers/" + row["edge_id"])  # noqa: E731
    return section(
        "Deployments",
        data_table(
            S.deployments,
            [
                Column("Edge server", edge, width="150px"),
                Column("Status", _status),
                Column("Progress", progress, width="120px"),
                Column("Changed", lambda row: relative_time(row["updated_at"]), width="100px", align="right"),
                Column("", _retry, width="80px", align="right"),
            ],
            label="Deployments of this version",
            loading=S.loading,
            row_id=lambda row: row["id"],
            empty=empty_state(
                "rocket",
                "Not deployed yet",
                rx.cond(
                    S.version["can_deploy"],
                    told(
                        DEPLOY,
                        "Deploy it to one edge server or to all of them.",
                        "A super admin can deploy it to your edge servers.",
                    ),
                    "A version can be deployed once it was tested, approved by a person, and released.",
                ),
            ),
            skeleton_rows=2,
            test_id="deployments",
        ),
        flush=True,
    )


def _lineage() -> rx.Component:
    def link(name: Any, href: Any, missing: str) -> rx.Component:
        return rx.cond(name != "", rx.link(name, href=href), rx.el.span(missing, class_name="ty-muted"))

    return section(
        "Where it comes from",
        facts(
            ("Module", chip(S.version["ai_module"], icon="tag")),
            ("Training job", link(S.job_name, "/jobs/" + S.details["job_id"], "none")),
            ("Dataset", link(S.used["dataset"], S.used["dataset_href"], "none")),
            ("Dataset version", version_link(S.used, "none")),
            ("Base version", link(S.base_name, "/models/" + S.details["base_id"], "none, from scratch")),
            ("Created", relative_time(S.version["created_at"])),
            ("Approved", relative_time(S.details["approved_at"], missing="not yet")),
            ("Released", relative_time(S.details["released_at"], missing="not yet")),
        ),
    )


def _bundle() -> rx.Component:
    return section(
        "Bundle",
        facts(
            ("sha256", digest(S.details["sha256"], label="bundle digest")),
            ("Size", S.details["size"]),
            ("Edge version", S.details["min_edge_version"]),
            ("Platforms", S.details["platforms"]),
        ),
    )


def _evaluation() -> rx.Component:
    shown = section("Confusion matrix", confusion_matrix(S.labels, S.matrix), note="held-out test images")
    return rx.cond(S.matrix.length() > 0, shown, rx.fragment())


def page() -> rx.Component:
    """Scores on top, then where it runs and how it errs beside where it comes from."""
    per_class = section("F1 per class", bar_list(S.per_class, label="F1 per class"))
    return framed(
        rx.cond(S.version["title"] != "", S.version["title"], "Model version"),
        live_topic(["models", "deployments"], on_message=S.on_live, on_reconnect=S.load, every_ms=700),
        stack(
            withdrawn_callout(S.used),
            _tiles(),
            columns(
                stack(_deployments(), _evaluation()),
                stack(_lineage(), _bundle(), rx.cond(S.per_class.length() > 0, per_class, rx.fragment())),
                wide=True,
            ),
        ),
        _signing(),
        _deploying(),
        state=S,
        record=S.version["id"],
        active="models",
        breadcrumb=[("Models", "/models")],
        badge=rx.cond(S.version["status"] != "", status_badge("model_version", S.version["status"]), rx.fragment()),
        actions=_actions(),
    )
