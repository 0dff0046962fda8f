"""Design tokens and the look of every status.

Owns: the Radix theme, and for each status of the specification one colour scale, one glyph and one word.
Rule: colour never speaks alone, so a status is always drawn as glyph + word; unknown words are shown as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import reflex as rx

Kind = Literal[
    "job",
    "model_version",
    "deployment",
    "dataset",
    "sample",
    "edge",
    "environment",
    "webhook",
    "delivery",
    "transfer",
    "token",
    "account",
    "outcome",
]
Colour = Literal["gray", "indigo", "blue", "cyan", "green", "amber", "orange", "red", "violet"]


@dataclass(frozen=True)
class StatusLook:
    """How one status is drawn: word, Radix colour scale, lucide glyph, and whether the glyph turns."""

    label: str
    colour: Colour
    icon: str
    moving: bool = False
    hint: str = ""


STATUSES: Mapping[Kind, Mapping[str, StatusLook]] = {
    "job": {
        "pending": StatusLook("Pending", "gray", "circle-dashed", hint="Created, waiting in the queue"),
        "queued": StatusLook("Queued", "amber", "clock", hint="Scheduled for execution"),
        "running": StatusLook("Running", "indigo", "loader-circle", moving=True, hint="Training in progress"),
        "completed": StatusLook("Completed", "green", "circle-check", hint="Training finished"),
        "failed": StatusLook("Failed", "red", "circle-x", hint="Training stopped with an error"),
        "cancelled": StatusLook("Cancelled", "gray", "circle-slash", hint="Cancelled by a person"),
    },
    "model_version": {
        "draft": StatusLook("Draft", "gray", "pencil-line", hint="Not yet tested"),
        "testing": StatusLook("Testing", "amber", "flask-conical", hint="Undergoing validation"),
        "approved": StatusLook("Approved", "indigo", "signature", hint="Signed by a person, not yet released"),
        "released": StatusLook("Released", "green", "badge-check", hint="Available for deployment"),
        "deprecated": StatusLook("Deprecated", "gray", "archive", hint="No longer recommended"),
    },
    "deployment": {
        "pending": StatusLook("Pending", "gray", "circle-dashed", hint="Waiting for the edge server to ask"),
        "downloading": StatusLook("Downloading", "indigo", "download", hint="The edge server is fetching the bundle"),
        "installing": StatusLook("Installing", "indigo", "loader-circle", moving=True, hint="Verifying and loading"),
        "completed": StatusLook("Completed", "green", "circle-check", hint="Loaded and serving"),
        "failed": StatusLook("Failed", "red", "circle-x", hint="Refused or broken; the previous model goes on serving"),
    },
    "dataset": {
        "draft": StatusLook("Draft", "gray", "pencil-line", hint="Still being filled"),
        "active": StatusLook("Active", "green", "circle-check", hint="Ready for training"),
        "archived": StatusLook("Archived", "gray", "archive", hint="Kept, not used for new jobs"),
    },
    "sample": {
        "unlabeled": StatusLook("Unlabeled", "gray", "circle-dashed", hint="Nobody has named it yet"),
        "labeled": StatusLook("Labeled", "indigo", "tag", hint="Named, waiting for verification"),
        "verified": StatusLook("Verified", "green", "circle-check", hint="Verified by a second person"),
        "rejected": StatusLook("Rejected", "red", "circle-x", hint="Will not be used for training"),
    },
    "edge": {
        "ok": StatusLook("Healthy", "green", "circle-check", hint="Heartbeats arrive on time"),
        "late": StatusLook("Late", "amber", "triangle-alert", hint="The last heartbeat is overdue"),
        "offline": StatusLook("Offline", "red", "circle-x", hint="No heartbeat for a long time"),
        "never": StatusLook("Not enrolled", "gray", "circle-dashed", hint="Waiting for its first heartbeat"),
    },
    "webhook": {
        "active": StatusLook("Active", "green", "circle-check", hint="Messages are accepted"),
        "failing": StatusLook("Failing", "amber", "triangle-alert", hint="Messages are not accepted and tried again"),
        "paused": StatusLook("Paused", "gray", "circle-pause", hint="It is sent nothing"),
    },
    "delivery": {
        "pending": StatusLook("On its way", "amber", "clock", hint="Waiting for its first or next attempt"),
        "delivered": StatusLook("Delivered", "green", "circle-check", hint="The receiver accepted it"),
        "failed": StatusLook("Failed", "red", "circle-x", hint="No further attempt; it can be sent again"),
    },
    "transfer": {
        "queued": StatusLook("Queued", "amber", "clock", hint="Waits for the transfer worker"),
        "running": StatusLook("Running", "indigo", "loader-circle", moving=True, hint="Under way"),
        "completed": StatusLook("Completed", "green", "circle-check", hint="Done"),
        "failed": StatusLook("Failed", "red", "circle-x", hint="It ended with an error"),
        "cancelled": StatusLook("Cancelled", "gray", "circle-slash", hint="Ended by a person"),
    },
    "outcome": {
        "done": StatusLook("Done", "gray", "check", hint="It was carried out"),
        "refused": StatusLook("Refused", "red", "shield-x", hint="It was not allowed, and nothing was done"),
    },
    "token": {
        "active": StatusLook("Active", "green", "circle-check", hint="It is a valid credential"),
        "expired": StatusLook("Expired", "gray", "clock", hint="Its time is over; make a new one"),
        "revoked": StatusLook("Revoked", "red", "circle-x", hint="Nobody can use it any more"),
    },
    "account": {
        "active": StatusLook("Active", "green", "circle-check", hint="May sign in"),
        "disabled": StatusLook("Deactivated", "gray", "circle-slash", hint="May not sign in"),
    },
    "environment": {
        "dev": StatusLook("Development", "gray", "flask-round"),
        "staging": StatusLook("Staging", "amber", "layers"),
        "production": StatusLook("Production", "indigo", "factory"),
    },
}

ACCENT: Colour = "indigo"


def radix_theme() -> rx.Component:
    """The theme for ``RadixThemesPlugin`` in rxconfig.py."""
    return rx.theme(accent_color="indigo", gray_color="slate", radius="medium", panel_background="solid")


def _badge(kind: Kind, name: str, look: StatusLook) -> rx.Component:
    return rx.badge(
        rx.icon(look.icon, size=13, aria_hidden="true", class_name="ty-spin" if look.moving else ""),
        look.label,
        color_scheme=look.colour,
        variant="soft",
        radius="full",
        class_name="ty-badge",
        title=look.hint or look.label,
        data_status=name,
        data_testid=f"status-{kind}",
    )


def status_badge(kind: Kind, status: rx.Var[str] | str) -> rx.Component:
    """A badge with glyph and word for ``status``; a status nobody knows is shown as plain grey text."""
    looks = STATUSES[kind]
    if isinstance(status, str):
        return _badge(kind, status, looks.get(status, StatusLook(status, "gray", "circle-help")))
    unknown = rx.badge(status, color_scheme="gray", variant="soft", radius="full", data_testid=f"status-{kind}")
    cases: list[Any] = [(name, _badge(kind, name, look)) for name, look in looks.items()]
    return rx.match(status, *cases, unknown)


VERDICTS: Mapping[str, StatusLook] = {
    "same": StatusLook("as released", "green", "circle-check"),
    "different": StatusLook("not what was released", "red", "circle-x"),
    "unknown": StatusLook("unknown to the cloud", "gray", "circle-help"),
}


def verdict_badge(verdict: rx.Var[str]) -> rx.Component:
    """Whether what an edge server loaded is what was released under that version (a key of `VERDICTS`)."""
    marks = {
        name: rx.badge(
            rx.icon(look.icon, size=13, aria_hidden="true"), look.label, color_scheme=look.colour, radius="full"
        )
        for name, look in VERDICTS.items()
    }
    return rx.el.span(
        rx.match(verdict, *marks.items(), marks["unknown"]), data_testid="digest-verdict", data_verdict=verdict
    )


def chip(text: rx.Var[Any] | str, *, icon: str | None = None, colour: Colour = "gray", **props: Any) -> rx.Component:
    """A small neutral label (a class name, a module, a count)."""
    children = [rx.icon(icon, size=12, aria_hidden="true")] if icon else []
    return rx.badge(*children, text, color_scheme=colour, variant="surface", class_name="ty-chip", **props)
