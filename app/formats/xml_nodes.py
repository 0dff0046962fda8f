"""XML, element by element, with line numbers and flat memory. Document types and entities are refused, always.

Only a DTD can define entities, so without one neither a billion laughs nor a foreign file can be reached.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from app.formats.records import Fault, Report

CHUNK = 64 * 1024
MAX_DEPTH = 40
MAX_CHARACTERS = 8 * 1024 * 1024


@dataclass(slots=True)
class Node:
    """One element: its tag, the line it begins on, and what is inside."""

    tag: str
    line: int
    attributes: dict[str, str]
    text: str = ""
    children: list["Node"] = field(default_factory=list)

    def first(self, tag: str) -> "Node | None":
        """The first child with that tag."""
        return next((child for child in self.children if child.tag == tag), None)

    def all(self, tag: str) -> Iterator["Node"]:
        """The children with that tag."""
        return (child for child in self.children if child.tag == tag)

    def word(self, tag: str) -> str:
        """The text of the first child with that tag, without white space around; empty if there is none."""
        found = self.first(tag)
        return found.text.strip() if found is not None else ""


class _Refused(Exception):
    """The document is of a kind that is not read."""


class _Builder:
    """Builds the elements named in `wanted` and forgets the rest."""

    def __init__(self, wanted: frozenset[str]) -> None:
        self.wanted, self.done = wanted, []
        self._open: list[Node] = []
        self._depth = self._characters = 0
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.EntityDeclHandler = self._doctype
        self.parser.buffer_text = True

    done: list[Node]

    def _doctype(self, *_: object) -> None:
        raise _Refused("a document type (DTD) is not read, since it can define entities")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _Refused(f"elements are nested more than {MAX_DEPTH} deep")
        if self._open or tag in self.wanted:
            node = Node(tag, self.parser.CurrentLineNumber, attributes)
            if self._open:
                self._open[-1].children.append(node)
            self._open.append(node)

    def _text(self, data: str) -> None:
        if self._open:
            self._characters += len(data)
            if self._characters > MAX_CHARACTERS:
                raise _Refused(f"one element holds more than {MAX_CHARACTERS:,} characters")
            self._open[-1].text += data

    def _end(self, _tag: str) -> None:
        self._depth -= 1
        if self._open:
            node = self._open.pop()
            if not self._open:
                self._characters = 0
                self.done.append(node)


def nodes(root: Path, name: str, wanted: frozenset[str], report: Report) -> Iterator[Node]:
    """Every outermost element with a tag of `wanted`, whole. A fault ends the file; what came before it stands."""
    builder = _Builder(wanted)
    try:
        with (root / name).open("rb") as file:
            while chunk := file.read(CHUNK):
                builder.parser.Parse(chunk, False)
                yield from builder.done
                builder.done.clear()
            builder.parser.Parse(b"", True)
    except expat.ExpatError as error:
        yield from builder.done
        report(_malformed(name, error))
    except _Refused as error:
        yield from builder.done
        report(Fault("xml-refused", name, builder.parser.CurrentLineNumber, str(error), "Remove it from the file."))
    else:
        yield from builder.done


def root_tag(path: Path) -> str | None:
    """The tag of the outermost element, or None if the file does not begin like XML."""
    found: list[str] = []
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda tag, _attributes: found.append(tag)
    with path.open("rb") as file, suppress(expat.ExpatError):
        parser.Parse(file.read(CHUNK), False)
    return found[0] if found else None


def _malformed(name: str, error: expat.ExpatError) -> Fault:
    text = expat.errors.messages.get(error.code, str(error))
    if text in (expat.errors.XML_ERROR_NO_ELEMENTS, expat.errors.XML_ERROR_UNCLOSED_TOKEN):
        what, todo = "the file ends in the middle of the document", "Export or copy it again."
    elif text == expat.errors.XML_ERROR_INVALID_TOKEN:
        what = "this is not well-formed XML, or not in the encoding that the file declares"
        todo = "Save it as UTF-8, or write the encoding into its first line."
    else:
        what, todo = f"this is not XML: {text}", "Export or copy the file again."
    return Fault("xml", name, error.lineno, what, todo)
