"""Keyset paging: stable while rows are added, and as fast on the last page as on the first.

A list is ordered by one column that is never NULL, and by `id` where values may be equal. A cursor is opaque to
callers: it holds the last row's place, the sort, and a mark of the list and its filter, so that it cannot be used to
read on in another list than the one that gave it out.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Tuple, false, func, tuple_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.errors import Invalid
from app.schemas.base import PAGE_LIMIT, Page, Sorted, View
from app.services.counting import Total, counted

Row = TypeVar("Row")
Shown = TypeVar("Shown", bound=View)


# Rows that are looked at for one page of a list with a condition that SQL does not know.
SIFTED = 2_000


@dataclass(frozen=True)
class _Order:
    """The keys that order a list, and the way back from a cursor to them."""

    sort: str
    keys: tuple[Any, ...]
    mark: str

    @classmethod
    def of(cls, table: Any, wanted: Sorted, scope: object) -> "_Order":
        name = wanted.sort.removeprefix("-")
        column = table.__table__.c[name]
        alone = column.unique or column.primary_key
        keys = (getattr(table, name),) if alone else (getattr(table, name), table.id)
        filters = wanted.model_dump(mode="json", exclude={"sort"}, exclude_none=True)
        described = json.dumps([table.__tablename__, str(scope), filters], sort_keys=True)
        return cls(wanted.sort, keys, hashlib.sha256(described.encode()).hexdigest()[:16])

    def past(self, session: Session, query: SelectOfScalar[Any], position: int) -> ColumnElement[bool]:
        """The rows of `query` that have `position` or more before them, found by reading keys only."""
        keys = query.with_only_columns(*(col(key) for key in self.keys)).order_by(*self.by)
        last = session.execute(keys.offset(position - 1).limit(1)).first()  # type: ignore[deprecated]
        return false() if last is None else self._after(tuple_(*last))

    @property
    def by(self) -> list[ColumnElement[Any]]:
        return [col(key).desc() if self.sort.startswith("-") else col(key).asc() for key in self.keys]

    def behind(self, cursor: str) -> ColumnElement[bool]:
        """The rows that come after the last one of the page that gave out `cursor`."""
        return self._after(tuple_(*self._decode(cursor)))

    def _after(self, place: Tuple) -> ColumnElement[bool]:
        keys = tuple_(*(col(key) for key in self.keys))
        return keys < place if self.sort.startswith("-") else keys > place

    def cursor(self, row: Any) -> str:
        values = [getattr(row, key.key) for key in self.keys]
        place = [value if isinstance(value, int) else _text(value) for value in values]
        packed = json.dumps([self.sort, self.mark, *place], ensure_ascii=False, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(packed).decode().rstrip("=")

    def _decode(self, cursor: str) -> list[Any]:
        try:
            sort, mark, *place = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
            if (sort, mark) != (self.sort, self.mark):
                raise Invalid(
                    "The cursor belongs to this list with another sort or filter, or to another list. Use it with the "
                    "same ones, or start again without it.",
                    field="query.cursor",
                )
            return [_READ[key.type.python_type](value) for key, value in zip(self.keys, place, strict=True)]
        except (ValueError, TypeError, AttributeError, RecursionError, ArithmeticError, binascii.Error) as error:
            raise Invalid(
                "The cursor is not one that this list gave out. Start again without it.", field="query.cursor"
            ) from error


def paged(
    session: Session,
    query: SelectOfScalar[Row],
    table: Any,
    show: Callable[[Any], Shown],
    wanted: Sorted,
    cursor: str | None,
    limit: int,
    *,
    scope: object = "",
    position: int | None = None,
    known_total: int | None = None,
) -> Page[Shown]:
    """One page of `query`, at most `limit` (1 … 200) rows, in the order of `wanted`, and how many rows there are.

    `wanted` and `scope` (what else narrows the query, such as the dataset of samples) say which list a cursor is of.
    `position` begins with the row that has so many before it, without a cursor; that reads the keys of those, so it is
    for lists whose keys are in an index. `known_total` spares counting.
    """
    if not 1 <= limit <= PAGE_LIMIT:
        raise Invalid(f"limit must be from 1 to {PAGE_LIMIT}, got {limit}.", field="query.limit")
    order = _Order.of(table, wanted, scope)
    if cursor and position is not None:
        raise Invalid("Ask with a cursor or with a position, not with both.", field="query.position")
    rest = query.where(order.behind(cursor)) if cursor else query
    if position:
        rest = query.where(order.past(session, query, position))
    rows: list[Any] = list(session.exec(rest.order_by(*order.by).limit(limit + 1)))
    page, more = rows[:limit], len(rows) > limit
    is_whole = not (cursor or position or more)
    if position and not page:
        # Behind the end, where an estimate may lead: all keys were read just now, so counting them is no more.
        known_total = session.exec(select(func.count()).select_from(query.order_by(None).subquery())).one()
    total = Total(len(page), is_exact=True) if is_whole else _total(session, query, known_total)
    return Page[Shown](
        items=[show(row) for row in page],
        next_cursor=order.cursor(page[-1]) if more else None,
        total=max(total.rows, len(rows)),
        total_is_exact=total.is_exact,
    )


def _total(session: Session, query: SelectOfScalar[Any], known: int | None) -> Total:
    return counted(session, query) if known is None else Total(known, is_exact=True)


def sifted(
    session: Session,
    query: SelectOfScalar[Row],
    table: Any,
    show: Callable[[list[Any]], list[Shown | None]],
    wanted: Sorted,
    cursor: str | None,
    limit: int,
    *,
    scope: object = "",
) -> Page[Shown]:
    """As `paged`, for a list whose last condition is not SQL: `show` gives the view of each row, or None to leave it.

    At most `SIFTED` rows are looked at for one page, so a page may hold fewer items than `limit`, or none, and still
    have a `next_cursor`. How many there are in all is known only where one page holds them.
    """
    if not 1 <= limit <= PAGE_LIMIT:
        raise Invalid(f"limit must be from 1 to {PAGE_LIMIT}, got {limit}.", field="query.limit")
    order = _Order.of(table, wanted, scope)
    place, items, seen = cursor, list[Shown](), 0
    while seen < SIFTED:
        rest = query.where(order.behind(place)) if place else query
        rows: list[Any] = list(session.exec(rest.order_by(*order.by).limit(PAGE_LIMIT + 1)))
        part, more = rows[:PAGE_LIMIT], len(rows) > PAGE_LIMIT
        for number, (row, item) in enumerate(zip(part, show(part), strict=True)):
            if item is not None:
                items.append(item)
            if len(items) == limit and (more or number + 1 < len(part)):
                return _unfinished(items, order.cursor(row))
        if not more:
            return Page[Shown](items=items, next_cursor=None, total=len(items), total_is_exact=cursor is None)
        place, seen = order.cursor(part[-1]), seen + len(part)
    return _unfinished(items, place)


def _unfinished(items: list[Shown], place: str | None) -> Page[Shown]:
    return Page[Shown](items=items, next_cursor=place, total=len(items), total_is_exact=False)


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(value)
    # Without a zone it would be read in the session's, and PostgreSQL has no years that Python's calendar lacks.
    if moment.tzinfo is None or not 1 < moment.year < 9999:
        raise ValueError(value)
    return moment


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**63:
        raise ValueError(value)
    return value


def _stored_text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(value)
    value.encode()  # half a surrogate pair raises
    return value


def _decimal(value: Any) -> Decimal:
    number = Decimal(value)
    if not number.is_finite():
        raise ValueError(value)
    return number


_READ: dict[type, Callable[[Any], Any]] = {
    datetime: _moment,
    int: _number,
    str: _stored_text,
    UUID: UUID,
    Decimal: _decimal,
}
