"""The chain over the audit log: linking what waits, and proving that nothing was changed since (docs/audit.md).

Writers never wait for the chain: events are linked afterwards, a batch at a time, by whoever holds the chain's lock.
Numbers are given in the order of linking, which need not be that of the events' ids: a transaction that began earlier
may end later.
"""

from collections.abc import Generator
from contextlib import closing
from typing import Any

from sqlalchemy import RowMapping, Select, delete, func
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from app.domain.audit_chain import GENESIS, chain_sha256, event_sha256, fields
from app.domain.permissions import Actor, Permission, require
from app.schemas.audit import ChainReport, ChainView
from app.tables import AuditEvent, AuditLink, AuditPending
from app.tables.base import utcnow

BATCH = 1_000
# Of PostgreSQL's advisory locks, that of the one who makes links: "audit" as a number.
CHAIN_LOCK = int.from_bytes(b"audit")


def seal(session: Session, actor: Actor) -> int:
    """Link up to 1,000 waiting events; returns how many. 0 at once if somebody else is linking."""
    require(actor, Permission.AUDIT_READ)  # what it adds follows from the log alone
    if not session.exec(select(func.pg_try_advisory_xact_lock(CHAIN_LOCK))).one():
        return 0
    waiting = select(AuditEvent).join(AuditPending, col(AuditPending.event_id) == AuditEvent.id)
    # An event that somebody made wait again is left to `verify` to tell of; it must not stop the others.
    waiting = waiting.where(~select(AuditLink.number).where(AuditLink.event_id == AuditEvent.id).exists())
    events = list(session.exec(waiting.order_by(col(AuditPending.event_id)).limit(BATCH)))
    number, chain = _last(session)
    now = utcnow()
    for event in events:
        assert event.id is not None
        number, digest = number + 1, event_sha256(fields(event.model_dump()))
        chain = chain_sha256(chain, number, event.id, digest)
        session.add(AuditLink(number=number, event_id=event.id, event_sha256=digest, chain_sha256=chain, sealed_at=now))
    session.flush()
    session.exec(delete(AuditPending).where(col(AuditPending.event_id).in_([event.id for event in events])))  # type: ignore[call-overload]
    return len(events)


def state(session: Session, actor: Actor) -> ChainView:
    """How far the chain reaches, without checking it."""
    require(actor, Permission.AUDIT_READ)
    number, chain = _last(session)
    return ChainView(length=number, head=chain, waiting=_waiting(session))


def verify(session: Session, actor: Actor, head: str | None = None) -> ChainReport:
    """Compute the whole chain again and name the first link that is wrong. Memory stays flat, whatever its length.

    `head` is one that was noted earlier, outside of this database: it must stand in the chain. Without it nobody can
    tell whether the newest links were cut off, or all were made anew.
    """
    require(actor, Permission.AUDIT_READ)
    number, chain, problem = 0, GENESIS, None
    is_known = head in (None, GENESIS)
    with closing(_links(session)) as links:
        for link in links:
            problem = _fault(link, number + 1, chain)
            if problem is not None:
                break
            number, chain = link["number"], link["chain_sha256"]
            is_known = is_known or chain == head
    if problem is None and not is_known:
        problem = f"No link has the head {head}: links that existed when it was noted were removed or made anew."
    if problem is None:
        problem = _left_out(session)
    return ChainReport(length=number, head=chain, waiting=_waiting(session), problem=problem)


def linked() -> Select[Any]:
    """Links with the columns of their events, which are NULL where an event is gone. No name stands in both tables."""
    columns = (getattr(table, name) for table in (AuditLink, AuditEvent) for name in table.model_fields)
    return select_columns(*columns).outerjoin_from(AuditLink, AuditEvent, col(AuditEvent.id) == AuditLink.event_id)


def _last(session: Session) -> tuple[int, str]:
    """Number and hash of the last link."""
    query = select(AuditLink.number, AuditLink.chain_sha256).order_by(col(AuditLink.number).desc()).limit(1)
    return session.exec(query).one_or_none() or (0, GENESIS)


def _links(session: Session) -> Generator[RowMapping, None, None]:
    """All links in their order. One statement, which sees one moment of the log however long it is read."""
    ordered = linked().order_by(col(AuditLink.number)).execution_options(yield_per=BATCH)
    with session.execute(ordered) as found:  # type: ignore[deprecated]
        yield from found.mappings()


def _fault(link: RowMapping, number: int, before: str) -> str | None:
    """What is wrong with `link`, which should have `number` and follow the link whose hash is `before`."""
    event_id, digest = link["event_id"], link["event_sha256"]
    if link["number"] != number:
        return f"Link {number} is missing: link {link['number']} stands in its place."
    if link["id"] is None:
        return f"Link {number} is broken: its event {event_id} is missing."
    if event_sha256(fields(link)) != digest:
        return f"Link {number} is broken: its event {event_id} was changed after it was linked."
    if chain_sha256(before, number, event_id, digest) != link["chain_sha256"]:
        return f"Link {number} is broken: its chain_sha256 does not follow from the link before and its event."
    return None


def _left_out(session: Session) -> str | None:
    """An event that the chain neither holds nor waits for, or a wait for an event that is gone."""
    held = select(AuditLink.number).where(AuditLink.event_id == AuditEvent.id).exists()
    waits = select(AuditPending.event_id).where(AuditPending.event_id == AuditEvent.id).exists()
    loose = session.exec(select(func.min(AuditEvent.id)).where(~held, ~waits)).one()
    if loose is not None:
        return f"Event {loose} is in no link and does not wait for one: its link was removed, or it was put in unseen."
    kept = select(AuditEvent.id).where(AuditEvent.id == AuditPending.event_id).exists()
    gone = session.exec(select(func.min(AuditPending.event_id)).where(~kept)).one()
    if gone is not None:
        return f"Event {gone} is missing: it was removed before it was linked."
    linked_before = select(AuditLink.number).where(AuditLink.event_id == AuditPending.event_id).exists()
    again = session.exec(select(func.min(AuditPending.event_id)).where(linked_before)).one()
    return f"Event {again} waits to be linked although a link holds it." if again is not None else None


def _waiting(session: Session) -> int:
    return session.exec(select(func.count()).select_from(AuditPending)).one()
