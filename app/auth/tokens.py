"""Personal API tokens: random 256-bit values of which only the sha256 is stored."""

import secrets
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, not_, or_
from sqlmodel import Session, col, select, update

from app.auth.actors import actor_of, digest, own
from app.domain.permissions import Actor, Permission, PersonActor
from app.errors import Conflict, NotFound, Unauthenticated
from app.schemas.people import ApiTokenCreate, ApiTokenCreated, ApiTokenView
from app.services import audit
from app.tables import ApiToken, User
from app.tables.base import datetime, utcnow

TOKEN_PREFIX = "tyat_"  # noqa: S105 a recognisable prefix, not a secret
# A token's last use is written at most this often, so that reading does not write rows.
TOUCH_EVERY = timedelta(minutes=1)
MAX_USABLE, MAX_LISTED = 50, 200


def actor_of_token(session: Session, secret: str) -> PersonActor:
    """Who is behind an API token."""
    query = select(ApiToken, User).join(User, col(User.id) == ApiToken.user_id)
    found = session.exec(query.where(ApiToken.token_hash == digest(secret))).one_or_none()
    if found is None:
        raise Unauthenticated("This API token is not known.")
    row, user = found
    now = utcnow()
    if row.revoked_at is not None or not user.is_active:
        raise Unauthenticated("This API token was revoked.")
    if row.expires_at is not None and row.expires_at <= now:
        raise Unauthenticated(f"This API token expired on {row.expires_at:%Y-%m-%d}. Create a new one.")
    if row.last_used_at is None or row.last_used_at < now - TOUCH_EVERY:
        row.last_used_at = now
        session.add(row)
    return actor_of(session, user, read_only=row.scope == "read", credential=f"token:{row.id}")


def create_token(session: Session, actor: Actor, request: ApiTokenCreate) -> ApiTokenCreated:
    """A new token of the actor's own. Its secret is in this answer and nowhere else.

    What a token makes may do no more than itself, and lives no longer.
    """
    person = own(actor, Permission.OWN_WRITE)
    _stays_active(session, person)
    _has_room(session, person)
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    row = ApiToken(
        user_id=person.user_id,
        name=request.name,
        token_hash=digest(secret),
        scope="read" if person.read_only else request.scope,
        expires_at=_end(session, person, request.days),
    )
    session.add(row)
    session.flush()
    audit.record(session, actor, "api_token.create", row, after={"name": row.name, "scope": row.scope})
    return ApiTokenCreated(token=secret, api_token=ApiTokenView.model_validate(row))


def _stays_active(session: Session, person: PersonActor) -> None:
    """Nobody is deactivated while this transaction lasts: their new token would be revoked by nobody."""
    user = session.get_one(User, person.user_id, with_for_update={"key_share": True}, populate_existing=True)
    if not user.is_active:
        raise Unauthenticated("This account was deactivated.")


def _has_room(session: Session, person: PersonActor) -> None:
    """All that can be used must fit into the list of them. The person's row is locked, so nobody counts beside us."""
    query = select(func.count()).where(ApiToken.user_id == person.user_id, usable())
    if session.exec(query).one() >= MAX_USABLE:
        raise Conflict(f"You have {MAX_USABLE} API tokens that can be used, which is the most. Revoke one first.")


def usable() -> ColumnElement[bool]:
    """The tokens that are neither revoked nor expired."""
    lives = or_(col(ApiToken.expires_at).is_(None), col(ApiToken.expires_at) > utcnow())
    return and_(col(ApiToken.revoked_at).is_(None), lives)


def _end(session: Session, person: PersonActor, days: int) -> datetime:
    wanted = utcnow() + timedelta(days=days)
    kind, _, key = person.credential.partition(":")
    maker = session.get(ApiToken, UUID(key)) if kind == "token" else None
    return min(wanted, maker.expires_at) if maker is not None and maker.expires_at is not None else wanted


def list_tokens(session: Session, actor: Actor) -> list[ApiTokenView]:
    """The actor's own tokens: those that can be used, then the others, each from the newest on, at most 200.

    So none that can be used is pushed out of sight.
    """
    newest = (
        select(ApiToken)
        .where(ApiToken.user_id == own(actor, Permission.OWN_READ).user_id)
        .order_by(col(ApiToken.created_at).desc())
    )
    rows = list(session.exec(newest.where(usable()).limit(MAX_USABLE)))
    rows += session.exec(newest.where(not_(usable())).limit(MAX_LISTED - len(rows)))
    return [ApiTokenView.model_validate(row) for row in rows]


def revoke_token(session: Session, actor: Actor, token_id: UUID) -> ApiTokenView:
    """Make one of the actor's own tokens useless."""
    person = own(actor, Permission.OWN_WRITE)
    row = session.get(ApiToken, token_id)
    if row is None or row.user_id != person.user_id:
        raise NotFound(f"You have no API token {token_id}.")
    if row.revoked_at is None:
        row.revoked_at = utcnow()
        session.add(row)
        audit.record(session, actor, "api_token.revoke", row)
    return ApiTokenView.model_validate(row)


def end_tokens(session: Session, user_id: int) -> int:
    """Revoke every token of a person; how many there were."""
    usable = (col(ApiToken.user_id) == user_id, col(ApiToken.revoked_at).is_(None))
    return int(session.exec(update(ApiToken).where(*usable).values(revoked_at=utcnow())).rowcount)
