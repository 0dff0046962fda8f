"""The audit log: one event per change, written in the transaction of the change itself.

How the events are chained is in `audit_chain`, how they leave as a file in `audit_export` (docs/audit.md).
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, inspect
from sqlmodel import Session, col, select

from app.domain.addresses import counted_as
from app.domain.permissions import Actor, Permission, PersonActor, require
from app.errors import DomainError, Forbidden, QuotaExceeded, Unauthenticated, Unavailable
from app.infra import counters
from app.schemas.audit import AuditFilter, AuditView, AuditWanted
from app.schemas.base import Page, storable
from app.services.access import visible_to
from app.services.filtering import equal, literally, within
from app.services.paging import paged
from app.services.request_context import request_context
from app.tables import AuditEvent

# What is written to the log although nothing was done.
REFUSALS = (Unauthenticated, Forbidden, QuotaExceeded)
MOST_REFUSALS = 120


def record(
    session: Session,
    actor: Actor,
    action: str,
    subject: Any,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    organization_id: int | None = None,
) -> None:
    """Write that `actor` did `action` to the row `subject`. `before` and `after` hold no secrets."""
    session.add(
        AuditEvent(
            **_who_and_where(actor),
            action=action,
            subject_type=str(subject.__tablename__),
            subject_id=_key(subject),
            organization_id=organization_id
            if organization_id is not None
            else getattr(subject, "organization_id", None),
            before=dict(before or {}),
            after=dict(after or {}),
        )
    )


def _who_and_where(actor: Actor) -> dict[str, Any]:
    """The columns that say who asked, by which request and from where."""
    context = request_context.get()
    return {
        "actor": actor.label if actor is not None else "anonymous",
        "actor_user_id": actor.user_id if isinstance(actor, PersonActor) else None,
        "request_id": context.request_id,
        "ip_address": context.ip_address,
    }


def _key(subject: Any) -> str:
    """The primary key of a row, of whatever columns it is made."""
    parts = inspect(subject).mapper.primary_key_from_instance(subject)
    return "/".join(str(part) for part in parts if part is not None)


def refused(
    session: Session,
    actor: Actor,
    error: DomainError,
    action: str,
    subject_type: str,
    subject_id: str,
    *,
    each: bool = False,
) -> None:
    """Write that `actor` tried `action` and was refused, in a transaction of its own: the attempt's was rolled back.

    Nobody can fill the disk by being refused: of a known caller at most `MOST_REFUSALS` are written in a minute, and of
    callers without a credential one for each address and action. The server's log has a line for every one.
    `each` writes them all, where something else limits how many there are.
    """
    place = f"{counted_as(request_context.get().ip_address)}:{action}:{error.problem_code}"
    if not each and not _has_room(*((place, 1) if actor is None else (actor.label, MOST_REFUSALS))):
        return
    session.add(
        AuditEvent(
            **_who_and_where(actor),
            outcome="refused",
            action=action,
            subject_type=subject_type,
            subject_id=storable(subject_id[:500]),
            organization_id=getattr(actor, "organization_id", None),
            after={"code": error.problem_code, "message": storable(error.message)},
        )
    )


def _has_room(who: str, most: int) -> bool:
    try:
        return not counters.take([(f"refusal:{who}", most)], 60)
    except Unavailable:
        return True


def list_events(
    session: Session, actor: Actor, wanted: AuditFilter, cursor: str | None = None, limit: int = 50
) -> Page[AuditView]:
    """One page of the events that fit, ordered by their number."""
    require(actor, Permission.AUDIT_READ)
    query = select(AuditEvent).where(visible_to(actor, AuditEvent.organization_id), *conditions(wanted))
    return paged(session, query, AuditEvent, AuditView.model_validate, wanted, cursor, limit)


def conditions(wanted: AuditWanted) -> list[ColumnElement[bool]]:
    """The events that fit. An action that ends with a dot or a star is the beginning of actions."""
    action = wanted.action or ""
    if not action.endswith((".", "*")):
        begins = []
    else:
        start = literally(action.removesuffix("*"))
        begins, wanted = [col(AuditEvent.action).like(f"{start}%")], wanted.model_copy(update={"action": None})
    return [*equal(AuditEvent, wanted), *begins, *within(AuditEvent.occurred_at, wanted.since, wanted.until)]
