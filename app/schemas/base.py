"""What every request and view shares.

Requests refuse unknown fields, text that no database can hold, and control characters in names; views are read from
rows. Dates leave in UTC with zone.
"""

import re
from datetime import datetime
from decimal import Decimal
from types import UnionType
from typing import Annotated, Any, ClassVar, Generic, TypeVar, Union, get_args, get_origin
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

Item = TypeVar("Item")
PAGE_LIMIT = 200
# The context of a validation whose values are what somebody typed into a form.
AS_TEXT = "text"


class Request(BaseModel):
    """Something a caller sends."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    # What stands in an address is text, to be read as what it should be; JSON has types of its own.
    FROM_ADDRESS: ClassVar[bool] = False

    @field_validator("*", mode="before")
    @classmethod
    def _of_its_type(cls, value: Any, info: ValidationInfo) -> Any:
        """What a caller means is not guessed: `"yes"` is no truth value, and neither `"5"` nor `true` is a number."""
        text = cls.FROM_ADDRESS or info.context == AS_TEXT
        kind = None if text else _plain(cls.model_fields[str(info.field_name)].annotation)
        if kind is bool and isinstance(value, str | int | float) and not isinstance(value, bool):
            raise ValueError("must be true or false")
        if kind in (int, float) and isinstance(value, str | bool):
            raise ValueError("must be a number, without quotes")
        return value

    @field_validator("*", mode="before")
    @classmethod
    def _storable(cls, value: Any) -> Any:
        """No text that PostgreSQL or UTF-8 cannot hold, however deep it lies."""
        waiting = [value]
        while waiting:
            part = waiting.pop()
            if isinstance(part, str):
                _check_text(part)
            elif isinstance(part, dict):
                waiting += [*part.keys(), *part.values()]
            elif isinstance(part, list | tuple):
                waiting += part
        return value


class View(BaseModel):
    """Something a caller gets."""

    model_config = ConfigDict(from_attributes=True, frozen=True)

    # What an update may change. The record's ETag covers these fields, or all where nothing can be updated (ADR 5).
    EDITED: ClassVar[tuple[str, ...]] = ()


class Page(View, Generic[Item]):
    """One page of a list, in the list's own order. `next_cursor` is null on the last page."""

    items: list[Item]
    next_cursor: str | None = None
    total: int = Field(ge=0, description="How many records the whole list has, all pages together")
    total_is_exact: bool = Field(description="False where counting would take too long, and `total` is an estimate")


class Sorted(Request):
    """What the filters of all lists share: the order. Each list narrows it to its own columns."""

    FROM_ADDRESS = True

    sort: str = "-created_at"


Prefix = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


def sort_field(default: str = "-created_at") -> Any:
    """The `sort` of a list."""
    return Field(default, description="The column that orders the list; with `-` before it from the last to the first")


def _plain(annotation: Any) -> type | None:
    """The one of bool, int and float that a field holds, or None if it holds something else."""
    inside = [part for part in get_args(annotation) if part is not type(None)]
    if get_origin(annotation) is Annotated or (len(inside) == 1 and get_origin(annotation) in (Union, UnionType)):
        return _plain(inside[0])
    return annotation if annotation in (bool, int, float) else None


def _check_text(text: str) -> None:
    if "\0" in text:
        raise ValueError("the character NUL is not allowed")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("half a surrogate pair is not text") from None


def storable(text: str) -> str:
    """`text` with a mark in place of what no database can hold: for words that must not be lost."""
    return text.replace("\0", "\ufffd").encode(errors="replace").decode()


def _printable(text: str) -> str:
    if any(ord(c) < 32 and c not in "\n\t\r" for c in text):
        raise ValueError("control characters are not allowed")
    return text


Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(_printable)
]
Note = Annotated[str, StringConstraints(max_length=10_000), AfterValidator(_printable)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Slug = Annotated[str, StringConstraints(strip_whitespace=True, max_length=40), AfterValidator(_printable)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
DatabaseId = Annotated[int, Field(ge=1, le=2**31 - 1)]


def _representable(moment: datetime) -> datetime:
    # The database reads years 1 to 9999 only, and a zone may shift the first and the last into another.
    if not 1 < moment.year < 9999:
        raise ValueError("the year must be from 2 to 9998")
    return moment


_NUMBER = re.compile(r"[+-]?[0-9._]+([eE][+-]?[0-9]+)?")


def _written_out(value: Any) -> Any:
    # Pydantic would also read numbers, as seconds or as milliseconds, whichever seems likelier.
    if isinstance(value, int | float) or (isinstance(value, str) and _NUMBER.fullmatch(value.strip())):
        raise ValueError("a moment is written as 2026-11-01T06:30:00Z")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_representable)]
# Numbers leave as JSON numbers; NUMERIC only keeps them exact in the database.
Score = Annotated[Decimal, PlainSerializer(float, return_type=float)]

__all__ = [
    "AS_TEXT",
    "PAGE_LIMIT",
    "UUID",
    "DatabaseId",
    "Decimal",
    "Identifier",
    "Moment",
    "Name",
    "Note",
    "Page",
    "Prefix",
    "Request",
    "Score",
    "Sha256",
    "Slug",
    "Sorted",
    "View",
    "datetime",
    "sort_field",
    "storable",
]
