"""Keyset paging: stable while rows are added, and as fast on the last page as on the first.

Lists are newest first, by `(created_at, id)`. The cursor is opaque to callers.
"""

import base64
import binascii
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import tuple_
from sqlmodel import Session, col
from sqlmodel.sql.expression import SelectOfScalar

from app.errors import Invalid
from app.schemas.base import PAGE_LIMIT, Page, View

Row = TypeVar("Row")
Shown = TypeVar("Shown", bound=View)


def _encode(created_at: datetime, row_id: UUID | int) -> str:
    return base64.urlsafe_b64encode(json.dumps([created_at.isoformat(), str(row_id)]).encode()).decode().rstrip("=")


def _decode(cursor: str, id_type: type) -> tuple[datetime, Any]:
    try:
        created_at, row_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        key = datetime.fromisoformat(created_at), id_type(row_id)
        if isinstance(key[1], int) and not 0 < key[1] < 2**31:
            raise ValueError(row_id)
        return key
    except (ValueError, TypeError, binascii.Error) as error:
        raise Invalid("The cursor is not one that this list gave out. Start again without it.") from error


def newest_first(
    session: Session,
    query: SelectOfScalar[Row],
    table: Any,
    show: Callable[[Any], Shown],
    cursor: str | None,
    limit: int,
) -> Page[Shown]:
    """One page of `query`, at most `limit` (1 … 200) rows."""
    if not 1 <= limit <= PAGE_LIMIT:
        raise Invalid(f"limit must be from 1 to {PAGE_LIMIT}, got {limit}.")
    created_at, row_id = col(table.created_at), col(table.id)
    if cursor:
        id_type = table.__table__.c.id.type.python_type
        query = query.where(tuple_(created_at, row_id) < tuple_(*_decode(cursor, id_type)))
    rows: list[Any] = list(session.exec(query.order_by(created_at.desc(), row_id.desc()).limit(limit + 1)))
    page = rows[:limit]
    more = len(rows) > limit
    return Page[Shown](
        items=[show(row) for row in page],
        next_cursor=_encode(page[-1].created_at, page[-1].id) if more else None,
    )
