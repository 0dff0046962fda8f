"""One entry, one transaction: what happens after a commit happens after it, and not at all after a failure."""

import pytest
from sqlmodel import select

from app.errors import Invalid, Unavailable
from app.infra import db, object_store, queue
from app.settings import get_settings
from app.tables import Organization


def names() -> list[str]:
    with db.transaction() as session:
        return list(session.exec(select(Organization.name)))


@pytest.mark.usefixtures("database")
def test_actions_run_in_order_once_the_rows_can_be_seen_by_others() -> None:
    seen: list[object] = []
    with db.transaction() as session:
        session.add(Organization(name="A"))
        db.after_commit(session, lambda: seen.append(names()))
        db.after_commit(session, lambda: seen.append("second"))
        assert seen == []
    assert seen == [["A"], "second"]


@pytest.mark.usefixtures("database")
def test_failure_undoes_the_rows_and_forgets_the_actions() -> None:
    seen: list[object] = []

    def broken() -> None:
        with db.transaction() as session:
            session.add(Organization(name="A"))
            session.flush()
            db.after_commit(session, lambda: seen.append("never"))
            raise Invalid("no")

    with pytest.raises(Invalid):
        broken()
    assert (seen, names()) == ([], [])


@pytest.mark.usefixtures("database")
def test_lost_connection_is_told_and_the_next_entry_works(stack: object) -> None:
    from tests.support.servers import Servers

    assert isinstance(stack, Servers)

    def cut() -> None:
        with db.transaction() as session:
            (own,) = session.connection().exec_driver_sql("SELECT pg_backend_pid()").one()
            stack.sql(f"SELECT pg_terminate_backend({own})")
            session.exec(select(Organization)).all()

    with pytest.raises(Unavailable, match="Nothing was changed"):
        cut()
    assert names() == []


def test_server_that_is_away_is_unavailable_and_not_a_hang(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (db.answers(), queue.answers(), object_store.answers()) == (True, True, True)
    monkeypatch.setenv("TRAINYARD_DATABASE_URL", "postgresql://trainyard@127.0.0.1:1/trainyard")
    monkeypatch.setenv("TRAINYARD_REDIS_URL", "redis://127.0.0.1:1/0")
    for remembered in (get_settings, queue.get_redis):
        remembered.cache_clear()
    db.forget_engine()
    assert (db.answers(), queue.answers()) == (False, False)
    with pytest.raises(Unavailable):
        queue.first_use("x", 1)


@pytest.mark.parametrize("given", ["postgres://u@h/d", "postgresql://u@h/d", "postgresql+psycopg://u@h/d"])
def test_address_of_the_database_may_be_written_as_people_do(given: str) -> None:
    assert db.normalize_url(given) == "postgresql+psycopg://u@h/d"


@pytest.mark.usefixtures("database")
def test_moments_leave_in_utc_whatever_the_server_thinks(stack: object, database: str) -> None:
    from tests.support.servers import Servers

    assert isinstance(stack, Servers)
    stack.sql(f"ALTER DATABASE {database} SET timezone = 'Asia/Tokyo'")
    db.forget_engine()
    with db.transaction() as session:
        session.add(Organization(name="A"))
    with db.transaction() as session:
        offset = session.exec(select(Organization)).one().created_at.utcoffset()
    assert offset is not None
    assert offset.total_seconds() == 0


@pytest.mark.usefixtures("database")
def test_first_use_is_first_once() -> None:
    assert [queue.first_use("k", 60), queue.first_use("k", 60), queue.first_use("other", 60)] == [True, False, True]
