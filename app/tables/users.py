"""People, their sessions and their API tokens. Secrets are stored as hashes only."""

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from app.domain.permissions import Role
from app.tables.base import UUID, datetime, one_of, prefix_index, text_column, timestamp, uuid_key

SIGN_IN_METHODS = ("password", "oidc")


class User(SQLModel, table=True):
    """A person. `email` is stored in lower case."""

    __tablename__ = "users"
    __table_args__ = (
        one_of("role", Role),
        CheckConstraint("email = lower(email)", name="email_lower"),
        CheckConstraint(
            "role <> 'organization_admin' OR organization_id IS NOT NULL", name="organization_admin_has_organization"
        ),
        Index("ix_users_order", "created_at", "id"),
        Index("ix_users_name", "name", "id"),
        prefix_index("ix_users_prefix", "name"),
        prefix_index("ix_users_email_prefix", "email"),
    )

    id: int | None = Field(default=None, primary_key=True)
    organization_id: int | None = Field(default=None, foreign_key="organizations.id", index=True)
    email: str = text_column(unique=True)
    name: str = text_column()
    password_hash: str | None = text_column(nullable=True)
    role: str = text_column(default=Role.MEMBER)
    is_active: bool = Field(default=True, nullable=False)
    last_sign_in_at: datetime | None = timestamp()
    created_at: datetime = timestamp(nullable=False)


class UserIdentity(SQLModel, table=True):
    """A person as an OpenID Connect provider knows them: `subject` is the provider's stable id, never an address."""

    __tablename__ = "user_identities"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: UUID = uuid_key()
    user_id: int = Field(foreign_key="users.id", ondelete="CASCADE", nullable=False, index=True)
    issuer: str = text_column()
    subject: str = text_column()
    created_at: datetime = timestamp(nullable=False)


class UserSession(SQLModel, table=True):
    """A sign-in, known by the sha256 of the random value in the cookie."""

    __tablename__ = "user_sessions"
    __table_args__ = (
        one_of("method", SIGN_IN_METHODS),
        Index("ix_user_sessions_owner", "user_id", "last_used_at"),
    )

    id: UUID = uuid_key()
    user_id: int = Field(foreign_key="users.id", ondelete="CASCADE", nullable=False)
    token_hash: str = text_column(unique=True)
    method: str = text_column(default="password")
    user_agent: str = text_column(default="")
    ip_address: str = text_column(default="")
    created_at: datetime = timestamp(nullable=False)
    last_used_at: datetime = timestamp(nullable=False)
    expires_at: datetime = timestamp(nullable=False)
    revoked_at: datetime | None = timestamp()


class ApiToken(SQLModel, table=True):
    """A personal token for scripts and the mobile app."""

    __tablename__ = "api_tokens"
    __table_args__ = (one_of("scope", ("read", "full")), Index("ix_api_tokens_owner", "user_id", "created_at"))

    id: UUID = uuid_key()
    user_id: int = Field(foreign_key="users.id", ondelete="CASCADE", nullable=False)
    name: str = text_column()
    token_hash: str = text_column(unique=True)
    scope: str = text_column(default="read")
    created_at: datetime = timestamp(nullable=False)
    last_used_at: datetime | None = timestamp()
    expires_at: datetime | None = timestamp()
    revoked_at: datetime | None = timestamp()
