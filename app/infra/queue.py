"""The queues of training jobs, webhook deliveries, media work, imports and exports (RQ on Valkey or Redis).

They carry ids only; JSON, never pickle; Postgres stays the truth.
"""

import logging
from collections.abc import Iterable
from functools import lru_cache
from uuid import UUID, uuid4

import redis
from rq import Queue, get_current_job
from rq.serializers import JSONSerializer

from app.errors import Unavailable
from app.infra import tracing
from app.settings import get_settings

log = logging.getLogger(__name__)

TRAINING_QUEUE, WEBHOOK_QUEUE, MEDIA_QUEUE = "training", "webhooks", "media"
TRANSFER_QUEUE = "transfers"
TRACE = "trace"
TRAIN, DELIVER = "workers.jobs.train", "workers.webhooks.deliver"
MAKE_THUMBNAILS, CUT_FRAMES = "workers.thumbnails.make_thumbnails", "workers.frames.cut_frames"
TRANSFER = "workers.transfers.transfer"
# A training job may take days; RQ's own limit only catches what nothing else would.
JOB_TIMEOUT_SECONDS = 7 * 24 * 3600
# An attempt ends by itself long before.
DELIVERY_TIMEOUT_SECONDS = 50
MEDIA_TIMEOUT_SECONDS = 2 * 3600
TRANSFER_TIMEOUT_SECONDS = 24 * 3600
_THUMBNAILS = "thumbnails"


@lru_cache
def get_redis() -> "redis.Redis":
    """The client of this process; short timeouts, so that a lost Redis never hangs a request."""
    return redis.Redis.from_url(get_settings().redis_url, socket_connect_timeout=3, health_check_interval=30)


def queue(name: str = TRAINING_QUEUE) -> Queue:
    """The queue of training jobs, or another one."""
    return Queue(name, connection=get_redis(), serializer=JSONSerializer)


def queue_id(job_id: UUID, attempt: int) -> str:
    """How a queue calls one attempt of a job or delivery."""
    return f"{job_id}_{attempt}"


def enqueue_training(job_id: UUID, attempt: int) -> bool:
    """Hand `job_id` to a worker. False (logged) when Redis is away: the reconciler will hand it out again."""
    try:
        queue().enqueue(
            TRAIN,
            str(job_id),
            attempt,
            job_id=queue_id(job_id, attempt),
            job_timeout=JOB_TIMEOUT_SECONDS,
            result_ttl=300,
            failure_ttl=3600,
            meta={TRACE: tracing.carrier()},
        )
    except redis.RedisError as error:
        log.warning("job %s was not handed to the queue (%s); the reconciler will", job_id, type(error).__name__)
        return False
    return True


def trace_of_job() -> dict[str, str]:
    """The trace of whoever queued the job that this process runs now; empty if there is none."""
    job = get_current_job()
    return dict(job.meta.get(TRACE) or {}) if job is not None else {}


def enqueue_delivery(delivery_id: UUID, attempt: int) -> None:
    """Hand a delivery that had `attempt` attempts to a courier. Without Redis (logged) the reconciler does it later."""
    name = queue_id(delivery_id, attempt)
    _hand_over(WEBHOOK_QUEUE, DELIVER, delivery_id, name, DELIVERY_TIMEOUT_SECONDS, "delivery")


def enqueue_thumbnails(dataset_id: UUID) -> None:
    """Let the thumbnails that a dataset lacks be made. Without Redis (logged) the reconciler asks again later."""
    # Each request is its own: what is registered while one is served is seen to by the next.
    name = f"{_THUMBNAILS}_{dataset_id}_{uuid4().hex[:12]}"
    _hand_over(MEDIA_QUEUE, MAKE_THUMBNAILS, dataset_id, name, MEDIA_TIMEOUT_SECONDS, "making thumbnails of")


def enqueue_frames(cut_id: UUID) -> None:
    """Let a video be cut into frames. Without Redis (logged) the reconciler asks again later."""
    name = f"frames_{cut_id}_{uuid4().hex[:12]}"
    _hand_over(MEDIA_QUEUE, CUT_FRAMES, cut_id, name, MEDIA_TIMEOUT_SECONDS, "cut")


def enqueue_transfer(transfer_id: UUID, attempt: int) -> None:
    """Hand an import or export that had `attempt` attempts to a worker. Without Redis (logged) it is done later."""
    name = queue_id(transfer_id, attempt)
    _hand_over(TRANSFER_QUEUE, TRANSFER, transfer_id, name, TRANSFER_TIMEOUT_SECONDS, "transfer")


def _hand_over(to: str, task: str, record_id: UUID, name: str, seconds: int, what: str) -> None:
    """Put `task` about a record into the queue `to`. Without Redis that is logged, and done by the reconciler."""
    try:
        queue(to).enqueue(task, str(record_id), job_id=name, job_timeout=seconds, result_ttl=0, failure_ttl=3600)
    except redis.RedisError as error:
        log.warning("%s %s was not handed to the queue (%s); it will be", what, record_id, type(error).__name__)


def thumbnails_wanted(entries: Iterable[str]) -> set[UUID]:
    """The datasets that `entries` of the media queue are about."""
    parts = (entry.split("_") for entry in entries)
    return {UUID(part[1]) for part in parts if part[0] == _THUMBNAILS}


def first_use(key: str, seconds: int) -> bool:
    """True the first time `key` is seen within `seconds` (against replays). Raises Unavailable when Redis is away."""
    try:
        return bool(get_redis().set(f"once:{key}", 1, nx=True, ex=seconds))
    except redis.RedisError as error:
        raise Unavailable("What was used before cannot be looked up right now. Try again in a moment.") from error


def answers() -> bool:
    """True when Redis answers now."""
    try:
        return bool(get_redis().ping())
    except redis.RedisError:
        return False
