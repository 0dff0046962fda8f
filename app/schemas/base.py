"""What every request and view shares.

Requests refuse unknown fields and control characters; views are read from rows. Dates leave in UTC with zone.
"""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Generic, TypeVar
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints

Item = TypeVar("Item")
PAGE_LIMIT = 200


class Request(BaseModel):
    """Something a caller sends."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class View(BaseModel):
    """Something a caller gets."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class Page(View, Generic[Item]):
    """One page of a list, in the list's own order. `next_cursor` is null on the last page."""

    items: list[Item]
    next_cursor: str | None = None


def _printable(text: str) -> str:
    if any(ord(c) < 32 and c not in "\n\t\r" for c in text):
        raise ValueError("control characters are not allowed")
    return text


Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(_printable)
]
Note = Annotated[str, StringConstraints(max_length=10_000), AfterValidator(_printable)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Slug = Annotated[str, StringConstraints(strip_whitespace=True, max_length=40)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
DatabaseId = Annotated[int, Field(ge=1, le=2**31 - 1)]
# Numbers leave as JSON numbers; NUMERIC only keeps them exact in the database.
Score = Annotated[Decimal, PlainSerializer(float, return_type=float)]

__all__ = [
    "PAGE_LIMIT",
    "UUID",
    "DatabaseId",
    "Decimal",
    "Identifier",
    "Name",
    "Note",
    "Page",
    "Request",
    "Score",
    "Sha256",
    "Slug",
    "View",
    "datetime",
]
