"""Who may do what: roles, plans, actors, and `require`.

Deny by default: a role holds exactly the permissions listed here. Permission names are `scope:resource:action`.
Tenancy is not decided here but in every query by `visible_to(actor)` (`app/services/access.py`).
"""

from dataclasses import dataclass
from enum import StrEnum

from app.errors import Forbidden, Unauthenticated


class Role(StrEnum):
    """Roles of people. Anyone whose role is not listed in `_GRANTS` may do nothing."""

    SUPER_ADMIN = "super_admin"
    ORGANIZATION_ADMIN = "organization_admin"
    MEMBER = "member"


class Plan(StrEnum):
    """Subscription of an organization."""

    PROFESSIONAL = "professional"
    ENTERPRISE = "enterprise"


class Permission(StrEnum):
    """Everything that can be permitted to a person or an edge server."""

    DATASETS_READ = "training:datasets:read"
    DATASETS_WRITE = "training:datasets:write"
    SAMPLES_VERIFY = "training:samples:verify"
    JOBS_READ = "training:jobs:read"
    JOBS_WRITE = "training:jobs:write"
    MODELS_READ = "training:models:read"
    MODELS_WRITE = "training:models:write"
    MODELS_APPROVE = "training:models:approve"
    MODELS_RELEASE = "training:models:release"
    DEPLOYMENTS_READ = "training:deployments:read"
    DEPLOYMENTS_WRITE = "training:deployments:write"
    EDGE_SERVERS_READ = "training:edge_servers:read"
    EDGE_SERVERS_WRITE = "training:edge_servers:write"
    TRUST_READ = "training:trust:read"
    TRUST_WRITE = "training:trust:write"
    USAGE_READ = "training:usage:read"
    AUDIT_READ = "training:audit:read"
    USERS_READ = "admin:users:read"
    USERS_WRITE = "admin:users:write"
    ORGANIZATIONS_READ = "admin:organizations:read"
    ORGANIZATIONS_WRITE = "admin:organizations:write"
    WEBHOOKS_READ = "admin:webhooks:read"
    WEBHOOKS_WRITE = "admin:webhooks:write"
    METRICS_READ = "admin:metrics:read"
    OWN_READ = "self:account:read"
    OWN_WRITE = "self:account:write"
    EDGE_SELF = "edge:self:report"


# What an entitled organization admin may look at; which records these are is decided by tenancy.
_READS = frozenset(
    {
        Permission.DATASETS_READ,
        Permission.JOBS_READ,
        Permission.MODELS_READ,
        Permission.DEPLOYMENTS_READ,
        Permission.EDGE_SERVERS_READ,
        Permission.TRUST_READ,
        Permission.USAGE_READ,
    }
)
_SELF = frozenset({Permission.OWN_READ, Permission.OWN_WRITE})
_READ_ONLY = frozenset(permission for permission in Permission if permission.endswith(":read"))


@dataclass(frozen=True)
class PersonActor:
    """A signed-in person.

    `read_only` is true for a read-only API token; `credential` says by what the person is known, as `session:<id>` or
    `token:<id>`, and holds no secret.
    """

    user_id: int
    email: str
    name: str
    role: Role
    organization_id: int | None = None
    plan: Plan | None = None
    read_only: bool = False
    credential: str = ""

    @property
    def label(self) -> str:
        """How the audit log names this actor."""
        return self.email


@dataclass(frozen=True)
class EdgeActor:
    """An enrolled edge server, known by its own key."""

    edge_server_id: int
    name: str
    organization_id: int | None

    @property
    def label(self) -> str:
        """How the audit log names this actor."""
        return f"edge-{self.edge_server_id}"


@dataclass(frozen=True)
class SystemActor:
    """A worker or the reconciler: trusted code that continues what a person began."""

    name: str

    @property
    def label(self) -> str:
        """How the audit log names this actor."""
        return self.name


Actor = PersonActor | EdgeActor | SystemActor | None


def permissions_of(actor: Actor) -> frozenset[Permission]:
    """Everything `actor` may do. `None` is an anonymous caller."""
    if isinstance(actor, SystemActor):
        return frozenset(Permission) - {Permission.MODELS_APPROVE, Permission.EDGE_SELF, *_SELF}
    if isinstance(actor, EdgeActor):
        return frozenset({Permission.EDGE_SELF})
    if not isinstance(actor, PersonActor):
        return frozenset()
    granted = _of_role(actor)
    return granted & _READ_ONLY if actor.read_only else granted


def _of_role(actor: PersonActor) -> frozenset[Permission]:
    if actor.role is Role.SUPER_ADMIN:
        return frozenset(Permission) - {Permission.EDGE_SELF}
    if actor.role is Role.ORGANIZATION_ADMIN and actor.plan is Plan.ENTERPRISE:
        return _READS | _SELF
    return _SELF


def require(actor: Actor, permission: Permission) -> None:
    """Return if `actor` may, raise `Unauthenticated` or `Forbidden` if not. The first line of every service."""
    if actor is None:
        raise Unauthenticated("Sign in first: this needs a session or an API token.")
    if permission in permissions_of(actor):
        return
    raise Forbidden(_explain(actor, permission), permission=str(permission))


def _explain(actor: Actor, permission: Permission) -> str:
    if isinstance(actor, PersonActor):
        if actor.read_only and permission in _of_role(actor):
            return f"This API token is read-only and cannot do {permission}. Use a token with full scope."
        if actor.role is Role.ORGANIZATION_ADMIN and actor.plan is not Plan.ENTERPRISE:
            return (
                "The training interface is part of the Enterprise plan; your organization is on Professional. "
                "A super admin can change the plan."
            )
        if actor.role is Role.MEMBER and permission in _READS:
            return "Your role (member) does not permit the training interface. A super admin can give you another role."
        return f"Your role ({actor.role}) does not permit {permission}. A super admin can do this."
    return f"This caller may not do {permission}."
