"""The migrations as an operator runs them: up from nothing, down to nothing, up again, and no drift from the tables."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine, text

from tests.support.servers import Servers, run_alembic

OBJECTS = """
    SELECT c.relkind::text, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relname !~ '^alembic_version'
    UNION ALL
    SELECT 'type', t.typname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
    WHERE n.nspname = 'public' AND t.typname !~ '^_?alembic_version'
    UNION ALL
    SELECT 'function', p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = 'public'
"""


@pytest.fixture
def engine(stack: Servers) -> Iterator[Engine]:
    """A database with nothing in it."""
    with stack.empty_database() as name:
        made = create_engine(stack.url(name))
        yield made
        made.dispose()


def objects(engine: Engine) -> list[tuple[str, str]]:
    """Every table, index, sequence, type and function that somebody made."""
    with engine.connect() as connection:
        return [(kind, name) for kind, name in connection.execute(text(OBJECTS))]


def test_up_from_empty_down_to_empty_and_up_again(engine: Engine) -> None:
    run_alembic(engine, "upgrade", "head")
    made = objects(engine)
    assert ("r", "training_jobs") in made
    run_alembic(engine, "downgrade", "base")
    assert objects(engine) == []
    run_alembic(engine, "upgrade", "head")
    assert sorted(objects(engine)) == sorted(made)


def test_migrated_database_does_not_drift_from_the_tables(engine: Engine) -> None:
    run_alembic(engine, "upgrade", "head")
    run_alembic(engine, "check")


def test_drift_would_be_seen(engine: Engine) -> None:
    run_alembic(engine, "upgrade", "head")
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE training_jobs DROP COLUMN attempt"))
    with pytest.raises(Exception, match="New upgrade operations detected"):
        run_alembic(engine, "check")
