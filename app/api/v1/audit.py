"""The audit log: search it, take it away as JSON lines, and see how far its chain reaches (docs/audit.md)."""

from collections.abc import Iterator
from typing import Annotated, Literal

from fastapi import Query
from fastapi.responses import StreamingResponse
from pydantic import Field

from app.api.deps import PageQuery, Run, Runner
from app.api.guard import guarded_router
from app.api.marks import allow
from app.domain.permissions import Permission
from app.schemas.audit import AuditFilter, AuditView, AuditWanted, ChainView
from app.schemas.base import Page
from app.services import audit, audit_chain, audit_export

router = guarded_router(prefix="/training/audit", tags=["audit"])
JSON_LINES = "application/jsonl"


class AuditQuery(AuditFilter, PageQuery):
    """Which events, and which page of them."""


class ExportQuery(AuditWanted):
    """Which events, and how they are written."""

    format: Literal["jsonl"] = Field("jsonl", description="JSON lines: one event a line")


@router.get("", summary="List audit events")
@allow(Permission.AUDIT_READ)
def list_audit(run: Run, query: Annotated[AuditQuery, Query()]) -> Page[AuditView]:
    return run(audit.list_events, query.part(AuditFilter), query.cursor, query.limit)


@router.get(
    "/export",
    summary="All events that fit, as JSON lines in the order of the chain",
    response_class=StreamingResponse,
    responses={200: {"content": {JSON_LINES: {"schema": {"type": "string"}}}}},
)
@allow(Permission.AUDIT_READ)
def export_audit(run: Run, query: Annotated[ExportQuery, Query()]) -> StreamingResponse:
    first = run(audit_export.part, query)  # before the answer begins, so that a refusal is still a problem+json
    headers = {"Content-Disposition": 'attachment; filename="audit.jsonl"'}
    return StreamingResponse(_lines(run, query, first), media_type=JSON_LINES, headers=headers)


@router.get("/chain", summary="How far the chain over the log reaches, and its head")
@allow(Permission.AUDIT_READ)
def show_chain(run: Run) -> ChainView:
    return run(audit_chain.state)


def _lines(run: Runner, wanted: AuditWanted, part: audit_export.Part) -> Iterator[str]:
    yield part.lines
    while part.after is not None:
        part = run(audit_export.part, wanted, part.after)
        yield part.lines
