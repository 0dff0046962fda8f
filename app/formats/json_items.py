"""Big JSON, item by item, with line numbers and flat memory.

A document is one object whose members may be long arrays (COCO), or one long array (Label Studio). Each item of an
array is decoded by the standard decoder; between items only a window of the file is in memory. NaN and Infinity, which
are no JSON but which tools write, become floats and are refused where a number is checked. Bytes that are no UTF-8 are
kept as lone surrogates, so that only the item that holds them is lost.
"""

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.formats.files import encoding_of

CHUNK = 256 * 1024
MAX_ITEM = 32 * 1024 * 1024
_SPACE = re.compile(r"[ \t\r\n]*")


class JsonFault(Exception):
    """The document cannot be read further: on which line, and why."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line, self.what = line, what


@dataclass(frozen=True, slots=True)
class Item:
    """One value: the member of the document it belongs to (empty for a plain array), the line it begins on."""

    member: str
    line: int
    value: Any


def items(path: Path, arrays: frozenset[str]) -> Iterator[Item]:
    """Every item of the members named in `arrays` (of the document itself, if that is an array); skips the rest.

    Other members come as one `Item` with `value` None. Raises `JsonFault` where the document breaks off.
    """
    with _Window(path) as window:
        if window.peek() == "[":
            yield from _array(window, "")
        elif window.peek() == "{":
            yield from _members(window, arrays)
        else:
            raise JsonFault(window.line, "this is no JSON object or array")
        if window.peek():
            raise JsonFault(window.line, "something follows the end of the document")


def _members(window: "_Window", arrays: frozenset[str]) -> Iterator[Item]:
    window.take("{")
    while window.peek() != "}":
        line, name = window.line, window.value()
        if not isinstance(name, str):
            raise JsonFault(line, "a member has no name in quotes")
        window.take(":")
        if name in arrays and window.peek() == "[":
            yield from _array(window, name)
        else:
            window.value()
            yield Item(name, line, None)
        if window.peek() != "}":
            window.take(",")
    window.take("}")


def _array(window: "_Window", member: str) -> Iterator[Item]:
    window.take("[")
    while window.peek() != "]":
        line = window.line
        yield Item(member, line, window.value())
        if window.peek() != "]":
            window.take(",")
    window.take("]")


class _Window:
    """The part of the text that is needed now."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        head = self._file.read(4)
        self._file.seek(0)
        decoder = codecs.getincrementaldecoder(encoding_of(head))
        self._decode = decoder("surrogateescape" if encoding_of(head) != "utf-16" else "replace")
        self._text, self._at, self.line, self._ended = "", 0, 1, False
        self._json = json.JSONDecoder(strict=False)

    def __enter__(self) -> "_Window":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def peek(self) -> str:
        """The next character that is no space, or nothing at the end."""
        while True:
            space = _SPACE.match(self._text, self._at)
            self._go(space.end() if space else self._at)
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def take(self, wanted: str) -> None:
        """Go past `wanted`, or raise."""
        found = self.peek()
        if found != wanted:
            what = f"{wanted!r} is missing" if found else "the file ends in the middle of the document"
            raise JsonFault(self.line, what)
        self._at += 1

    def value(self) -> Any:
        """Decode the next value and go past it."""
        self.peek()
        while True:
            try:
                value, end = self._json.raw_decode(self._text, self._at)
            except RecursionError:
                raise JsonFault(self.line, "values are nested too deep") from None
            except ValueError as error:
                if len(self._text) - self._at > MAX_ITEM:
                    raise JsonFault(self.line, f"one item is longer than {MAX_ITEM:,} characters") from None
                if self._more(len(self._text) - self._at):
                    continue
                raise JsonFault(*self._where(error)) from None
            # A number at the very end of the window may go on behind it.
            if end == len(self._text) and self._more():
                continue
            self._go(end)
            return value

    def _where(self, error: ValueError) -> tuple[int, str]:
        at = getattr(error, "pos", self._at)
        line = self.line + self._text.count("\n", self._at, at)
        if not self._text[at:].strip() or "Unterminated" in str(error):
            return line, "the file ends in the middle of the document"
        return line, f"this is not JSON ({getattr(error, 'msg', error)})"

    def _go(self, end: int) -> None:
        self.line += self._text.count("\n", self._at, end)
        self._at = end

    def _more(self, at_least: int = 0) -> bool:
        """Read on; twice as much where an item did not fit, so that a long one is not decoded over and over."""
        if self._ended:
            return False
        try:
            data = self._file.read(max(CHUNK, at_least))
            text = self._decode.decode(data, final=not data)
        except UnicodeDecodeError as error:
            raise JsonFault(self.line, f"this is not the text it begins as ({error.reason})") from None
        self._ended = not data
        self._text, self._at = self._text[self._at :] + text, 0
        return bool(data)


def has_foreign_bytes(value: Any) -> bool:
    """True if a text inside holds bytes that are no UTF-8."""
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=True).encode()
    except UnicodeEncodeError:
        return True
    return False
