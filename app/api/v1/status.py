"""Status for phones: one read-only answer, small to ask for again (ETag)."""

import hashlib
from typing import Annotated, Any

from fastapi import Header, Response, status

from app.api.deps import Run
from app.api.guard import guarded_router
from app.api.marks import allow
from app.domain.permissions import Permission
from app.schemas.status import TrainingStatus
from app.services import status as training_status

router = guarded_router(prefix="/training/status", tags=["status"])

# Ages change every second while nothing happens; whoever keeps an answer counts them on from `as_of`.
AGES: dict[str, Any] = {
    "generated_at": True,
    "jobs": {"__all__": {"age_seconds"}},
    "edge_servers": {"__all__": {"age_seconds": True, "deployments": {"__all__": {"age_seconds"}}}},
}
NOT_MODIFIED = {status.HTTP_304_NOT_MODIFIED: {"description": "Nothing but ages has changed since the ETag sent"}}
IfNoneMatch = Annotated[str | None, Header(max_length=1000, description="The ETag of the answer you have")]


@router.get(
    "",
    summary="What trains, and what each edge server runs",
    response_model=TrainingStatus,
    responses=NOT_MODIFIED,
)
@allow(Permission.JOBS_READ)
def show(run: Run, response: Response, if_none_match: IfNoneMatch = None) -> TrainingStatus | Response:
    """Jobs that wait, run or ended within 24 hours, and per edge server the models it last reported itself.

    Every fact says when it was heard (`as_of`), how long ago that was, and whether something newer should have been
    heard by now. With `If-None-Match` an unchanged status is answered by 304 without a body.
    """
    found = run(training_status.show)
    tag = etag(found)
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Authorization, Cookie"}
    if matches(if_none_match, tag):
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)
    response.headers.update(headers)
    return found


def etag(found: TrainingStatus) -> str:
    """A weak tag over everything but the ages."""
    return f'W/"{hashlib.sha256(found.model_dump_json(exclude=AGES).encode()).hexdigest()[:32]}"'


def matches(if_none_match: str | None, tag: str) -> bool:
    """True if the caller has this very answer (RFC 9110, weak comparison)."""
    tags = {one.strip().removeprefix("W/") for one in (if_none_match or "").split(",")}
    return "*" in tags or tag.removeprefix("W/") in tags
