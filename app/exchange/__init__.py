"""Datasets in and out: between the formats of other tools (`app/formats`) and the product's services.

The command line and the transfer worker both use it, so a file means the same wherever it comes from. Nothing here
opens a transaction: callers give a `Run`, which runs one service in one transaction as their actor.
"""

from collections.abc import Callable
from typing import Any, Protocol


class Run(Protocol):
    """Runs `service(session, actor, …)` in a transaction of its own, and returns what it returns."""

    def __call__(self, service: Callable[..., Any], *args: Any, **kwargs: Any) -> Any: ...
