"""Keeps credentials out of every log, in every process.

Reflex logs whole events, headers included, when one of them is malformed, and libraries log addresses with signatures.
Redaction happens where log records are made, so that no logger, handler or formatter can be forgotten.
"""

import logging
import re
from typing import Any

HIDDEN = "[hidden]"

_VALUE = r"[^;,&\s'\"\\]+"
_RULES = (
    # A Cookie header as Python and JSON write it, whole.
    (re.compile(r"""(['"]?(?:set-)?cookie['"]?\s*[:=]\s*)(['"]).*?\2""", re.IGNORECASE), rf"\1\2{HIDDEN}\2"),
    # What was typed into a field for a password, as Python and JSON write an event or a form.
    (
        re.compile(r"""(['"][\w-]*(?:password|passphrase|secret)['"]\s*:\s*)(['"])(?:\\.|(?!\2).)*\2""", re.IGNORECASE),
        rf"\1\2{HIDDEN}\2",
    ),
    (re.compile(rf"((?:__Host-trainyard|trainyard_)[a-z_-]*=){_VALUE}"), rf"\1{HIDDEN}"),
    (re.compile(r"(bearer\s+)[A-Za-z0-9._~+/=-]{12,}", re.IGNORECASE), rf"\1{HIDDEN}"),
    # Our own credentials wherever they stand: API tokens and the secrets of webhooks.
    (re.compile(r"\b(tyat_|whsec_)[A-Za-z0-9_+/=-]{8,}"), rf"\1{HIDDEN}"),
    # Signed URLs, and what a sign-in provider hands back in an address.
    (re.compile(rf"\b(X-Amz-(?:Signature|Credential|Security-Token)=){_VALUE}", re.IGNORECASE), rf"\1{HIDDEN}"),
    (re.compile(rf"([?&](?:code|state|token|access_token|id_token|signature)=){_VALUE}"), rf"\1{HIDDEN}"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"), HIDDEN),  # a JWT
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s/@]+(@)"), rf"\1{HIDDEN}\2"),  # a password in an address
)


def redact(text: str) -> str:
    """`text` without cookies, tokens, signatures and passwords."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def install() -> None:
    """Redact every log record that this process makes from now on. A second time changes nothing."""
    make = logging.getLogRecordFactory()
    if getattr(make, "redacts", False):
        return

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

    make_redacted.redacts = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(make_redacted)
