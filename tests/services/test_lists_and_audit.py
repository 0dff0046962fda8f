"""Paging that neither skips nor repeats while rows arrive, and an audit log that tells what happened and no secret."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlmodel import select

from app.domain.machines import DatasetStatus
from app.errors import Conflict, Invalid
from app.infra.db import transaction
from app.schemas.audit import AuditFilter
from app.schemas.base import PAGE_LIMIT
from app.schemas.datasets import DatasetCreate, DatasetFilter, DatasetUpdate
from app.schemas.overview import LabelsToVerify
from app.schemas.people import OrganizationCreate, UserCreate
from app.services import audit, datasets, organizations, overview, users
from app.tables import AuditEvent, TrainingDataset
from app.tables.base import utcnow
from tests.support.people import PASSWORD, Person, make_organization
from tests.support.records import make_dataset, make_samples
from tests.support.world import SCHEMA, make_world


def pages(person: Person, limit: int, between: Callable[[], object] = lambda: None) -> list[str]:
    """The names of all datasets, read page by page; `between` runs after each page."""
    names: list[str] = []
    cursor = None
    while True:
        with transaction() as session:
            page = datasets.list_datasets(session, person.actor, DatasetFilter(), cursor, limit)
        assert len(page.items) <= limit
        names += [item.name for item in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return names
        between()


def test_pages_stay_right_while_rows_are_added(super_admin: Person) -> None:
    for number in range(7):
        make_dataset(super_admin, name=f"old {number}")
    names = pages(super_admin, 2, lambda: make_dataset(super_admin))
    assert names == [f"old {number}" for number in reversed(range(7))]


def test_rows_of_the_same_moment_are_neither_skipped_nor_repeated(super_admin: Person) -> None:
    moment = utcnow()
    expected = sorted(make_dataset(super_admin, created_at=moment).name for _ in range(7))
    make_dataset(super_admin, created_at=moment - timedelta(days=1), name="oldest")
    names = pages(super_admin, 3)
    assert sorted(names[:-1]) == expected
    assert names[-1] == "oldest"


def test_page_that_ends_with_the_list_has_no_next(super_admin: Person) -> None:
    for _ in range(4):
        make_dataset(super_admin)
    assert len(pages(super_admin, 2)) == len(pages(super_admin, 4)) == 4
    assert pages(super_admin, 200) == pages(super_admin, 1)


@pytest.mark.parametrize("limit", [0, -1, PAGE_LIMIT + 1])
def test_page_of_an_absurd_size_is_refused(super_admin: Person, limit: int) -> None:
    with pytest.raises(Invalid, match="limit must be"), transaction() as session:
        datasets.list_datasets(session, super_admin.actor, DatasetFilter(), None, limit)


def test_audit_is_paged_by_its_number(super_admin: Person) -> None:
    with transaction() as session:
        for number in range(5):
            organizations.create(session, super_admin.actor, OrganizationCreate(name=f"o {number}"))
    seen, cursor = [], None
    while True:
        with transaction() as session:
            page = audit.list_events(session, super_admin.actor, AuditFilter(), cursor, 2)
        seen += [event.id for event in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == 5


def test_event_says_what_was_before_and_after(super_admin: Person) -> None:
    dataset = make_dataset(super_admin, name="before")
    with transaction() as session:
        change = DatasetUpdate(name="after", status="archived")
        datasets.update(session, super_admin.actor, dataset.id, change)
    with transaction() as session:
        event = session.exec(select(AuditEvent)).one()
    assert (event.action, event.subject_id) == ("dataset.update", str(dataset.id))
    assert event.before == {"name": "before", "status": "active"}
    assert event.after == {"name": "after", "status": "archived"}


def test_change_that_is_rolled_back_leaves_neither_row_nor_event(super_admin: Person) -> None:
    request = DatasetCreate(name="twice", ai_module="m", label_schema=SCHEMA)
    with transaction() as session:
        datasets.create(session, super_admin.actor, request)
    with pytest.raises(Conflict, match="exists already"), transaction() as session:
        datasets.create(session, super_admin.actor, request)
    with transaction() as session:
        assert len(session.exec(select(AuditEvent)).all()) == 1
        assert len(session.exec(select(TrainingDataset)).all()) == 1


def test_events_hold_no_secret(super_admin: Person) -> None:
    with transaction() as session:
        request = UserCreate(email="New@Example.test", name="New", password=PASSWORD)
        assert users.create(session, super_admin.actor, request).email == "new@example.test"
    with transaction() as session:
        event = session.exec(select(AuditEvent)).one()
    assert event.after == {"email": "new@example.test", "role": "member"}


def test_deleted_dataset_names_the_files_to_remove(super_admin: Person) -> None:
    world = make_world(super_admin, None)
    with pytest.raises(Conflict, match="used"), transaction() as session:
        datasets.delete(session, super_admin.actor, world.dataset)


def test_organization_that_does_not_exist_is_refused(super_admin: Person) -> None:
    request = DatasetCreate(name="x", ai_module="m", label_schema=SCHEMA, organization_id=99)
    with pytest.raises(Invalid, match="no organization 99"), transaction() as session:
        datasets.create(session, super_admin.actor, request)


def test_overview_counts_what_the_reader_may_see(super_admin: Person, enterprise_admin: Person) -> None:
    make_world(super_admin, enterprise_admin.organization_id)
    make_world(super_admin, make_organization("Another Ltd"))
    make_world(super_admin, None)
    with transaction() as session:
        everything = overview.show(session, super_admin.actor)
        own = overview.show(session, enterprise_admin.actor)
    for shown, number in ((everything, 3), (own, 2)):
        assert (shown.datasets, shown.samples, shown.labeled, shown.verified) == (number, number, number, 0)
        assert (shown.jobs_running, shown.edges, shown.edges_online, shown.deployments_failed) == (
            number,
            number,
            0,
            number,
        )
        assert (len(shown.recent_jobs), len(shown.recent_deployments)) == (number, number)
    assert own.recent_events == []


def test_overview_names_the_labels_that_wait_and_where_most_of_them_are(
    super_admin: Person, enterprise_admin: Person
) -> None:
    few, most, done, archived = (make_dataset(super_admin, name=name) for name in ("few", "most", "done", "archived"))
    theirs = make_dataset(super_admin, name="theirs", organization_id=make_organization("Another Ltd"))
    for dataset, count in ((few, 2), (most, 3), (archived, 50), (theirs, 9)):
        make_samples(dataset, count, super_admin)
    make_samples(done, 40, super_admin, enterprise_admin)
    with transaction() as session:
        session.get_one(TrainingDataset, archived.id).status = DatasetStatus.ARCHIVED
    with transaction() as session:
        everything = overview.show(session, super_admin.actor).labels_to_verify
        own = overview.show(session, enterprise_admin.actor).labels_to_verify
    assert everything == LabelsToVerify(count=14, dataset_count=9, dataset_id=theirs.id, dataset_name="theirs")
    assert own == LabelsToVerify(count=5, dataset_count=3, dataset_id=most.id, dataset_name="most")
