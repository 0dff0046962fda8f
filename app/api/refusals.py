"""Refused requests in the audit log, in a transaction of their own: the refused one was rolled back."""

import logging

from fastapi import Request

from app.domain.permissions import Actor
from app.errors import DomainError
from app.infra.db import transaction
from app.services import audit

log = logging.getLogger(__name__)


def record(request: Request, operation: str, error: DomainError) -> None:
    """Write that `operation` was refused, if `error` is a refusal. Never hides the refusal itself."""
    if not isinstance(error, audit.REFUSALS):
        return
    actor: Actor = getattr(request.state, "actor", None)
    log.info("refused %s %s: %s", request.method, request.url.path, error.problem_code)
    try:
        with transaction() as session:
            audit.refused(session, actor, error, f"api.{operation}", "request", f"{request.method} {request.url.path}")
    except DomainError as failure:  # the database is away: the caller still learns of the refusal
        log.error("a refusal could not be written to the audit log: %s", failure.message)
