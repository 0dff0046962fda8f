"""The database: one engine per process, one transaction per entry.

`transaction()` is the only place that commits. It is opened by the edges (`api/deps.py`, `state/base.py`,
`workers/jobs.py`, `cli.py`) and never held open while a model trains or a file moves.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache

from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlmodel import Session

from app.errors import Unavailable
from app.settings import get_settings

_AFTER_COMMIT = "after_commit"


def normalize_url(url: str) -> str:
    """Let people write `postgres://` or `postgresql://`; psycopg 3 is what we speak."""
    for prefix in ("postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


@lru_cache
def get_engine() -> Engine:
    """The engine of this process. Made lazily, so that a forked worker never shares a connection."""
    url = get_settings().database_url
    if not url:
        raise Unavailable("No database is configured. Start with ./trainyard up, or set TRAINYARD_DATABASE_URL.")
    return create_engine(
        normalize_url(url),
        pool_size=10,
        max_overflow=20,
        pool_timeout=10,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": 5,
            "options": "-c timezone=UTC -c statement_timeout=60000 -c lock_timeout=15000",
        },
    )


def forget_engine() -> None:
    """Drop the engine: in a forked child, and between tests."""
    if get_engine.cache_info().currsize:
        get_engine().dispose(close=False)
    get_engine.cache_clear()


def answers() -> bool:
    """True when the database answers a question now."""
    try:
        with transaction() as session:
            session.connection().exec_driver_sql("SELECT 1")
    except (Unavailable, SQLAlchemyError):
        return False
    return True


def after_commit(session: Session, action: Callable[[], object]) -> None:
    """Run `action` once the transaction of `session` is durable, in order; not at all if it rolls back."""
    session.info.setdefault(_AFTER_COMMIT, []).append(action)


def hold_still(session: Session) -> None:
    """From now on every query of this transaction sees the database as it was at its first one.

    For what several queries count together, while others go on changing it. Call it before the first query.
    """
    session.connection(execution_options={"isolation_level": "REPEATABLE READ"})


@contextmanager
def transaction() -> Iterator[Session]:
    """One entry, one transaction: commit on success, roll back on any exception, then the after-commit actions."""
    session = Session(get_engine(), expire_on_commit=False)
    try:
        yield session
        session.commit()
    except OperationalError as error:
        session.rollback()
        if error.connection_invalidated or error.orig is None or "connection" in type(error.orig).__name__.lower():
            raise Unavailable("The database does not answer. Nothing was changed; try again in a moment.") from error
        raise
    except BaseException:
        session.rollback()
        raise
    finally:
        session.close()
    for action in session.info.pop(_AFTER_COMMIT, []):
        action()
