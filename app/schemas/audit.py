"""The audit log as callers search and see it (docs/audit.md)."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from app.schemas.base import DatabaseId, Moment, Request, Sha256, Sorted, View, datetime, sort_field

Outcome = Literal["done", "refused"]
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=320)]


class AuditWanted(Request):
    """Which events: those that fit every field that is given."""

    FROM_ADDRESS = True

    actor: Word | None = Field(None, description="Who: an e-mail address, `edge-7`, or the name of a worker")
    action: Word | None = Field(
        None, description="What, as `training_job.cancel`; with a dot or a star at its end, all that begin so"
    )
    subject_type: Word | None = Field(None, description="The table of what it was done to")
    subject_id: Word | None = Field(None, description="Which row of that table")
    organization_id: DatabaseId | None = None
    outcome: Outcome | None = Field(None, description="`refused`: attempts that were not allowed")
    request_id: Word | None = Field(None, description="As in `X-Request-ID` and in the logs")
    since: Moment | None = Field(None, description="From this moment on")
    until: Moment | None = Field(None, description="Before this moment")


class AuditFilter(AuditWanted, Sorted):
    """Which events to list, and in which order."""

    sort: Literal["id", "-id"] = sort_field("-id")


class AuditView(View):
    """One event: who did what, to what, from where and when, and what changed."""

    id: int
    occurred_at: datetime
    outcome: Outcome
    actor: str
    actor_user_id: int | None
    action: str
    subject_type: str
    subject_id: str
    organization_id: int | None
    before: dict[str, Any]
    after: dict[str, Any]
    request_id: str
    ip_address: str


class AuditHead(Request):
    """A head of the chain that somebody noted earlier, or none."""

    head: Sha256 | None = None


class ChainView(View):
    """How far the chain reaches. `head` is the last link's `chain_sha256`; note it elsewhere to compare it later."""

    length: int = Field(description="How many events are linked")
    head: Sha256
    waiting: int = Field(description="How many events wait to be linked, which takes seconds")


class ChainReport(ChainView):
    """What a check of the whole chain found. `problem` names the first broken link, or is null."""

    problem: str | None
