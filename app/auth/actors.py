"""People as actors: what a session and an API token have in common."""

import hashlib

from sqlmodel import Session, col, select

from app.domain.permissions import Actor, Permission, PersonActor, Plan, Role, permissions_of, require
from app.errors import NotFound
from app.schemas.people import Me
from app.tables import Organization, User


def digest(secret: str) -> str:
    """What is stored of a random secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def actor_of(session: Session, user: User, *, read_only: bool = False, credential: str = "") -> PersonActor:
    """The actor that `user` is now."""
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


def person_by_email(session: Session, email: str) -> PersonActor:
    """The person with that address, for whoever runs the server."""
    user = session.exec(select(User).where(User.email == email, col(User.is_active))).one_or_none()
    if user is None:
        raise NotFound(f"There is no active person with the address {email}.")
    return actor_of(session, user)


def own(actor: Actor, permission: Permission) -> PersonActor:
    """The person who asks for something of their own; the first line of the services about it."""
    require(actor, permission)
    assert isinstance(actor, PersonActor)
    return actor


def show_me(session: Session, actor: Actor) -> Me:
    """Who is signed in and what they may do."""
    person = own(actor, Permission.OWN_READ)
    organization = session.get(Organization, person.organization_id) if person.organization_id is not None else None
    return Me(
        user_id=person.user_id,
        email=person.email,
        name=person.name,
        role=person.role,
        organization_id=person.organization_id,
        organization=organization.name if organization else None,
        plan=person.plan,
        permissions=sorted(permissions_of(person)),
    )
