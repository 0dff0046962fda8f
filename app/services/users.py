"""People."""

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from app.auth.passwords import hash_password
from app.domain.permissions import Actor, Permission, Role, require
from app.errors import Conflict, Invalid
from app.schemas.base import Page
from app.schemas.people import UserCreate, UserFilter, UserView
from app.services import audit
from app.services.access import visible_to
from app.services.datasets import organization_must_exist
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


def create(session: Session, actor: Actor, request: UserCreate) -> UserView:
    """A new person with a password."""
    require(actor, Permission.USERS_WRITE)
    if request.role is Role.ORGANIZATION_ADMIN and request.organization_id is None:
        raise Invalid("An organization admin needs an organization_id.", field="organization_id")
    organization_must_exist(session, request.organization_id)
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
