"""The audit log as JSON lines: every event that fits, with its link, in the order of the chain.

An export is read in parts, each in a transaction of its own, so that none of it is long or large. Events of the last
seconds that are not linked yet come with the next export.
"""

import json
from dataclasses import dataclass

from sqlalchemy import RowMapping
from sqlmodel import Session, col

from app.domain.audit_chain import fields
from app.domain.permissions import Actor, Permission, require
from app.schemas.audit import AuditWanted
from app.services.access import visible_to
from app.services.audit import conditions
from app.services.audit_chain import linked
from app.tables import AuditEvent, AuditLink

PART = 1_000
BEGINNING: int | None = 0


@dataclass(frozen=True)
class Part:
    """`count` lines of an export, and after which link the next part begins; None if this is the last."""

    lines: str
    count: int
    after: int | None


def part(session: Session, actor: Actor, wanted: AuditWanted, after: int = 0) -> Part:
    """The next lines behind link `after`, at most 1,000."""
    require(actor, Permission.AUDIT_READ)
    query = linked().where(
        col(AuditLink.number) > after,
        col(AuditEvent.id).is_not(None),
        visible_to(actor, AuditEvent.organization_id),
        *conditions(wanted),
    )
    rows = session.execute(query.order_by(col(AuditLink.number)).limit(PART)).mappings().all()  # type: ignore[deprecated]
    return Part("".join(map(line, rows)), len(rows), rows[-1]["number"] if len(rows) == PART else None)


def line(row: RowMapping) -> str:
    """One event with its link. Without the field `chain` it is what `event_sha256` is computed over."""
    chain = {name: row[name] for name in ("number", "event_sha256", "chain_sha256")}
    return json.dumps({**fields(row), "chain": chain}, ensure_ascii=False) + "\n"
