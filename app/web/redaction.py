"""Keeps session cookies out of every log.

Reflex logs whole events, headers included, when one of them is malformed. Redaction happens where log records are
made, so that no logger, handler or formatter can be forgotten.
"""

import logging
import re
from collections.abc import Callable
from typing import Any

HIDDEN = "[hidden]"


def redactor(cookie_name: str) -> Callable[[str], str]:
    """A function that hides the values of cookies, of our session cookie and of bearer tokens in a text."""
    session = re.compile(re.escape(cookie_name) + r"=[^;,\s'\"\\]+")
    header = re.compile(r"""(['"]?cookie['"]?\s*[:=]\s*)(['"]).*?\2""", re.IGNORECASE)
    bearer = re.compile(r"(bearer\s+)[A-Za-z0-9._~+/=-]{12,}", re.IGNORECASE)

    def redact(text: str) -> str:
        text = header.sub(rf"\1\2{HIDDEN}\2", text)
        text = session.sub(f"{cookie_name}={HIDDEN}", text)
        return bearer.sub(rf"\1{HIDDEN}", text)

    return redact


def install(cookie_name: str) -> None:
    """Redact every log record that this process makes from now on."""
    make, redact = logging.getLogRecordFactory(), redactor(cookie_name)

    def make_redacted(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make(*args, **kwargs)
        try:
            text = record.getMessage()
        except (TypeError, ValueError):
            return record  # a broken log call: logging itself reports it
        clean = redact(text)
        if clean != text:
            record.msg, record.args = clean, ()
        if record.exc_info and record.exc_info[1] is not None:
            record.exc_text = redact(logging.Formatter().formatException(record.exc_info))
        return record

    logging.setLogRecordFactory(make_redacted)
