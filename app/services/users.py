"""People: who they are, what they may do, and whether they may sign in.

One active super admin always remains, so that nobody locks everybody out of administration.
"""

from typing import Any

from pydantic import SecretStr
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from app.auth.passwords import hash_password
from app.auth.sessions import end_sessions
from app.auth.tokens import end_tokens
from app.domain.permissions import Actor, Permission, Role, require
from app.errors import Conflict, Invalid, NotFound
from app.schemas.base import Page
from app.schemas.people import UserCreate, UserFilter, UserUpdate, UserView
from app.services import audit, etags
from app.services.access import fetch, visible_to
from app.services.datasets import organization_must_exist
from app.services.etags import IfMatch
from app.services.filtering import begins_with, equal
from app.services.paging import paged
from app.tables import User


def list_users(
    session: Session, actor: Actor, wanted: UserFilter, cursor: str | None = None, limit: int = 50
) -> Page[UserView]:
    """One page of the people who fit."""
    require(actor, Permission.USERS_READ)
    query = select(User).where(
        visible_to(actor, User.organization_id), *equal(User, wanted), *begins_with(wanted.q, User.name, User.email)
    )
    return paged(session, query, User, UserView.model_validate, wanted, cursor, limit)


def get(session: Session, actor: Actor, user_id: int) -> UserView:
    """One person."""
    require(actor, Permission.USERS_READ)
    return UserView.model_validate(fetch(session, User, user_id, actor, "person"))


def by_email(session: Session, actor: Actor, email: str) -> UserView:
    """The person with that address, active or not."""
    require(actor, Permission.USERS_READ)
    query = select(User).where(User.email == email.strip().lower(), visible_to(actor, User.organization_id))
    row = session.exec(query).one_or_none()
    if row is None:
        raise NotFound(f"There is no person with the address {email}.")
    return UserView.model_validate(row)


def create(session: Session, actor: Actor, request: UserCreate) -> UserView:
    """A new person with a password."""
    require(actor, Permission.USERS_WRITE)
    _check_place(session, request.role, request.organization_id)
    row = User(
        **request.model_dump(exclude={"password"}), password_hash=hash_password(request.password.get_secret_value())
    )
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:
        raise Conflict(f"A person with the address {request.email} exists already.") from error
    audit.record(session, actor, "user.create", row, after={"email": row.email, "role": row.role})
    return UserView.model_validate(row)


def update(session: Session, actor: Actor, user_id: int, request: UserUpdate, if_match: IfMatch = None) -> UserView:
    """Change what a person is; it counts for their next request. Who is deactivated is signed out everywhere."""
    require(actor, Permission.USERS_WRITE)
    super_admins = active_super_admins(session)
    row = fetch(session, User, user_id, actor, "person", lock=True)
    etags.check(UserView.model_validate(row), if_match)
    _check_place(session, request.role, request.organization_id)
    if super_admins == [row.id] and not (request.role is Role.SUPER_ADMIN and request.is_active):
        raise Conflict(
            f"{row.email} is the last active super admin and must stay one. Make somebody else a super admin first.",
            code="last-super-admin",
        )
    wanted = request.model_dump()
    before = {name: getattr(row, name) for name, value in wanted.items() if getattr(row, name) != value}
    row.sqlmodel_update(wanted)
    session.add(row)
    session.flush()
    ended = end_credentials(session, user_id) if "is_active" in before and not row.is_active else {}
    audit.record(
        session, actor, "user.update", row, before=before, after={name: wanted[name] for name in before} | ended
    )
    return UserView.model_validate(row)


def set_password(session: Session, actor: Actor, user_id: int, password: SecretStr) -> UserView:
    """Give a person another password, for instance a forgotten one; all their sessions end."""
    require(actor, Permission.USERS_WRITE)
    row = fetch(session, User, user_id, actor, "person", lock=True)
    row.password_hash = hash_password(password.get_secret_value())
    session.add(row)
    session.flush()
    audit.record(session, actor, "user.set_password", row, after={"sessions_ended": end_sessions(session, user_id)})
    return UserView.model_validate(row)


def _check_place(session: Session, role: Role, organization_id: int | None) -> None:
    if role is Role.ORGANIZATION_ADMIN and organization_id is None:
        raise Invalid("An organization admin needs an organization_id.", field="organization_id")
    organization_must_exist(session, organization_id)


def active_super_admins(session: Session) -> list[int | None]:
    """The ids of all, locked in one order: of two super admins who demote each other, the second finds one left."""
    query = select(col(User.id)).where(User.role == Role.SUPER_ADMIN, col(User.is_active)).order_by(col(User.id))
    return list(session.exec(query.with_for_update(key_share=True)))


def end_credentials(session: Session, user_id: int) -> dict[str, Any]:
    """End every session and revoke every API token of a person; how many of each, for the audit log."""
    return {"sessions_ended": end_sessions(session, user_id), "api_tokens_revoked": end_tokens(session, user_id)}
