"""Which role and organization somebody gets for what an identity provider claims about them.

Rules are tried in their order and the first that fits counts. Where none fits nobody gets in: deny by default.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.domain.permissions import Role

ANY = "*"
_KEYS = ("claim", "value", "role", "organization")
_EXAMPLE = '[{"claim": "groups", "value": "trainyard-admins", "role": "super_admin"}]'

RuleValue = str | int | bool


@dataclass(frozen=True)
class RoleRule:
    """Whoever has `value` in `claim` gets `role`, in the organization of that name. The value `*` is any."""

    claim: str
    value: RuleValue
    role: Role
    organization: str | None = None

    def fits(self, claims: Mapping[str, Any]) -> bool:
        """Whether the claim is the value, or a list that holds it."""
        found = claim_of(claims, self.claim)
        held = found if isinstance(found, list) else [found]
        if self.value == ANY:
            return any(one is not None and one is not False and one not in ("", [], {}) for one in held)
        # In Python True == 1: without comparing types too, a claim of 1 would be taken for a yes.
        return any(type(one) is type(self.value) and one == self.value for one in held)


def claim_of(claims: Mapping[str, Any], path: str) -> Any:
    """The claim of that very name, or, at dots, the one that lies inside others; None if there is none."""
    if path in claims:  # names of claims may be addresses, which hold dots themselves
        return claims[path]
    found: Any = claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def first_fitting(rules: Sequence[RoleRule], claims: Mapping[str, Any]) -> RoleRule | None:
    """The rule that counts for somebody with these claims, or None."""
    return next((rule for rule in rules if rule.fits(claims)), None)


def parse_role_rules(text: str) -> tuple[RoleRule, ...]:
    """Rules from JSON. Raises ValueError that names the rule and what is wrong with it."""
    if not text.strip():
        return ()
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"this is not JSON ({error}); it looks like {_EXAMPLE}") from None
    if not isinstance(entries, list):
        raise ValueError(f"this must be a list of rules, such as {_EXAMPLE}")
    return tuple(_rule(number, entry) for number, entry in enumerate(entries, 1))


def _rule(number: int, entry: Any) -> RoleRule:
    if not isinstance(entry, dict):
        raise ValueError(f"rule {number} is no object; it needs claim, value and role")
    if unknown := sorted(set(entry) - set(_KEYS)):
        raise ValueError(f"rule {number} has {unknown[0]!r}, which is none of {', '.join(_KEYS)}")
    claim, value, role, organization = (entry.get(key) for key in _KEYS)
    if not isinstance(claim, str) or not claim:
        raise ValueError(f"rule {number} needs a claim, the name of what the provider says, such as groups")
    if not isinstance(value, str | int) or value == "":
        raise ValueError(f"rule {number} needs a value: a text, a whole number, true or false, or * for any")
    if role not in list(Role):
        raise ValueError(f"rule {number} gives the role {role!r}, which is none of {', '.join(Role)}")
    if organization is not None and (not isinstance(organization, str) or not organization.strip()):
        raise ValueError(f"rule {number} names no organization: write its name, or leave it out")
    if role == Role.ORGANIZATION_ADMIN and organization is None:
        raise ValueError(f"rule {number} makes an organization_admin and needs the organization's name")
    return RoleRule(claim, value, Role(role), organization)
