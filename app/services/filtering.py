"""Conditions of lists, made from their filters. An absent field is no condition."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_
from sqlmodel import col

from app.schemas.base import Request


def equal(table: Any, wanted: Request) -> list[ColumnElement[bool]]:
    """Every field of `wanted` that bears the name of a column must be equal to it."""
    values = wanted.model_dump(exclude_none=True)
    return [col(getattr(table, name)) == value for name, value in values.items() if name in table.__table__.c]


def within(column: Any, since: datetime | None, until: datetime | None) -> list[ColumnElement[bool]]:
    """From `since` on, and before `until`."""
    first = [col(column) >= since] if since is not None else []
    return [*first, col(column) < until] if until is not None else first


def literally(text: str) -> str:
    """`text` for a LIKE pattern, in which nothing of it means anything else."""
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")


def begins_with(start: str | None, *columns: Any) -> list[ColumnElement[bool]]:
    """One of `columns` begins with `start`, whatever the case. Each needs an index of `lower(…) text_pattern_ops`."""
    if start is None:
        return []
    return [or_(*(func.lower(col(column)).like(func.lower(f"{literally(start)}%")) for column in columns))]
