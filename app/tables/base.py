"""What every table shares: column types, clock, naming of constraints, checks made from the domain's enums."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from inspect import Signature
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, DateTime, Index, MetaData, Text, func, literal_column
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

# Stable names, so that a migration can drop what another created.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


def metadata() -> MetaData:
    """The metadata that Alembic compares with the database."""
    return SQLModel.metadata


def utcnow() -> datetime:
    """Now, in UTC with zone."""
    return datetime.now(UTC)


def each_time(make: Callable[[], Any]) -> Callable[[], Any]:
    """`make` as the default of a column.

    Pydantic looks for its signature whenever a row is made, which takes longer than all the rest; here it is at hand.
    """

    def made() -> Any:
        return make()

    made.__signature__ = Signature()  # type: ignore[attr-defined]
    return made


def timestamp(*, nullable: bool = True, index: bool = False) -> Any:
    """A `timestamptz` column. Not null ones default to now."""
    if nullable:
        return Field(default=None, nullable=True, index=index, sa_type=DateTime(timezone=True))
    return Field(default_factory=each_time(utcnow), nullable=False, index=index, sa_type=DateTime(timezone=True))


def text_column(*, default: str | None = None, nullable: bool = False, **extra: Any) -> Any:
    """A `text` column; required unless it has a default or is nullable."""
    if nullable:
        return Field(default=None, nullable=True, sa_type=Text, **extra)
    if default is None:
        return Field(nullable=False, sa_type=Text, **extra)
    return Field(default=default, nullable=False, sa_type=Text, **extra)


def jsonb(factory: Any = dict) -> Any:
    """A `jsonb` column, not null. Values are replaced whole, never changed in place."""
    return Field(default_factory=each_time(factory), nullable=False, sa_type=JSONB)


def uuid_key() -> Any:
    """A random UUID primary key."""
    return Field(default_factory=each_time(uuid4), primary_key=True)


def one_of(column: str, values: Iterable[str]) -> CheckConstraint:
    """CHECK that `column` holds one of `values`."""
    allowed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({allowed})", name=f"{column}_known")


def in_range(column: str, low: float | None = None, high: float | None = None) -> CheckConstraint:
    """CHECK that `column` lies in [low, high]; NULL passes."""
    parts = [f"{column} >= {low}" if low is not None else "", f"{column} <= {high}" if high is not None else ""]
    return CheckConstraint(" AND ".join(p for p in parts if p), name=f"{column}_range")


def prefix_index(name: str, column: str) -> Index:
    """An index for how `column` begins, whatever the case and the database's collation."""
    lowered = func.lower(literal_column(column)).label("lowered")
    return Index(name, lowered, postgresql_ops={"lowered": "text_pattern_ops"})


__all__ = [
    "UUID",
    "datetime",
    "each_time",
    "in_range",
    "jsonb",
    "metadata",
    "one_of",
    "prefix_index",
    "text_column",
    "timestamp",
    "utcnow",
    "uuid_key",
]
