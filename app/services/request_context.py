"""Where a change came from: request id and address, for the audit log and the log lines."""

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class RequestContext:
    """`request_id` also goes into the answer's headers and every log line."""

    request_id: str = ""
    ip_address: str = ""


request_context: ContextVar[RequestContext] = ContextVar("request_context", default=RequestContext())  # noqa: B039 frozen
