"""The audit log as its page shows it: who, what, on what, from where, and what changed, in words."""

import json
from collections.abc import Mapping
from typing import Any, TypedDict

from app.schemas.audit import AuditView, ChainView
from state.views.words import iso

# Where a row of a table can be looked at.
PAGES = {
    "training_datasets": "/datasets",
    "training_jobs": "/jobs",
    "ai_model_versions": "/models",
    "edge_servers": "/edge-servers",
    "webhooks": "/webhooks",
}
NOUNS = {
    "ai_model_versions": "Model version",
    "model_deployments": "Deployment",
    "tuf_metadata": "Signed metadata",
    "user_sessions": "Session",
    "users": "Person",
    "request": "Request",
    "event": "Dashboard",
}
TRIED = {"api": "Tried over the API", "event": "Tried in the dashboard"}
# Of one event's changes, and of the text of each value, as much as a person reads.
MOST_CHANGES, MOST_CHARACTERS = 30, 400


class Change(TypedDict):
    """One field: what it was (empty for what is new), and what it became."""

    name: str
    before: str
    after: str


class AuditRow(TypedDict):
    """One event. `href` is empty where there is no page to look at."""

    id: str
    at: str
    actor: str
    address: str
    words: str
    action: str
    subject: str
    subject_id: str
    href: str
    owner: str
    outcome: str
    request_id: str
    changes: list[Change]
    summary: str


def audit_row(event: AuditView, organizations: Mapping[int, str]) -> AuditRow:
    """An event; `organizations` are the names of those that are known."""
    owner, made = event.organization_id, changes(event.before, event.after)
    path = PAGES.get(event.subject_type, "")
    return {
        "id": str(event.id),
        "at": iso(event.occurred_at),
        "actor": event.actor,
        "address": event.ip_address,
        "words": words(event.action),
        "action": event.action,
        "subject": noun(event.subject_type),
        "subject_id": event.subject_id,
        "href": f"{path}/{event.subject_id}" if path and not event.action.endswith(".delete") else "",
        "owner": "" if owner is None else organizations.get(owner, f"Organization {owner}"),
        "outcome": event.outcome,
        "request_id": event.request_id,
        "changes": made,
        "summary": _summary(made),
    }


def words(action: str) -> str:
    """`training_job.cancel` as a person says it."""
    first, _, rest = action.partition(".")
    if first in TRIED:
        return f"{TRIED[first]}: {rest.rpartition('.')[2].replace('_', ' ')}"
    return f"{first}: {rest}".replace("_", " ").capitalize()


def noun(subject_type: str) -> str:
    """What the rows of a table are, one of them."""
    known = NOUNS.get(subject_type)
    return known or subject_type.removesuffix("s").replace("_", " ").capitalize()


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Every field that either side names, in the order in which it is named."""
    names = list(dict.fromkeys([*after, *before]))[:MOST_CHANGES]
    return [
        {
            "name": name.replace("_", " "),
            "before": _text(before[name]) if name in before else "",
            "after": _text(after.get(name)),
        }
        for name in names
    ]


def chain_words(chain: ChainView) -> str:
    """How far the chain reaches."""
    if chain.length == 0:
        return "No event is linked yet."
    linked = f"{chain.length:,} events" if chain.length > 1 else "1 event"
    if chain.waiting == 0:
        return f"{linked}, all linked"
    return f"{linked} linked, {chain.waiting:,} more in a few seconds"


def _text(value: Any) -> str:
    if value is None or value == "":
        return "–"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"


def _summary(made: list[Change]) -> str:
    if not made:
        return ""
    names = ", ".join(change["name"] for change in made[:3])
    return names if len(made) <= 3 else f"{names} and {len(made) - 3} more"
