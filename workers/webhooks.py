"""What the queue of webhooks runs: one attempt to deliver one message.

The queue carries the id; the truth is read again from Postgres. No transaction is open while a receiver is waited for.
"""

import logging
import random
import time
from uuid import UUID

from app.domain.permissions import SystemActor
from app.errors import DomainError
from app.infra.db import transaction
from app.infra.outbound import Outbound, outbound
from app.logs import working_on
from app.services import webhook_attempts
from app.services.webhook_attempts import Letter, Outcome
from app.tables.base import utcnow
from workers.reporting import patiently

log = logging.getLogger(__name__)

COURIER = SystemActor("courier")
NOTHING, OVER = "nothing to send now", "attempt over"
# The lease ends before a courier that waits longer could write what came of the attempt.
PATIENCE_SECONDS = 25.0


def deliver(delivery_id: str) -> str:
    """Make one attempt if one is due; returns what became of it, for the courier's log."""
    with working_on(delivery_id=delivery_id):
        return _deliver(UUID(delivery_id))


def _deliver(delivery_id: UUID) -> str:
    with transaction() as session:
        letter = webhook_attempts.begin(session, COURIER, delivery_id, utcnow())
    if letter is None:
        return NOTHING
    outcome = send(letter, outbound())

    def record() -> str:
        with transaction() as session:
            status = webhook_attempts.conclude(session, COURIER, letter, outcome, utcnow(), random.random())  # noqa: S311
        return status or OVER

    status = patiently(record, seconds=PATIENCE_SECONDS)
    log.info("delivery %s, attempt %d: %s", letter.delivery_id, letter.attempt, outcome.error or status)
    return status


def send(letter: Letter, way: Outbound) -> Outcome:
    """One request; every way in which it can go wrong is an outcome."""
    begun = time.monotonic()
    status, error = None, None
    try:
        status = way.post(letter.url, letter.headers, letter.body)
    except DomainError as refused:
        error = refused.message
    return Outcome(round((time.monotonic() - begun) * 1000), status, error)
