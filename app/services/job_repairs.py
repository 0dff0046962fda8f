"""What a crash left between Postgres and the queue, and how it is repaired: lost jobs are handed out again."""

from collections.abc import Sequence
from datetime import timedelta

from sqlmodel import Session, col, select

from app.domain.machines import JobStatus, advance
from app.domain.permissions import Actor, Permission, require
from app.infra.queue import queue_id
from app.services import audit
from app.services.job_runs import append_log, end
from app.services.training_jobs import hand_out
from app.tables import TrainingJob
from app.tables.base import utcnow

LOST_AFTER = timedelta(seconds=30)
MAX_ATTEMPTS = 4


def reconcile(session: Session, actor: Actor, waiting: Sequence[str]) -> list[str]:
    """Repair what a crash left between Postgres and the queue; returns a line per repair.

    `waiting` are the ids (`queue_id`) that the queue holds or runs. A queued job that is not among them was lost
    by the queue; a running job without a sign of life for 30 seconds lost its worker. Both are handed out again.
    """
    require(actor, Permission.JOBS_WRITE)
    now = utcnow()
    query = select(TrainingJob).where(
        col(TrainingJob.status).in_([JobStatus.PENDING, JobStatus.QUEUED, JobStatus.RUNNING])
    )
    done: list[str] = []
    for row in session.exec(query.with_for_update(skip_locked=True)):
        if row.status == JobStatus.RUNNING and (row.heartbeat_at or now) < now - LOST_AFTER:
            done.append(_retry_lost(session, actor, row))
        elif (
            row.status == JobStatus.QUEUED
            and queue_id(row.id, row.attempt) not in waiting
            and row.updated_at < now - timedelta(seconds=10)
        ):
            _hand_out(session, actor, row, JobStatus.QUEUED)
            done.append(f"job {row.id}: was not in the queue, handed out again")
        elif row.status == JobStatus.PENDING:
            row.status = advance(JobStatus.PENDING, JobStatus.QUEUED, f"Training job {row.name!r}")
            _hand_out(session, actor, row, JobStatus.PENDING)
            done.append(f"job {row.id}: handed out")
    return done


def _retry_lost(session: Session, actor: Actor, row: TrainingJob) -> str:
    if row.cancel_requested_at is not None:
        end(session, actor, row, JobStatus.CANCELLED, None)
        return f"job {row.id}: its worker was lost after a cancel; cancelled"
    if row.attempt >= MAX_ATTEMPTS:
        message = f"The worker was lost {row.attempt} times (killed, out of memory or power). See the worker's log."
        end(session, actor, row, JobStatus.FAILED, message)
        return f"job {row.id}: failed after {row.attempt} lost workers"
    row.status = advance(JobStatus.RUNNING, JobStatus.QUEUED, f"Training job {row.name!r}")
    append_log(row, "The worker was lost; the job continues from its last checkpoint with another one.\n")
    _hand_out(session, actor, row, JobStatus.RUNNING)
    return f"job {row.id}: its worker was lost, handed out again"


def _hand_out(session: Session, actor: Actor, row: TrainingJob, was: JobStatus) -> None:
    """Put a job that is queued by now, and `was` before, into the queue as a new attempt."""
    before = {"status": was, "attempt": row.attempt}
    hand_out(session, row, moved=was is not JobStatus.QUEUED)
    after = {"status": row.status, "attempt": row.attempt}
    audit.record(session, actor, "training_job.requeue", row, before=before, after=after)
