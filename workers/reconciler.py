"""Repairs what a crash leaves between Postgres and the queues, hands out retries, keeps the signed metadata fresh,
and links the audit log into its chain.

`python -m workers.reconciler`: every few seconds, in short transactions; it may be killed and started at any time, and
several may run (rows are locked, and who comes second finds nothing to do).
"""

import logging
import signal
import threading
import time
from types import ModuleType

import redis
from rq import Queue
from rq.registry import StartedJobRegistry
from sqlalchemy.exc import OperationalError

from app.domain.permissions import SystemActor
from app.errors import DomainError
from app.infra.db import transaction
from app.infra.object_store import get_object_store
from app.infra.queue import MEDIA_QUEUE, TRANSFER_QUEUE, WEBHOOK_QUEUE, queue, thumbnails_wanted
from app.logs import configure_logging
from app.services import (
    audit_chain,
    frame_cuts,
    idempotency,
    job_repairs,
    thumbnails,
    transfer_attempts,
    transfer_files,
    trust,
    upload_folders,
    webhook_attempts,
)
from app.tables.base import utcnow

log = logging.getLogger(__name__)

RECONCILER = SystemActor("reconciler")
EVERY_SECONDS = 5.0
REFRESH_SECONDS = 3600.0
# So many batches of audit events are linked in a round, so that a long backlog does not hold up jobs.
BATCHES = 10


def reconcile_once() -> list[str]:
    """One round over the jobs; returns a line per repair."""
    waiting = _held(queue())
    with transaction() as session:
        return job_repairs.reconcile(session, RECONCILER, sorted(waiting))


def enqueue_deliveries_once() -> int:
    """Hand out the webhook deliveries that are due; returns how many."""
    waiting = _held(queue(WEBHOOK_QUEUE))
    with transaction() as session:
        return webhook_attempts.enqueue_due(session, RECONCILER, waiting, utcnow())


def enqueue_media_once() -> int:
    """Ask again for the thumbnails that nobody makes and the videos that nobody cuts; returns for how many."""
    waiting = thumbnails_wanted(_held(queue(MEDIA_QUEUE)))
    with transaction() as session:
        return thumbnails.enqueue_lost(session, RECONCILER, waiting) + frame_cuts.enqueue_lost(session, RECONCILER)


def enqueue_transfers_once() -> int:
    """Hand out the imports and exports that wait, or whose worker was lost; returns how many."""
    waiting = _held(queue(TRANSFER_QUEUE))
    with transaction() as session:
        return transfer_attempts.enqueue_due(session, RECONCILER, waiting, utcnow())


def forget_once() -> int:
    """Remove webhook deliveries and Idempotency-Keys that nobody will ask for any more; returns how many."""
    with transaction() as session:
        deliveries = webhook_attempts.forget_old(session, RECONCILER, utcnow())
        return deliveries + idempotency.forget_old(session, RECONCILER)


def sweep_uploads_once() -> int:
    """Remove what was uploaded more than a day ago and never registered; returns how many folders."""
    return _swept(upload_folders)


def sweep_transfers_once() -> int:
    """Remove archives and lists of faults whose time is over; returns of how many imports and exports."""
    return _swept(transfer_files)


def _swept(service: ModuleType) -> int:
    """Remove the files of everything that is `due`, and forget each once they are gone; no transaction meanwhile."""
    with transaction() as session:
        due = service.due(session, RECONCILER)
        session.expunge_all()
    for one in due:
        service.remove_files(one, get_object_store())
        with transaction() as session:
            service.forget(session, RECONCILER, one.id)
    return len(due)


def _held(line: Queue) -> set[str]:
    """What the queue holds or runs. RQ itself notices a lost worker only between jobs of another one."""
    registry = StartedJobRegistry(queue=line)
    registry.cleanup()
    return {*line.job_ids, *registry.get_job_ids(cleanup=False)}


def refresh_once() -> bool:
    """Sign snapshot and timestamp again if they are due."""
    with transaction() as session:
        return trust.refresh(session, RECONCILER)


def link_once() -> int:
    """Link the audit events that wait; returns how many. The rest of a long backlog has its turn in the next round."""
    total = 0
    for _ in range(BATCHES):
        with transaction() as session:
            linked = audit_chain.seal(session, RECONCILER)
        total += linked
        if linked < audit_chain.BATCH:
            break
    return total


def log_head() -> None:
    """Write the chain's head into the log: what was noted outside the database cannot be changed with it."""
    with transaction() as session:
        chain = audit_chain.state(session, RECONCILER)
    log.info("audit log: %d events linked, %d waiting, head %s", chain.length, chain.waiting, chain.head)


def main() -> None:
    """Go on until SIGTERM or SIGINT."""
    configure_logging("reconciler")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    next_refresh = 0.0
    while not stop.is_set():
        try:
            link_once()  # needs no Redis, so it comes before what does
            for repair in reconcile_once():
                log.info("%s", repair)
            enqueue_deliveries_once()
            sweep_uploads_once()
            enqueue_media_once()
            enqueue_transfers_once()
            if time.monotonic() >= next_refresh:
                if refresh_once():
                    log.info("snapshot and timestamp were signed again")
                forget_once()
                sweep_transfers_once()
                log_head()
                next_refresh = time.monotonic() + REFRESH_SECONDS
        except (DomainError, OperationalError, redis.RedisError) as error:
            log.warning("this round failed, the next one comes: %s: %s", type(error).__name__, error)
        stop.wait(EVERY_SECONDS)


if __name__ == "__main__":
    main()
