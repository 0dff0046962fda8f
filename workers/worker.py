"""The process that waits for training jobs: `python -m workers.worker`.

Each job runs in a fork of this process, which has imported torch and lightning and used neither: a fork starts in
milliseconds, and one that dies takes nothing with it. No torch operation may ever run in the parent (a forked child
would hang in OpenMP). With CUDA a fork is not possible after all, so jobs run in the worker itself.
"""

import logging
import os
from types import TracebackType
from uuid import UUID

from rq import SimpleWorker, Worker
from rq.job import Job
from rq.serializers import JSONSerializer

from app.domain.permissions import SystemActor
from app.errors import DomainError
from app.infra.db import transaction
from app.infra.queue import get_redis, queue
from app.logs import configure_logging
from app.services import job_runs
from app.services.job_runs import AttemptOver
from workers.reporting import patiently

log = logging.getLogger(__name__)

# How often RQ renews its own claim on a running job.
MONITORING_SECONDS = 5


def preload() -> None:
    """Import what every job needs; nothing here may compute."""
    import workers.jobs
    import workers.training.bundle
    import workers.training.run  # noqa: F401


def explain_failure(job: Job, _kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> bool:
    """Write into the job's row why it ended. False: RQ need not ask further handlers."""
    job_id, attempt = job.args
    if isinstance(error, DomainError):
        message = error.message
    else:
        message = f"The training broke off ({type(error).__name__}: {str(error)[:500]}). See the worker's log."

    def record() -> None:
        with transaction() as session:
            job_runs.fail(session, SystemActor("worker"), UUID(job_id), int(attempt), message)

    try:
        patiently(record)
    except AttemptOver as over:
        log.info("%s", over)
    return False


def main() -> None:
    """Work until told to stop; SIGTERM lets the running job finish, a second one does not."""
    configure_logging("worker")
    preload()
    kind = SimpleWorker if os.environ.get("TRAINYARD_TORCH") == "cuda" else Worker
    worker = kind(
        [queue()],
        connection=get_redis(),
        serializer=JSONSerializer,
        exception_handlers=[explain_failure],
        disable_default_exception_handler=False,
        job_monitoring_interval=MONITORING_SECONDS,
    )
    log.info("waiting for training jobs")
    worker.work(logging_level="WARNING")


if __name__ == "__main__":
    main()
