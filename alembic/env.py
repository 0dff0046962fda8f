"""Alembic's entry: compares the tables of `app.tables` with the database of the settings."""

from alembic import context
from sqlmodel import SQLModel

import app.tables  # noqa: F401 registers every table
from app.infra.db import get_engine


def run() -> None:
    """Run migrations on the connection given by a caller, or on our own engine."""
    given = context.config.attributes.get("connection")
    if given is not None:
        _migrate(given)
        return
    with get_engine().begin() as connection:
        _migrate(connection)


def _migrate(connection) -> None:  # type: ignore[no-untyped-def]
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        compare_type=True,
        compare_server_default=True,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
