"""JSON that has one meaning: the only reader of bytes that somebody else made.

A document is refused if it is too long, nested too deeply, not UTF-8, names a member twice, or holds a number that is
not a whole number every JSON reader agrees on. Canonical JSON (OLPC) is what TUF signs.
"""

import json
import re
from typing import Any

from securesystemslib.exceptions import FormatError
from securesystemslib.formats import encode_canonical

from app.errors import Invalid

MAX_DEPTH = 16
MAX_INTEGER = 2**53 - 1
_STRUCTURE = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


def parse(data: bytes, *, limit: int, what: str) -> dict[str, Any]:
    """The JSON object in `data`; `what` names the document in messages. Raises Invalid."""
    if len(data) > limit:
        raise Invalid(f"{what} is {len(data)} bytes long; at most {limit} are read.")
    _check_depth(data, what)
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unique_members,
            parse_int=_whole_number,
            parse_float=_no_fraction,
            parse_constant=_no_fraction,
        )
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # refuses lone surrogates
    except (ValueError, RecursionError) as error:
        raise Invalid(f"{what} is not acceptable JSON: {error}.") from error
    if not isinstance(value, dict):
        raise Invalid(f"{what} must be a JSON object.")
    return value


def canonical(value: dict[str, Any]) -> bytes:
    """The bytes that are signed for `value`. Raises Invalid for what canonical JSON cannot express."""
    try:
        text = encode_canonical(value)
    except FormatError as error:
        raise Invalid(f"This cannot be written as canonical JSON: {error}") from error
    return (text or "").encode("utf-8")


def parse_canonical(data: bytes, *, limit: int, what: str) -> dict[str, Any]:
    """Like `parse`, and the bytes must be the canonical form: what is read is then exactly what is signed."""
    value = parse(data, limit=limit, what=what)
    if canonical(value) != data:
        raise Invalid(f"{what} is not in canonical form, so what it shows may differ from what is signed.")
    return value


def _check_depth(data: bytes, what: str) -> None:
    depth = 0
    for match in _STRUCTURE.finditer(data):
        token = match.group()
        if token in b"[{":
            depth += 1
        elif token in b"]}":
            depth -= 1
        if depth > MAX_DEPTH:
            raise Invalid(f"{what} is nested more than {MAX_DEPTH} levels deep.")


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise ValueError(f"the member {name[:60]!a} appears twice")
        members[name] = value
    return members


def _whole_number(digits: str) -> int:
    if len(digits) > len(str(MAX_INTEGER)) + 1 or abs(int(digits)) > MAX_INTEGER:
        raise ValueError("a number is too large")
    return int(digits)


def _no_fraction(text: str) -> int:
    raise ValueError(f"{text[:20]!a} is not a whole number")
