"""People, organizations, sessions and tokens as callers send and see them."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from app.domain.permissions import Permission, Plan, Role
from app.schemas.base import UUID, DatabaseId, Name, Prefix, Request, Sorted, View, datetime, sort_field


def _email(text: str) -> str:
    name, at, host = text.partition("@")
    if not (name and at and host) or "@" in host or any(c.isspace() or ord(c) < 32 for c in text):
        raise ValueError("an e-mail address looks like ann@example.org")
    return text


def _password(secret: SecretStr) -> SecretStr:
    if not MIN_PASSWORD <= len(secret.get_secret_value()) <= MAX_PASSWORD:
        raise ValueError(f"a password needs {MIN_PASSWORD} to {MAX_PASSWORD} characters")
    return secret


MIN_PASSWORD, MAX_PASSWORD = 12, 200

UserSort = Literal["name", "-name", "email", "-email", "created_at", "-created_at"]
OrganizationSort = Literal["name", "-name", "created_at", "-created_at"]

Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, to_lower=True, max_length=254),
    AfterValidator(_email),
    Field(json_schema_extra={"format": "email"}),
]
Password = Annotated[
    SecretStr,
    AfterValidator(_password),
    Field(json_schema_extra={"minLength": MIN_PASSWORD, "maxLength": MAX_PASSWORD}),
]


class SignIn(Request):
    """E-mail and password."""

    email: Email
    password: Annotated[SecretStr, Field(min_length=1, max_length=200)]


class UserCreate(Request):
    """A new person. An organization admin needs an organization."""

    email: Email
    name: Name
    password: Password
    role: Role = Role.MEMBER
    organization_id: DatabaseId | None = None


class UserUpdate(Request):
    """What a person shall be. None may be left out, so none changes by oversight."""

    name: Name
    role: Role
    organization_id: DatabaseId | None
    is_active: bool = Field(description="False ends every session and revokes every API token")


class NewPassword(Request):
    """A password that somebody else chose for a person."""

    password: Password


class UserFilter(Sorted):
    """Which people to list, and in which order."""

    q: Prefix | None = Field(None, description="How the name or the address begins, in upper or lower case")
    role: Role | None = None
    organization_id: DatabaseId | None = None
    is_active: bool | None = None
    sort: UserSort = sort_field()


class UserView(View):
    """A person, without any secret."""

    EDITED: ClassVar = tuple(UserUpdate.model_fields)

    id: int
    organization_id: int | None
    email: str
    name: str
    role: Role
    is_active: bool
    last_sign_in_at: datetime | None
    created_at: datetime


class OrganizationCreate(Request):
    """A new organization."""

    name: Name
    plan: Plan = Plan.PROFESSIONAL


class OrganizationUpdate(Request):
    """What an organization shall be. None may be left out, so none changes by oversight."""

    name: Name
    plan: Plan


class OrganizationFilter(Sorted):
    """Which organizations to list, and in which order."""

    q: Prefix | None = Field(None, description="How the name begins, in upper or lower case")
    plan: Plan | None = None
    sort: OrganizationSort = sort_field()


class OrganizationView(View):
    """An organization."""

    EDITED: ClassVar = tuple(OrganizationUpdate.model_fields)

    id: int
    name: str
    plan: Plan
    created_at: datetime


class Me(View):
    """Who is signed in and what they may do."""

    user_id: int
    email: str
    name: str
    role: Role
    organization_id: int | None
    organization: str | None = Field(description="The organization's name")
    plan: Plan | None
    permissions: list[Permission]


class ApiTokenCreate(Request):
    """A token for scripts; `full` may change things, `read` may not."""

    name: Name
    scope: Literal["read", "full"] = "read"
    days: int = Field(90, ge=1, le=366, description="What a token makes ends with it at the latest")


class ApiTokenView(View):
    """A token without its secret."""

    id: UUID
    name: str
    scope: str
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


class ApiTokenCreated(View):
    """The secret is shown this once."""

    token: str
    api_token: ApiTokenView
