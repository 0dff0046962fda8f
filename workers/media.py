"""The process that works on pictures and videos: `python -m workers.media`.

Each piece of work runs in a fork of this process: what a broken file does to a decoder ends the fork and nothing else,
and its memory is given back. It may be killed at any moment: what it was about is asked for again by the reconciler.
More of them may be started, on any machine.
"""

import logging

from rq import Worker
from rq.serializers import JSONSerializer

import workers.frames
import workers.thumbnails  # noqa: F401 imported before the first piece of work, not in each fork
from app.infra.db import forget_engine
from app.infra.queue import MEDIA_QUEUE, get_redis, queue
from app.logs import configure_logging

log = logging.getLogger(__name__)


def main() -> None:
    """Work until told to stop; SIGTERM lets the piece of work under way finish."""
    configure_logging("media")
    forget_engine()
    worker = Worker([queue(MEDIA_QUEUE)], connection=get_redis(), serializer=JSONSerializer)
    log.info("waiting for media work")
    worker.work(logging_level="WARNING")


if __name__ == "__main__":
    main()
