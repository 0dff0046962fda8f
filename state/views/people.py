"""People, organizations, sessions and API tokens as pages show them."""

from collections.abc import Mapping
from datetime import datetime
from typing import TypedDict

from app.domain.permissions import Plan, Role
from app.schemas.people import ApiTokenView, Me, OrganizationView, UserView
from app.schemas.sessions import SessionView
from state.views.usage import PLAN_NAMES
from state.views.words import Option, iso

ROLE_NAMES = {
    Role.SUPER_ADMIN: "Super admin",
    Role.ORGANIZATION_ADMIN: "Organization admin",
    Role.MEMBER: "Member",
}
SCOPE_NAMES = {"full": "May read and change", "read": "May read only"}
METHOD_NAMES = {"password": "Password", "oidc": "Identity provider"}


class OwnRow(TypedDict):
    """Who is signed in."""

    name: str
    email: str
    role: str
    organization: str
    plan: str


class SessionRow(TypedDict):
    """Where somebody is signed in."""

    id: str
    device: str
    address: str
    method: str
    last_used_at: str
    created_at: str
    expires_at: str
    is_current: bool


class TokenRow(TypedDict):
    """An API token. `state`: active, expired or revoked."""

    id: str
    name: str
    scope: str
    state: str
    last_used_at: str
    expires_at: str
    created_at: str


class PersonRow(TypedDict):
    """A person. `state`: active or disabled."""

    id: str
    name: str
    email: str
    role: str
    organization: str
    state: str
    last_sign_in_at: str
    is_self: bool


class OrganizationRow(TypedDict):
    """An organization."""

    id: str
    name: str
    plan: str
    created_at: str


NOBODY: OwnRow = {"name": "", "email": "", "role": "", "organization": "", "plan": ""}


def own_row(me: Me) -> OwnRow:
    """The person's own account."""
    return {
        "name": me.name,
        "email": me.email,
        "role": ROLE_NAMES[me.role],
        "organization": me.organization or "",
        "plan": PLAN_NAMES[me.plan] if me.plan else "",
    }


def session_row(item: SessionView) -> SessionRow:
    """A session in words."""
    return {
        "id": str(item.id),
        "device": item.device,
        "address": item.ip_address or "unknown address",
        "method": METHOD_NAMES[item.method],
        "last_used_at": iso(item.last_used_at),
        "created_at": iso(item.created_at),
        "expires_at": iso(item.expires_at),
        "is_current": item.current,
    }


def token_row(item: ApiTokenView, now: datetime) -> TokenRow:
    """A token as it is at `now`."""
    has_expired = item.expires_at is not None and item.expires_at <= now
    return {
        "id": str(item.id),
        "name": item.name,
        "scope": SCOPE_NAMES.get(item.scope, item.scope),
        "state": "revoked" if item.revoked_at else "expired" if has_expired else "active",
        "last_used_at": iso(item.last_used_at),
        "expires_at": iso(item.expires_at),
        "created_at": iso(item.created_at),
    }


def person_row(item: UserView, organizations: Mapping[int, str], own_id: int | None) -> PersonRow:
    """A person; `organizations` are the names of those that are known, `own_id` is who looks."""
    return {
        "id": str(item.id),
        "name": item.name,
        "email": item.email,
        "role": ROLE_NAMES[item.role],
        "organization": named(item.organization_id, organizations),
        "state": "active" if item.is_active else "disabled",
        "last_sign_in_at": iso(item.last_sign_in_at),
        "is_self": item.id == own_id,
    }


def organization_row(item: OrganizationView) -> OrganizationRow:
    """An organization in words."""
    return {
        "id": str(item.id),
        "name": item.name,
        "plan": PLAN_NAMES[Plan(item.plan)],
        "created_at": iso(item.created_at),
    }


def named(organization_id: int | None, organizations: Mapping[int, str]) -> str:
    """An organization's name, or its number where only that is known."""
    if organization_id is None:
        return "No organization"
    return organizations.get(organization_id, f"Organization {organization_id}")


def organization_options(organizations: Mapping[int, str], present: int | None = None) -> list[Option]:
    """The choices of a form. The `present` one is always among them, so that saving never loses it."""
    known = dict(organizations)
    if present is not None:
        known.setdefault(present, named(present, {}))
    return [{"value": str(key), "label": name} for key, name in known.items()]
