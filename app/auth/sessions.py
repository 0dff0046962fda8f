"""Sessions: who is behind a cookie, where somebody is signed in, and ending it.

A cookie holds a random 256-bit value of which only the sha256 is stored. Every sign-in makes a new one, so that no
value that was known before is worth anything after. A session lasts `session_days` after its last use, and `LIFETIME`
at most.
"""

import secrets
from datetime import timedelta
from typing import Literal
from uuid import UUID

from sqlmodel import Session, col, select, update

from app.auth.actors import actor_of, digest, own
from app.auth.tokens import end_tokens
from app.domain.devices import device
from app.domain.permissions import Actor, Permission, PersonActor
from app.errors import NotFound
from app.schemas.sessions import SessionView, SignedOut, SignOutEverywhere
from app.services import audit
from app.services.request_context import request_context
from app.settings import get_settings
from app.tables import User, UserSession
from app.tables.base import datetime, utcnow

LIFETIME = timedelta(days=90)
# A session's last use is written at most this often, so that reading pages does not write rows.
TOUCH_EVERY = timedelta(minutes=1)
MAX_LISTED = 200


def open_session(
    session: Session, user: User, method: Literal["password", "oidc"], user_agent: str
) -> tuple[str, PersonActor]:
    """A new session of `user`, whose row the caller has locked and found active; returns the cookie's value too."""
    assert user.id is not None
    secret, now = secrets.token_urlsafe(32), utcnow()
    row = UserSession(
        user_id=user.id,
        token_hash=digest(secret),
        method=method,
        user_agent=user_agent[:300],
        ip_address=request_context.get().ip_address,
        expires_at=_end(now, now),
    )
    user.last_sign_in_at = now
    session.add_all([row, user])
    session.flush()
    actor = actor_of(session, user, credential=f"session:{row.id}")
    audit.record(session, actor, "session.sign_in", row, after={"method": method})
    return secret, actor


def _end(started: datetime, used: datetime) -> datetime:
    return min(used + timedelta(days=get_settings().session_days), started + LIFETIME)


def sign_out(session: Session, secret: str) -> None:
    """End the session behind a cookie. Nothing happens if there is none."""
    actor = actor_of_session(session, secret)
    if actor is not None:
        row = session.exec(select(UserSession).where(UserSession.token_hash == digest(secret))).one()
        _revoke(session, actor, row, "session.sign_out")


def actor_of_session(session: Session, secret: str) -> PersonActor | None:
    """Who is behind a cookie; None if it is unknown, expired or revoked, or the person was deactivated."""
    query = select(UserSession, User).join(User, col(User.id) == UserSession.user_id)
    found = session.exec(query.where(UserSession.token_hash == digest(secret))).one_or_none()
    if found is None:
        return None
    row, user = found
    now = utcnow()
    if row.revoked_at is not None or row.expires_at <= now or not user.is_active:
        return None
    if row.last_used_at < now - TOUCH_EVERY:
        row.last_used_at, row.expires_at = now, _end(row.created_at, now)
        session.add(row)
    return actor_of(session, user, credential=f"session:{row.id}")


def list_sessions(session: Session, actor: Actor) -> list[SessionView]:
    """Where the actor is signed in now, the last used first, at most 200."""
    person = own(actor, Permission.OWN_READ)
    query = select(UserSession).where(
        UserSession.user_id == person.user_id,
        col(UserSession.revoked_at).is_(None),
        col(UserSession.expires_at) > utcnow(),
    )
    rows = session.exec(query.order_by(col(UserSession.last_used_at).desc()).limit(MAX_LISTED))
    return [_view(row, person) for row in rows]


def revoke_session(session: Session, actor: Actor, session_id: UUID) -> SessionView:
    """End one of the actor's own sessions, the present one too."""
    person = own(actor, Permission.OWN_WRITE)
    row = session.get(UserSession, session_id)
    if row is None or row.user_id != person.user_id:
        raise NotFound(f"You have no session {session_id}.")
    if row.revoked_at is None:
        _revoke(session, actor, row, "session.revoke")
    return _view(row, person)


def sign_out_everywhere(session: Session, actor: Actor, request: SignOutEverywhere) -> SignedOut:
    """End all of the actor's own sessions, this one too; their API tokens only if they ask for it."""
    person = own(actor, Permission.OWN_WRITE)
    ended = SignedOut(
        sessions=end_sessions(session, person.user_id),
        api_tokens=end_tokens(session, person.user_id) if request.api_tokens else 0,
    )
    user = session.get_one(User, person.user_id)
    audit.record(session, actor, "session.sign_out_everywhere", user, after=ended.model_dump())
    return ended


def end_sessions(session: Session, user_id: int, *, but: str = "") -> int:
    """End a person's sessions, all `but` the one with this credential; how many there were."""
    living = [
        col(UserSession.user_id) == user_id,
        col(UserSession.revoked_at).is_(None),
        col(UserSession.expires_at) > utcnow(),
    ]
    kind, _, key = but.partition(":")
    if kind == "session":
        living.append(col(UserSession.id) != UUID(key))
    return int(session.exec(update(UserSession).where(*living).values(revoked_at=utcnow())).rowcount)


def _revoke(session: Session, actor: Actor, row: UserSession, action: str) -> None:
    row.revoked_at = utcnow()
    session.add(row)
    audit.record(session, actor, action, row)


def _view(row: UserSession, person: PersonActor) -> SessionView:
    return SessionView.model_validate(
        {**row.model_dump(), "device": device(row.user_agent), "current": person.credential == f"session:{row.id}"}
    )
