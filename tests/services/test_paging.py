"""Pages that neither skip nor repeat what stayed, whatever comes and goes meanwhile; cursors that fit one list only."""

import base64
import json
from datetime import timedelta
from typing import Any, get_args
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import delete

from app.api.deps import CURSOR_LENGTH
from app.errors import Invalid
from app.infra.db import transaction
from app.infra.object_store import get_object_store
from app.schemas.audit import AuditFilter
from app.schemas.base import Page
from app.schemas.datasets import DatasetFilter, DatasetView
from app.schemas.people import OrganizationCreate, OrganizationFilter
from app.schemas.samples import SampleFilter
from app.services import audit, datasets, organizations, samples
from app.tables import TrainingDataset
from app.tables.base import utcnow
from tests.support.people import Person
from tests.support.records import make_dataset, make_samples

SORTS = get_args(DatasetFilter.model_fields["sort"].annotation)
NOW = utcnow()
# Few values, so that many rows are equal in what orders them; some that collations order in their own way.
PLACES = st.integers(0, 5)
NAMES = ("", "Ab", "ab", "é", "_", "\U0001f600")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), PLACES),
        st.tuples(st.just("remove"), st.integers(0, 50)),
        st.tuples(st.just("turn"), st.integers(1, 4)),
    ),
    max_size=14,
)


def page_of(person: Person, wanted: DatasetFilter, cursor: str | None = None, limit: int = 2) -> Page[DatasetView]:
    with transaction() as session:
        return datasets.list_datasets(session, person.actor, wanted, cursor, limit)


def add(owner: Person, place: int) -> TrainingDataset:
    moment = NOW + timedelta(microseconds=place)
    times: dict[str, Any] = {"created_at": moment, "updated_at": moment}
    return make_dataset(owner, name=f"n{NAMES[place]}", version=uuid4().hex, **times)


@pytest.mark.parametrize("sort", SORTS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=st.lists(PLACES, max_size=8), steps=STEPS)
def test_what_stays_is_seen_once_and_in_order(
    super_admin: Person, sort: str, first: list[int], steps: list[tuple[str, int]]
) -> None:
    with transaction() as session:
        session.exec(delete(TrainingDataset))
    present = [add(super_admin, place).id for place in first]
    stayed, wanted = set(present), DatasetFilter(sort=sort)
    page = page_of(super_admin, wanted, limit=1)
    seen = list(page.items)
    for kind, number in [*steps, *[("turn", 200)] * 2]:
        if kind == "add":
            present.append(add(super_admin, number).id)
        elif kind == "remove" and present:
            gone = present.pop(number % len(present))
            stayed.discard(gone)
            with transaction() as session:
                session.delete(session.get_one(TrainingDataset, gone))
        elif kind == "turn" and page.next_cursor:
            page = page_of(super_admin, wanted, page.next_cursor, number)
            seen += page.items
    assert page.next_cursor is None
    ids = [item.id for item in seen]
    assert len(set(ids)) == len(ids)
    assert stayed <= set(ids)
    in_order = [item.id for item in page_of(super_admin, wanted, limit=200).items]
    assert [one for one in ids if one in in_order] == [one for one in in_order if one in ids]


def test_page_says_how_many_there_are_in_all(super_admin: Person) -> None:
    for number in range(5):
        make_dataset(super_admin, environment="dev" if number else "production")
    first = page_of(super_admin, DatasetFilter())
    last = page_of(super_admin, DatasetFilter(), first.next_cursor, 200)
    assert [(page.total, page.total_is_exact) for page in (first, last)] == [(5, True)] * 2
    assert page_of(super_admin, DatasetFilter(environment="dev")).total == 4
    assert page_of(super_admin, DatasetFilter(environment="staging")).total == 0


def test_cursor_is_refused_with_another_sort_filter_or_list(super_admin: Person) -> None:
    for _ in range(3):
        make_dataset(super_admin)
        with transaction() as session:
            organizations.create(session, super_admin.actor, OrganizationCreate(name=f"o {uuid4().hex}"))
    cursor = page_of(super_admin, DatasetFilter()).next_cursor
    assert cursor is not None
    assert page_of(super_admin, DatasetFilter(), cursor).items
    for other in (DatasetFilter(sort="name"), DatasetFilter(sort="created_at"), DatasetFilter(environment="dev")):
        with pytest.raises(Invalid, match="another sort or filter"):
            page_of(super_admin, other, cursor)
    with pytest.raises(Invalid, match="another list"), transaction() as session:
        organizations.list_organizations(session, super_admin.actor, OrganizationFilter(), cursor, 2)
    with pytest.raises(Invalid, match="another list"), transaction() as session:
        audit.list_events(session, super_admin.actor, AuditFilter(), cursor=cursor, limit=2)


def test_cursor_of_one_dataset_is_refused_in_another(super_admin: Person) -> None:
    first, second = make_dataset(super_admin), make_dataset(super_admin)
    for dataset in (first, second):
        make_samples(dataset, 3, super_admin)
    with transaction() as session:
        page = samples.list_samples(session, super_admin.actor, first.id, SampleFilter(), get_object_store(), None, 1)
    with pytest.raises(Invalid, match="another list"), transaction() as session:
        samples.list_samples(
            session, super_admin.actor, second.id, SampleFilter(), get_object_store(), page.next_cursor, 1
        )


def changed(cursor: str, *place: Any) -> str:
    """`cursor` with other values in its place."""
    sort, mark, *_ = json.loads(base64.urlsafe_b64decode(cursor + "=="))
    return base64.urlsafe_b64encode(json.dumps([sort, mark, *place]).encode()).decode().rstrip("=")


MOMENT, ID = "2026-01-02T03:04:05+00:00", "3f6c2b7e-5a14-4d0a-9c55-0b6a3a1f7d21"


@pytest.mark.parametrize(
    "place",
    [
        [],
        [MOMENT],
        [MOMENT, ID, ID],
        ["2026-01-02T03:04:05", ID],
        ["0001-01-01T00:00:00+14:00", ID],
        ["9999-12-31T23:59:59-14:00", ID],
        [MOMENT, "7"],
        [MOMENT, 7],
        [7, ID],
        [None, None],
        [{}, []],
    ],
    ids=str,
)
def test_forged_place_is_refused(super_admin: Person, place: list[Any]) -> None:
    for _ in range(3):
        make_dataset(super_admin)
    cursor = page_of(super_admin, DatasetFilter()).next_cursor
    assert cursor is not None
    assert page_of(super_admin, DatasetFilter(), changed(cursor, MOMENT, ID)).items == []
    with pytest.raises(Invalid, match="not one that this list gave out"):
        page_of(super_admin, DatasetFilter(), changed(cursor, *place))


@pytest.mark.parametrize("name", ["a\0b", "\ud800", 7, None, ["a"]])
def test_forged_name_is_refused(super_admin: Person, name: Any) -> None:
    for _ in range(3):
        make_dataset(super_admin)
    cursor = page_of(super_admin, DatasetFilter(sort="name")).next_cursor
    assert cursor is not None
    with pytest.raises(Invalid, match="not one that this list gave out"):
        page_of(super_admin, DatasetFilter(sort="name"), changed(cursor, name, ID))


@pytest.mark.parametrize("cursor", ["x", "é", "%%%", "e30", "W10", "bnVsbA", base64.b64encode(b"[" * 1400).decode()])
def test_what_is_no_cursor_is_refused(super_admin: Person, cursor: str) -> None:
    with pytest.raises(Invalid, match="not one that this list gave out"):
        page_of(super_admin, DatasetFilter(), cursor)


def test_longest_name_fits_a_cursor(super_admin: Person) -> None:
    for version in ("1", "2", "3"):
        make_dataset(super_admin, name="\U0001f600" * 200, version=version)
    cursor = page_of(super_admin, DatasetFilter(sort="name")).next_cursor
    assert cursor is not None
    assert len(cursor) < CURSOR_LENGTH
    assert len(page_of(super_admin, DatasetFilter(sort="name"), cursor).items) == 1


QUESTIONS = {
    "meter": {"Meter 1%", "meter 2", "METER_3"},
    "METER 1%": {"Meter 1%"},
    "meter_": {"METER_3"},
    "%": set(),
    "\\": set(),
    "üml": {"Ümlaut"},
}


def test_beginning_of_a_name_is_found_whatever_its_case_and_marks(super_admin: Person) -> None:
    for name in ("Meter 1%", "meter 2", "METER_3", "no meter", "Ümlaut"):
        make_dataset(super_admin, name=name)
    found = {q: {item.name for item in page_of(super_admin, DatasetFilter(q=q), None, 50).items} for q in QUESTIONS}
    assert found == QUESTIONS
