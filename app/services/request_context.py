"""Where a change came from: request id and address, for the audit log and the log lines."""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class RequestContext:
    """`request_id` also goes into the answer's headers and every log line.

    `state` belongs to the request: it holds `actor` from the moment on in which its credential was believed.
    """

    request_id: str = ""
    ip_address: str = ""
    state: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def actor_label(self) -> str:
        """Who acts, as the audit log names them; empty while nobody is known."""
        return str(getattr(self.state.get("actor"), "label", ""))


request_context: ContextVar[RequestContext] = ContextVar("request_context", default=RequestContext())  # noqa: B039 frozen
