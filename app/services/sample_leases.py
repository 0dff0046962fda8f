"""Leases: who has a sample open, so that two people do not label one at the same time without knowing.

A lease lasts `SECONDS` and is renewed while the sample is open. It is taken from its holder only after its time, or by
the same person from another tab, who says so. Whoever holds none may still save, as scripts do, unless another person
holds one; what was changed meanwhile is noticed by `If-Match` (ADR 5). Time is the database's: all callers share it.
"""

import hashlib
import secrets
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, delete, select
from sqlmodel.sql.expression import Select

from app.domain.permissions import Actor, Permission, PersonActor, require
from app.errors import Leased, LeaseLost
from app.infra.db import after_commit
from app.infra.live import publish
from app.schemas.labelling import LeaseRequest, LeaseView
from app.services import audit, dataset_changes, opinions
from app.services.access import fetch, fetch_sample
from app.tables import SampleLease, TrainingDataset, User

SECONDS = 75
AGREED = 0  # the slot of the label that all share


def take(session: Session, actor: Actor, dataset_id: UUID, sample_id: UUID, request: LeaseRequest) -> LeaseView:
    """Take or renew the lease of a sample. Raises `Leased` while somebody else, or another tab, holds it."""
    require(actor, Permission.DATASETS_WRITE)
    assert isinstance(actor, PersonActor)
    dataset = fetch(session, TrainingDataset, dataset_id, actor, "dataset")
    row = fetch_sample(session, dataset, sample_id)
    collects = opinions.states(session, dataset, [row]).get(row.id) == opinions.COLLECTING
    slot = slot_of(actor, collects=collects)
    lease = grab(session, actor, sample_id, slot, request.token, take_over=request.take_over)
    if lease is None:
        raise _held(session, actor, sample_id, slot)
    if request.take_over:
        held = session.get_one(SampleLease, (sample_id, slot))
        audit.record(session, actor, "lease.take_over", held, organization_id=dataset.organization_id)
        after_commit(session, lambda: _tell_it_moved(dataset, sample_id))
    return lease


def release(session: Session, actor: Actor, dataset_id: UUID, sample_id: UUID, token: str | None) -> None:
    """Give the lease back. One that is over or was taken over is nobody's to give back, and nothing happens."""
    require(actor, Permission.DATASETS_WRITE)
    assert isinstance(actor, PersonActor)
    dataset = fetch(session, TrainingDataset, dataset_id, actor, "dataset")
    fetch_sample(session, dataset, sample_id)
    if token is not None:
        own = and_(col(SampleLease.holder_id) == actor.user_id, col(SampleLease.token_hash) == _hash(token))
        session.exec(delete(SampleLease).where(col(SampleLease.sample_id) == sample_id, own))


def slot_of(actor: PersonActor, *, collects: bool) -> int:
    """What `actor` would hold a lease of: an own opinion where a sample collects them, else the label all share."""
    return actor.user_id if collects else AGREED


def grab(
    session: Session,
    actor: PersonActor,
    sample_id: UUID,
    slot: int,
    token: str | None = None,
    *,
    take_over: bool = False,
) -> LeaseView | None:
    """The lease for `actor`, new or renewed, or None while another holds it. In one statement: nobody intervenes."""
    fresh = token or secrets.token_urlsafe(24)
    expires = func.now() + timedelta(seconds=SECONDS)
    values = {"holder_id": actor.user_id, "token_hash": _hash(fresh), "taken_at": func.now(), "expires_at": expires}
    statement = insert(SampleLease).values(sample_id=sample_id, slot=slot, **values)
    mine = col(SampleLease.holder_id) == actor.user_id
    same = and_(mine, col(SampleLease.token_hash) == _hash(fresh))
    free = or_(col(SampleLease.expires_at) <= func.now(), mine if take_over else same)
    statement = statement.on_conflict_do_update(index_elements=["sample_id", "slot"], set_=values, where=free)
    until = session.execute(statement.returning(col(SampleLease.expires_at))).scalar_one_or_none()  # type: ignore[deprecated]
    return None if until is None else LeaseView(sample_id=sample_id, token=fresh, expires_at=until, seconds=SECONDS)


def check(session: Session, actor: PersonActor, sample_id: UUID, slot: int, token: str | None) -> None:
    """Raise unless `actor` may save: `Leased` while another person has it, `LeaseLost` with a token that is over."""
    found = session.exec(_present(sample_id, slot)).one_or_none()
    if found is None:
        return
    lease, holder = found
    if lease.holder_id != actor.user_id:
        raise _leased(actor, lease, holder)
    if token is not None and lease.token_hash != _hash(token):
        raise LeaseLost("You opened this sample in another tab, which has it now. Nothing was saved.", yours=True)


def _held(session: Session, actor: PersonActor, sample_id: UUID, slot: int) -> Leased:
    found = session.exec(_present(sample_id, slot)).one_or_none()
    if found is None:  # given back a moment ago
        return Leased("Somebody had this sample open until now. Try again.", holder="", until=None, yours=False)
    return _leased(actor, *found)


def _leased(actor: PersonActor, lease: SampleLease, holder: str) -> Leased:
    yours = lease.holder_id == actor.user_id
    who = "You have" if yours else f"{holder} has"
    where = " in another tab or on another device" if yours else ""
    return Leased(
        f"{who} this sample open{where}. Wait until it is closed, or label another one meanwhile.",
        holder=holder,
        until=lease.expires_at.isoformat(),
        yours=yours,
    )


def _present(sample_id: UUID, slot: int) -> Select[SampleLease, str]:
    query = select(SampleLease, User.name).join(User, col(User.id) == SampleLease.holder_id)
    return query.where(SampleLease.sample_id == sample_id, SampleLease.slot == slot, open_now())


def open_now() -> ColumnElement[bool]:
    """The leases whose time is not over."""
    return col(SampleLease.expires_at) > func.now()


def _tell_it_moved(dataset: TrainingDataset, sample_id: UUID) -> None:
    """Whoever has the sample open looks whether the lease is still theirs."""
    publish(dataset_changes.topic(dataset.id), {"lease": str(sample_id)}, owner=dataset.organization_id)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
