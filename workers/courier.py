"""The process that delivers webhooks: `python -m workers.courier`.

Deliveries run in the process itself, one after the other; more couriers may be started, on any machine that holds the
server's key file. It may be killed at any moment: what it was about is delivered later (`services/webhook_attempts`).
"""

import logging

from rq import SimpleWorker
from rq.serializers import JSONSerializer

import workers.webhooks  # noqa: F401 imported before the first delivery, not during it
from app.infra.queue import WEBHOOK_QUEUE, get_redis, queue
from app.logs import configure_logging

log = logging.getLogger(__name__)


def main() -> None:
    """Deliver until told to stop; SIGTERM lets the attempt that is under way finish."""
    configure_logging("courier")
    courier = SimpleWorker([queue(WEBHOOK_QUEUE)], connection=get_redis(), serializer=JSONSerializer)
    log.info("waiting for webhook deliveries")
    courier.work(logging_level="WARNING")


if __name__ == "__main__":
    main()
