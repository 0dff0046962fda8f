"""The mark that every event handler carries: which permission it needs, or that anybody may send it.

Every public function of a Reflex state can be called by any client that can open the event socket. The guard
(`state/guard.py`) refuses what carries no mark, so forgetting one closes a door instead of opening it.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import reflex as rx

from app.domain.permissions import Permission

Handler = TypeVar("Handler", bound=Callable[..., Any])
MARK = "__permission__"


class Public:
    """The mark of a handler that changes nothing but what its own sender sees."""


PUBLIC = Public()


def _marked(mark: Permission | Public, options: dict[str, Any]) -> Callable[[Handler], Any]:
    def decorate(handler: Handler) -> Any:
        setattr(handler, MARK, mark)
        return rx.event(handler, **options)

    return decorate


def permission(needed: Permission, **options: Any) -> Callable[[Handler], Any]:
    """An event handler for those who hold `needed`. `options` are those of `rx.event`."""
    return _marked(needed, options)


def public(handler: Handler) -> Any:
    """An event handler that works without signing in."""
    return _marked(PUBLIC, {})(handler)


def mark_of(handler: Callable[..., Any]) -> Permission | Public | None:
    """The mark of a handler's function, or None if it has none."""
    return getattr(handler, MARK, None)
