"""What a person set for themselves: small JSON objects under names, seen and changed by nobody else."""

from typing import Any

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from app.domain.permissions import Actor, Permission, PersonActor, require
from app.errors import Conflict
from app.schemas.preferences import PreferenceSet, PreferenceView
from app.services import audit
from app.tables import UserPreference
from app.tables.base import utcnow

MOST = 50


def get(session: Session, actor: Actor, name: str) -> PreferenceView:
    """The preference `name` of the caller; an empty object where it was never set."""
    require(actor, Permission.OWN_READ)
    assert isinstance(actor, PersonActor)
    row = session.get(UserPreference, (actor.user_id, name))
    return PreferenceView.model_validate(row) if row else PreferenceView(name=name, value={}, updated_at=None)


def put(session: Session, actor: Actor, name: str, request: PreferenceSet) -> PreferenceView:
    """Replace the preference `name` of the caller."""
    require(actor, Permission.OWN_WRITE)
    assert isinstance(actor, PersonActor)
    before = session.get(UserPreference, (actor.user_id, name))
    if before is None:
        _check_room(session, actor.user_id)
    changed: dict[str, Any] = {"value": request.value, "updated_at": utcnow()}
    statement = insert(UserPreference).values(user_id=actor.user_id, name=name, **changed)
    # Two tabs may set it for the first time at once.
    statement = statement.on_conflict_do_update(index_elements=["user_id", "name"], set_=changed)
    row = UserPreference(user_id=actor.user_id, name=name, **changed)
    was = {"value": before.value} if before else None
    session.exec(statement)  # type: ignore[call-overload]
    audit.record(session, actor, "preference.set", row, before=was, after={"value": request.value})
    return PreferenceView.model_validate(row)


def _check_room(session: Session, user_id: int) -> None:
    count = session.exec(select(func.count()).where(col(UserPreference.user_id) == user_id)).one()
    if count >= MOST:
        raise Conflict(f"You have set {MOST} preferences, and that is the most. Change one that is there.")
