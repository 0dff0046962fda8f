"""Requests that may be repeated: what was answered to an Idempotency-Key, kept in the transaction of the change.

A claim is an INSERT on (actor, key): of two equal requests at once the second waits for the first, and then finds its
answer. Keys are forgotten after a day (`forget_old`). An answer that holds a secret is not kept.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from app.domain.permissions import Actor, Permission, require
from app.errors import Conflict, Invalid
from app.tables import IdempotencyKey
from app.tables.base import utcnow

KEPT = timedelta(hours=24)


@dataclass(frozen=True)
class Claim:
    """One repeatable request: who sends it, its key, and a digest of everything that it asks."""

    actor: str
    key: str
    fingerprint: str


class AnsweredBefore(Conflict):
    """The request was carried out already; its answer can be looked up."""

    code = "answered-before"


def answer_of(session: Session, claim: Claim) -> dict[str, Any] | None:
    """What was answered to `claim`, or None if it is new. Raises where the same answer cannot be given again."""
    row = session.get(IdempotencyKey, (claim.actor, claim.key))
    if row is None or row.created_at < utcnow() - KEPT:
        return None
    if row.fingerprint != claim.fingerprint:
        raise Invalid(
            "This Idempotency-Key was used for another request. Use a new key for each request.",
            code="idempotency-key-reused",
        )
    if row.answer is None:
        raise Conflict(
            "This was carried out before, and its answer held a secret that is shown only once.",
            code="idempotency-secret",
        )
    return row.answer


def claim(session: Session, wanted: Claim) -> None:
    """Take the key in this transaction, or raise `AnsweredBefore`. Waits for an equal request that is under way."""
    stale = (col(IdempotencyKey.actor) == wanted.actor, col(IdempotencyKey.key) == wanted.key)
    session.exec(delete(IdempotencyKey).where(*stale, col(IdempotencyKey.created_at) < utcnow() - KEPT))  # type: ignore[call-overload]
    values = {**vars(wanted), "created_at": utcnow()}
    taken = insert(IdempotencyKey).values(values).on_conflict_do_nothing().returning(col(IdempotencyKey.key))
    if session.scalars(taken).one_or_none() is None:
        raise AnsweredBefore("This request was carried out before.")


def keep(session: Session, wanted: Claim, answer: dict[str, Any]) -> None:
    """Remember the answer to a claim of this transaction."""
    row = session.get_one(IdempotencyKey, (wanted.actor, wanted.key))
    row.answer = answer
    session.add(row)


def forget_old(session: Session, actor: Actor) -> int:
    """Remove keys older than a day; returns how many."""
    require(actor, Permission.JOBS_WRITE)
    gone = session.exec(delete(IdempotencyKey).where(col(IdempotencyKey.created_at) < utcnow() - KEPT))  # type: ignore[call-overload]
    return int(gone.rowcount)
