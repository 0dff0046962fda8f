"""The mark that every endpoint carries: the permission it needs, that it serves edge servers, or that it is public.

What carries no mark is refused (`app/api/guard.py`), so forgetting one closes a door instead of opening it. The mark
stands nearest to the function: `@router.get(…)`, then `@allow(Permission.DATASETS_READ)`, then `def`.
"""

from collections.abc import Callable
from enum import Enum
from typing import Any, TypeVar

from app.domain.permissions import Permission

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
MARK = "__permission__"


class Special(Enum):
    """Marks that are no permission of a person."""

    PUBLIC = "public"
    EDGE = "edge"


PUBLIC, EDGE = Special.PUBLIC, Special.EDGE
Mark = Permission | Special


def allow(mark: Mark) -> Callable[[Endpoint], Endpoint]:
    """Mark an endpoint: it needs this permission, or a signed request of an edge server, or nothing (PUBLIC)."""

    def decorate(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, MARK, mark)
        return endpoint

    return decorate


def mark_of(endpoint: Callable[..., Any]) -> Mark | None:
    """The mark of an endpoint, or None if it has none."""
    return getattr(endpoint, MARK, None)
