"""The chain over the audit log: it holds every event, makes nobody wait, and names what was tampered with."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from app.domain.audit_chain import FIELDS, GENESIS
from app.domain.permissions import Permission, SystemActor
from app.errors import Forbidden
from app.infra.db import get_engine, transaction
from app.schemas.audit import ChainReport, ChainView
from app.services import audit, audit_chain
from app.tables import AuditEvent, AuditLink, AuditPending, User
from tests.support.people import Person

SYSTEM = SystemActor("test")
KEPT = ("audit_events", "audit_links")


def write(count: int = 1, action: str = "test.write") -> None:
    """`count` events in a transaction."""
    with transaction() as session:
        for number in range(count):
            audit.record(session, SYSTEM, action, User(id=number, email="a", name="a", role="member"))


def seal() -> int:
    with transaction() as session:
        return audit_chain.seal(session, SYSTEM)


def verify(head: str | None = None) -> ChainReport:
    with transaction() as session:
        return audit_chain.verify(session, SYSTEM, head)


def state() -> ChainView:
    with transaction() as session:
        return audit_chain.state(session, SYSTEM)


def tamper(*statements: str) -> None:
    """What somebody does who owns the database and switches the triggers off first."""
    with get_engine().begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        for statement in statements:
            connection.exec_driver_sql(statement)


@pytest.mark.usefixtures("database")
class TestSealing:
    def test_an_empty_log_has_an_intact_chain_of_no_links(self) -> None:
        assert seal() == 0
        assert verify() == ChainReport(length=0, head=GENESIS, waiting=0, problem=None)

    def test_events_wait_until_they_are_linked(self) -> None:
        write(3)
        assert state() == ChainView(length=0, head=GENESIS, waiting=3)
        assert seal() == 3
        linked = state()
        assert (linked.length, linked.waiting) == (3, 0)
        assert verify() == ChainReport(**dict(linked), problem=None)

    def test_a_batch_at_a_time_is_linked_without_gaps(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(audit_chain, "BATCH", 2)
        write(5)
        assert [seal(), seal(), seal(), seal()] == [2, 2, 1, 0]
        with transaction() as session:
            links = session.exec(select(AuditLink).order_by(AuditLink.number)).all()
        assert [link.number for link in links] == [1, 2, 3, 4, 5]
        assert verify().problem is None

    def test_what_is_rolled_back_neither_waits_nor_leaves_a_gap(self) -> None:
        def undone() -> None:
            with transaction() as session:
                audit.record(session, SYSTEM, "test.undone", User(id=1, email="a", name="a", role="member"))
                session.flush()
                raise Forbidden("undone")

        with pytest.raises(Forbidden):
            undone()
        write()
        seal()
        assert (verify().length, verify().problem) == (1, None)

    def test_a_transaction_that_ends_later_is_linked_later(self) -> None:
        """Its event's id is lower than those of events that are linked already."""
        with transaction() as slow:
            audit.record(slow, SYSTEM, "test.slow", User(id=1, email="a", name="a", role="member"))
            slow.flush()
            write()
            assert seal() == 1, "nobody waits for the transaction that is open"
        assert seal() == 1
        with transaction() as session:
            events = [link.event_id for link in session.exec(select(AuditLink).order_by(AuditLink.number))]
        assert events == sorted(events, reverse=True)
        assert verify().problem is None

    def test_only_one_links_at_a_time_and_the_other_goes_on_at_once(self) -> None:
        write()
        with transaction() as first:
            assert audit_chain.seal(first, SYSTEM) == 1
            write()
            assert seal() == 0
        assert seal() == 1
        assert verify().problem is None

    def test_writers_and_linkers_side_by_side_leave_one_whole_chain(self) -> None:
        start = Barrier(6)

        def work(task: Callable[[], object], times: int) -> None:
            start.wait()
            for _ in range(times):
                task()

        with ThreadPoolExecutor(6) as pool:
            done = [pool.submit(work, lambda: write(2), 25) for _ in range(4)]
            done += [pool.submit(work, seal, 40) for _ in range(2)]
            for future in done:
                future.result()
        while seal():
            pass
        report = verify()
        assert (report.length, report.waiting, report.problem) == (200, 0, None)

    def test_a_writer_waits_for_nobody(self) -> None:
        """While a linker and another writer hold their transactions open, an event is written within the lock limit."""
        write()
        with transaction() as linker, transaction() as writer:
            audit_chain.seal(linker, SYSTEM)
            audit.record(writer, SYSTEM, "test.open", User(id=1, email="a", name="a", role="member"))
            writer.flush()
            with transaction() as third:
                third.connection().exec_driver_sql("SET LOCAL lock_timeout = '1ms'")
                audit.record(third, SYSTEM, "test.third", User(id=2, email="a", name="a", role="member"))


@pytest.mark.usefixtures("database")
class TestAppendOnly:
    @pytest.mark.parametrize("table", KEPT)
    @pytest.mark.parametrize("change", ["UPDATE {0} SET {1} = {1}", "DELETE FROM {0}", "TRUNCATE {0}"])
    def test_the_log_refuses_every_change_even_to_a_superuser(self, table: str, change: str) -> None:
        write()
        seal()
        column = {"audit_events": "actor", "audit_links": "number"}[table]
        with get_engine().connect() as connection:
            assert connection.exec_driver_sql("SELECT usesuper FROM pg_user WHERE usename = current_user").scalar_one()
            with pytest.raises(DBAPIError, match="append-only"):
                connection.exec_driver_sql(change.format(table, column))
        assert verify().length == 1


@pytest.fixture
def five(database: str) -> str:
    """Five linked events; the head."""
    write(5)
    seal()
    return state().head


FORGE = "INSERT INTO audit_events (occurred_at, outcome, actor, action, subject_type, subject_id, before, after,"
FORGE += " request_id, ip_address) VALUES (now(), 'done', 'eve', 'x', 'y', 'z', '{}', '{}', '', '')"


@pytest.mark.usefixtures("five")
class TestTampering:
    @pytest.mark.parametrize(
        ("statements", "told"),
        [
            (["UPDATE audit_events SET actor = 'eve' WHERE id = 3"], "Link 3 is broken: its event 3 was changed"),
            (
                ["UPDATE audit_events SET after = '[1]' WHERE id = 4"],
                "Link 4 is broken: its event 4 was changed",
            ),
            (["DELETE FROM audit_events WHERE id = 2"], "Link 2 is broken: its event 2 is missing"),
            (["DELETE FROM audit_links WHERE number = 4"], "Link 4 is missing: link 5 stands in its place"),
            (["DELETE FROM audit_links WHERE number = 1"], "Link 1 is missing: link 2 stands in its place"),
            (
                ["DELETE FROM audit_links WHERE number = 3", "DELETE FROM audit_events WHERE id = 3"],
                "Link 3 is missing: link 4 stands in its place",
            ),
            (
                [f"UPDATE audit_links SET chain_sha256 = '{'a' * 64}' WHERE number = 2"],
                "Link 2 is broken: its chain_sha256 does not follow",
            ),
            (
                [f"UPDATE audit_links SET event_sha256 = '{'a' * 64}' WHERE number = 5"],
                "Link 5 is broken: its event 5 was changed",
            ),
            (["DELETE FROM audit_links WHERE number = 5"], "Event 5 is in no link and does not wait for one"),
            ([FORGE], "Event 6 is in no link and does not wait for one"),
            (["INSERT INTO audit_pending VALUES (3)"], "Event 3 waits to be linked although a link holds it"),
            (["INSERT INTO audit_pending VALUES (77)"], "Event 77 is missing: it was removed before it was linked"),
        ],
    )
    def test_the_first_broken_link_is_named(self, statements: list[str], told: str) -> None:
        tamper(*statements)
        problem = verify().problem
        assert problem is not None
        assert problem.startswith(told), problem

    def test_two_links_that_changed_places_are_named(self) -> None:
        swap = "UPDATE audit_links SET number = {1} WHERE number = {0}"
        tamper(*(swap.format(*pair) for pair in ((2, 99), (3, 2), (99, 3))))
        assert verify().problem == (
            "Link 2 is broken: its chain_sha256 does not follow from the link before and its event."
        )

    def test_an_event_that_was_made_to_wait_again_stops_no_other(self) -> None:
        tamper("INSERT INTO audit_pending VALUES (3)")
        write()
        assert seal() == 1
        assert state().length == 6

    def test_what_comes_before_the_broken_link_is_said_to_be_whole(self) -> None:
        tamper("UPDATE audit_events SET actor = 'eve' WHERE id >= 3")
        assert verify().length == 2


class TestNotedHead:
    def test_a_head_that_was_noted_is_found_again_in_a_longer_chain(self, five: str) -> None:
        write(2)
        seal()
        assert verify(five).problem is None
        assert verify(five).head != five

    def test_a_chain_that_was_cut_short_is_told_by_the_noted_head_alone(self, five: str) -> None:
        tamper("DELETE FROM audit_links WHERE number > 3", "DELETE FROM audit_events WHERE id > 3")
        assert verify().problem is None
        assert "were removed or made anew" in str(verify(five).problem)

    def test_a_chain_that_was_made_anew_is_told_by_the_noted_head_alone(self, five: str) -> None:
        tamper(
            "UPDATE audit_events SET actor = 'eve' WHERE id = 1",
            "DELETE FROM audit_links",
            "INSERT INTO audit_pending SELECT id FROM audit_events",
        )
        seal()
        assert verify().problem is None
        assert "were removed or made anew" in str(verify(five).problem)


def test_every_column_of_an_event_is_hashed() -> None:
    assert set(FIELDS) == set(AuditEvent.model_fields)


def test_links_and_events_share_no_column_name() -> None:
    """`linked` reads both into one row."""
    assert not set(AuditEvent.model_fields) & set(AuditLink.model_fields)


def test_the_chain_is_for_readers_of_the_log_only(enterprise_admin: Person) -> None:
    assert Permission.AUDIT_READ
    calls: list[Callable[..., Any]] = [audit_chain.seal, audit_chain.state, audit_chain.verify]
    for call in calls:
        with pytest.raises(Forbidden), transaction() as session:
            call(session, enterprise_admin.actor)


def test_waiting_events_are_in_a_table_of_their_own(database: str) -> None:
    write(2)
    with transaction() as session:
        assert len(session.exec(select(AuditPending)).all()) == 2
