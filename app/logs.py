"""Log lines: text for people, or one JSON object per line, about which request, whose, and which job.

Every line says time (UTC), level, process, logger and message, and what is known of `request_id`, `actor` and the job.
`extra={"fields": {…}}` adds members of its own. Secrets and cookies are never logged (`app/redaction.py`).
"""

import json
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from app import redaction
from app.services.request_context import request_context
from app.settings import get_settings

NOISY = ("httpx", "httpcore", "urllib3", "fsspec", "torch", "lightning", "alembic", "socketio", "engineio")

# What this process works on now. A worker does one job at a time, in several threads, so it belongs to the process.
_work: dict[str, str] = {}


def configure_logging(process: str) -> None:
    """Write to stderr; the supervisor keeps it in a file per process."""
    redaction.install()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(process))
    logging.basicConfig(level=get_settings().log_level.upper(), handlers=[handler], force=True)
    for noisy in NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)


def formatter(process: str) -> logging.Formatter:
    """Lines of `process` in the format that the settings choose."""
    return JsonLines(process) if get_settings().log_format == "json" else TextLines(process)


@contextmanager
def working_on(**what: str) -> Iterator[None]:
    """Let every line of this process say what it works on, until the block ends."""
    before = dict(_work)
    _work.update(what)
    try:
        yield
    finally:
        _work.clear()
        _work.update(before)


def _context() -> dict[str, str]:
    now = request_context.get()
    known = {"request_id": now.request_id, "actor": now.actor_label, **_work}
    return {name: value for name, value in known.items() if value}


class JsonLines(logging.Formatter):
    """One JSON object per line."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self.process = process

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": self.process,
            "logger": record.name,
            "message": record.getMessage(),
            **_context(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = record.exc_text or self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class TextLines(logging.Formatter):
    """`time LEVEL process logger: message [request_id=… actor=…]`; what follows in further lines is indented."""

    converter = time.gmtime

    def __init__(self, process: str) -> None:
        super().__init__(f"%(asctime)s %(levelname)-7s {process} %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%SZ")

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The first line."""
        told = " ".join(f"{name}={value}" for name, value in _context().items())
        return super().formatMessage(record) + (f" [{told}]" if told else "")

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line; a line break that a caller sent cannot begin another one."""
        return super().format(record).replace("\r", "\\r").replace("\n", "\n  ")
