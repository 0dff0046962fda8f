"""One line per event: time in UTC, level, process, message. Secrets and cookies are never logged."""

import logging
import sys
import time

from app.settings import get_settings


def configure_logging(process: str) -> None:
    """Write to stderr; the supervisor keeps it in a file per process."""
    handler = logging.StreamHandler(sys.stderr)
    formatter = logging.Formatter(f"%(asctime)s %(levelname)-7s {process}: %(message)s", "%Y-%m-%dT%H:%M:%SZ")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.basicConfig(level=get_settings().log_level.upper(), handlers=[handler], force=True)
    for noisy in ("httpx", "httpcore", "urllib3", "fsspec", "torch", "lightning", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
