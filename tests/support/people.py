"""People and organizations as rows, and the actors and API tokens that stand for them."""

import secrets
from dataclasses import dataclass
from functools import lru_cache

from app.auth.actors import digest
from app.auth.passwords import hash_password
from app.auth.tokens import TOKEN_PREFIX
from app.domain.permissions import PersonActor, Plan, Role
from app.infra.db import transaction
from app.tables import ApiToken, Organization, User

PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class Person:
    """A row of `users` and the actor that it becomes after sign-in. The password is `PASSWORD`."""

    id: int
    actor: PersonActor

    @property
    def email(self) -> str:
        return self.actor.email

    @property
    def organization_id(self) -> int | None:
        return self.actor.organization_id


@lru_cache
def password_hash() -> str:
    """Hashing is slow on purpose, so all people of the tests share one."""
    return hash_password(PASSWORD)


def make_organization(name: str, plan: Plan = Plan.ENTERPRISE) -> int:
    """A new organization; its id."""
    with transaction() as session:
        row = Organization(name=name, plan=plan)
        session.add(row)
        session.flush()
        assert row.id is not None
        return row.id


def make_person(
    name: str, role: Role, *, organization_id: int | None = None, plan: Plan | None = None, active: bool = True
) -> Person:
    """A new person with the address `<name>@example.test`."""
    email = f"{name.lower().replace(' ', '.')}@example.test"
    with transaction() as session:
        row = User(
            email=email,
            name=name,
            role=role,
            organization_id=organization_id,
            password_hash=password_hash(),
            is_active=active,
        )
        session.add(row)
        session.flush()
        assert row.id is not None
        return Person(row.id, PersonActor(row.id, email, name, role, organization_id, plan))


def make_token(person: Person, scope: str = "full") -> str:
    """An API token of `person`, as it would be shown once."""
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    with transaction() as session:
        session.add(ApiToken(user_id=person.id, name="test", token_hash=digest(secret), scope=scope))
    return secret
