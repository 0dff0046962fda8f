"""Each role against each permission, written out: nothing follows from the code's own table."""

import pytest

from app.domain.permissions import (
    Actor,
    EdgeActor,
    Permission,
    PersonActor,
    Plan,
    Role,
    SystemActor,
    permissions_of,
    require,
)
from app.errors import Forbidden, Unauthenticated

# Columns: Super admin, super admin with a read-only token, organization admin on Enterprise, the same on
# Professional, Member, Edge server, System (worker, reconciler), anonYmous. "x" means: may.
COLUMNS = "SREPMesY"
TABLE = """
    training:datasets:read          x x x . . . x .
    training:datasets:write         x . . . . . x .
    training:samples:verify         x . . . . . x .
    training:jobs:read              x x x . . . x .
    training:jobs:write             x . . . . . x .
    training:models:read            x x x . . . x .
    training:models:write           x . . . . . x .
    training:models:approve         x . . . . . . .
    training:models:release         x . . . . . x .
    training:deployments:read       x x x . . . x .
    training:deployments:write      x . . . . . x .
    training:edge_servers:read      x x x . . . x .
    training:edge_servers:write     x . . . . . x .
    training:trust:read             x x x . . . x .
    training:trust:write            x . . . . . x .
    training:usage:read             x x x . . . x .
    training:audit:read             x x . . . . x .
    admin:users:read                x x . . . . x .
    admin:users:write               x . . . . . x .
    admin:organizations:read        x x . . . . x .
    admin:organizations:write       x . . . . . x .
    admin:webhooks:read             x x . . . . x .
    admin:webhooks:write            x . . . . . x .
    admin:metrics:read              x x . . . . x .
    self:account:read               x x x x x . . .
    self:account:write              x . x x x . . .
    edge:self:report                . . . . . x . .
"""


def person(role: Role, plan: Plan | None = None, read_only: bool = False) -> PersonActor:
    return PersonActor(1, "a@example.test", "A", role, None if plan is None else 7, plan, read_only)


ACTORS: dict[str, Actor] = {
    "S": person(Role.SUPER_ADMIN),
    "R": person(Role.SUPER_ADMIN, read_only=True),
    "E": person(Role.ORGANIZATION_ADMIN, Plan.ENTERPRISE),
    "P": person(Role.ORGANIZATION_ADMIN, Plan.PROFESSIONAL),
    "M": person(Role.MEMBER, Plan.ENTERPRISE),
    "e": EdgeActor(1, "pump-house", None),
    "s": SystemActor("worker"),
    "Y": None,
}
ROWS = {line.split()[0]: line.split()[1:] for line in TABLE.strip().splitlines()}
CELLS = [
    pytest.param(ACTORS[column], Permission(name), mark == "x", id=f"{name}-{column}")
    for name, marks in ROWS.items()
    for column, mark in zip(COLUMNS, marks, strict=True)
]


def test_the_table_speaks_of_every_permission() -> None:
    assert set(ROWS) == {str(permission) for permission in Permission}


@pytest.mark.parametrize(("actor", "permission", "may"), CELLS)
def test_cell(actor: Actor, permission: Permission, may: bool) -> None:
    assert (permission in permissions_of(actor)) is may
    if may:
        require(actor, permission)
    else:
        with pytest.raises(Unauthenticated if actor is None else Forbidden):
            require(actor, permission)


def test_admin_of_a_professional_organization_is_told_about_the_plan() -> None:
    with pytest.raises(Forbidden, match="Enterprise plan; your organization is on Professional"):
        require(ACTORS["P"], Permission.DATASETS_READ)


def test_member_is_told_in_words_what_is_missing() -> None:
    with pytest.raises(Forbidden, match="does not permit the training interface") as refusal:
        require(ACTORS["M"], Permission.DATASETS_READ)
    assert refusal.value.fields == {"permission": "training:datasets:read"}


def test_read_only_token_is_told_that_it_is_one() -> None:
    with pytest.raises(Forbidden, match="read-only and cannot do training:jobs:write") as refusal:
        require(ACTORS["R"], Permission.JOBS_WRITE)
    assert refusal.value.fields == {"permission": "training:jobs:write"}


def test_role_without_grants_may_only_manage_its_own_session() -> None:
    assert permissions_of(ACTORS["M"]) == {Permission.OWN_READ, Permission.OWN_WRITE}
