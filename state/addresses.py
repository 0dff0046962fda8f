"""Addresses of pages: what stands in them, and how they are made."""

from urllib.parse import urlencode
from uuid import UUID


def address(path: str, **query: str) -> str:
    """`path` with the filters that are set."""
    chosen = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode(chosen)}" if chosen else path


NEWEST = "-created_at"


def turned(present: str, column: str) -> str:
    """The order after a click on the head of `column`: the other way round, or the way that one expects first."""
    if present.removeprefix("-") == column:
        return column if present.startswith("-") else f"-{column}"
    return f"-{column}" if column.endswith("_at") else column


def last_part(path: str) -> str:
    """What stands after the last slash."""
    return path.rstrip("/").rsplit("/", 1)[-1]


def uuid_of(path: str) -> UUID | None:
    """The id at the end of a page's path, if it is one."""
    try:
        return UUID(last_part(path))
    except ValueError:
        return None


def number_of(path: str) -> int | None:
    """The number at the end of a page's path, if it is one that a database could hold."""
    text = last_part(path)
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 9 else None


def dataset_of(path: str) -> UUID | None:
    """The dataset of a page below /datasets/<id>, if it names one."""
    parts = path.strip("/").split("/")
    return uuid_of(parts[1]) if len(parts) > 1 else None
