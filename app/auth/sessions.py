"""Sign-in, sessions and personal API tokens.

Both are random 256-bit values; only their sha256 is stored. A session lasts `session_days` after its
last use.
"""

import hashlib
import secrets
from datetime import timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from app.auth.passwords import verify_password
from app.domain.permissions import Actor, Permission, PersonActor, Plan, Role, permissions_of, require
from app.errors import NotFound, Unauthenticated
from app.schemas.people import ApiTokenCreate, ApiTokenCreated, ApiTokenView, Me, SignIn
from app.services import audit
from app.settings import get_settings
from app.tables import ApiToken, Organization, User, UserSession
from app.tables.base import datetime, utcnow

TOKEN_PREFIX = "tyat_"  # noqa: S105 a recognisable prefix, not a secret
# A session's last use is written at most this often, so that reading pages does not write rows.
TOUCH_EVERY = timedelta(minutes=1)


def digest(secret: str) -> str:
    """What is stored of a random secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def sign_in(session: Session, request: SignIn, user_agent: str, ip_address: str) -> tuple[str, Me]:
    """Exchange e-mail and password for a session; returns the cookie's value. One message for every failure."""
    user = session.exec(select(User).where(User.email == request.email)).one_or_none()
    known = verify_password(user.password_hash if user else None, request.password.get_secret_value())
    if user is None or not known or not user.is_active:
        raise Unauthenticated("E-mail address or password is wrong.", code="sign-in-failed")
    assert user.id is not None
    secret, now = secrets.token_urlsafe(32), utcnow()
    row = UserSession(
        user_id=user.id,
        token_hash=digest(secret),
        user_agent=user_agent[:300],
        ip_address=ip_address,
        expires_at=now + timedelta(days=get_settings().session_days),
    )
    session.add(row)
    session.flush()
    actor = _actor(session, user)
    audit.record(session, actor, "session.sign_in", row)
    return secret, me(actor)


def sign_out(session: Session, secret: str) -> None:
    """End the session behind a cookie. Nothing happens if there is none."""
    row = session.exec(select(UserSession).where(UserSession.token_hash == digest(secret))).one_or_none()
    if row is not None and row.revoked_at is None:
        row.revoked_at = utcnow()
        session.add(row)


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
        row.last_used_at, row.expires_at = now, now + timedelta(days=get_settings().session_days)
        session.add(row)
    return _actor(session, user, credential=f"session:{row.id}")


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
    return _actor(session, user, read_only=row.scope == "read", credential=f"token:{row.id}")


def person_by_email(session: Session, email: str) -> PersonActor:
    """The person with that address, for whoever runs the server."""
    user = session.exec(select(User).where(User.email == email, col(User.is_active))).one_or_none()
    if user is None:
        raise NotFound(f"There is no active person with the address {email}.")
    return _actor(session, user)


def create_token(session: Session, actor: Actor, request: ApiTokenCreate) -> ApiTokenCreated:
    """A new token of the actor's own. Its secret is in this answer and nowhere else."""
    person = _person(actor, Permission.OWN_WRITE)
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    expires: datetime = utcnow() + timedelta(days=request.days)
    scope = "read" if person.read_only else request.scope
    row = ApiToken(
        user_id=person.user_id, name=request.name, token_hash=digest(secret), scope=scope, expires_at=expires
    )
    session.add(row)
    session.flush()
    audit.record(session, actor, "api_token.create", row, after={"name": row.name, "scope": row.scope})
    return ApiTokenCreated(token=secret, api_token=ApiTokenView.model_validate(row))


def list_tokens(session: Session, actor: Actor) -> list[ApiTokenView]:
    """The actor's own tokens, newest first, at most 200."""
    query = select(ApiToken).where(ApiToken.user_id == _person(actor, Permission.OWN_READ).user_id)
    rows = session.exec(query.order_by(col(ApiToken.created_at).desc()).limit(200))
    return [ApiTokenView.model_validate(row) for row in rows]


def revoke_token(session: Session, actor: Actor, token_id: UUID) -> ApiTokenView:
    """Make one of the actor's own tokens useless."""
    person = _person(actor, Permission.OWN_WRITE)
    row = session.get(ApiToken, token_id)
    if row is None or row.user_id != person.user_id:
        raise NotFound(f"You have no API token {token_id}.")
    row.revoked_at = row.revoked_at or utcnow()
    session.add(row)
    audit.record(session, actor, "api_token.revoke", row)
    return ApiTokenView.model_validate(row)


def me(actor: Actor) -> Me:
    """Who is signed in and what they may do."""
    person = _person(actor, Permission.OWN_READ)
    return Me(
        user_id=person.user_id,
        email=person.email,
        name=person.name,
        role=person.role,
        organization_id=person.organization_id,
        plan=person.plan,
        permissions=sorted(permissions_of(person)),
    )


def show_me(session: Session, actor: Actor) -> Me:
    """`me`, in the shape of a service."""
    del session
    return me(actor)


def _person(actor: Actor, permission: Permission) -> PersonActor:
    require(actor, permission)
    assert isinstance(actor, PersonActor)
    return actor


def _actor(session: Session, user: User, *, read_only: bool = False, credential: str = "") -> PersonActor:
    assert user.id is not None
    organization = session.get(Organization, user.organization_id) if user.organization_id is not None else None
    return PersonActor(
        user_id=user.id,
        email=user.email,
        name=user.name,
        role=Role(user.role),
        organization_id=user.organization_id,
        plan=Plan(organization.plan) if organization else None,
        read_only=read_only,
        credential=credential,
    )
