"""Totals of lists: counted where that is cheap, and never by reading a large table."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text
from sqlmodel import select

from app.infra.db import transaction
from app.infra.object_store import get_object_store
from app.schemas.datasets import DatasetFilter
from app.schemas.samples import SampleFilter
from app.services import counting, datasets, samples
from app.services.counting import MOST_COUNTED, Total, counted
from app.tables import TrainingDataset, TrainingSample
from tests.support.people import Person
from tests.support.records import make_dataset, make_samples

MANY = 200_000
SAMPLES = """
    INSERT INTO training_samples (id, dataset_id, file_url, file_type, file_size, sha256, labels, annotations, metadata,
                                  is_labeled, is_verified, labeled_by, created_at, updated_at)
    SELECT gen_random_uuid(), :dataset, 's3://trainyard/datasets/' || n || '.png', 'image', 1 + n % 5000,
           md5(n::text) || md5((-n)::text), '{"class": "zero"}', '[]', '{}', true, false, :person,
           now() - n * interval '1 second', now()
    FROM generate_series(1, :count) n
"""
DATASETS = """
    INSERT INTO training_datasets (id, name, description, ai_module, sample_count, labeled_count, verified_count,
                                   size_bytes, label_schema, environment, version, status, created_by, created_at,
                                   updated_at, opinions_per_sample, opinions_share, consensus_iou,
                                   single_person_review, keeps_location)
    SELECT gen_random_uuid(), 'Digits ' || n, '', 'meter_digits', 0, 0, 0, 0, '{"classes": []}', 'dev', '1.0.0',
           'active', :person, now() - n * interval '1 second', now(), 1, 100, 0.5, false, false
    FROM generate_series(1, :count) n
"""


def fill(statement: str, *, analyze: bool = True, **values: object) -> None:
    with transaction() as session:
        session.execute(text(statement), values)  # type: ignore[deprecated]
        if analyze:
            session.execute(text("ANALYZE"))  # type: ignore[deprecated]


def read_in_sequence(table: str) -> tuple[int, int]:
    """How often `table` was read from end to end, and how many of its rows that gave."""
    query = text("SELECT seq_scan, seq_tup_read FROM pg_stat_user_tables WHERE relname = :table")
    with transaction() as session:
        session.execute(text("SELECT pg_stat_force_next_flush()"))  # type: ignore[deprecated]
    with transaction() as session:
        scans, rows = session.execute(query, {"table": table}).one()  # type: ignore[deprecated]
    return scans, rows


@contextmanager
def never_read_in_sequence(table: str) -> Iterator[None]:
    before = read_in_sequence(table)
    yield
    assert read_in_sequence(table) == before


def close_to(total: int, truth: int) -> bool:
    return abs(total - truth) <= truth / 10


def test_many_samples_are_estimated_and_no_list_of_them_reads_the_table(super_admin: Person) -> None:
    small, large = make_dataset(super_admin), make_dataset(super_admin)
    make_samples(small, 300, super_admin)
    fill(SAMPLES, dataset=large.id, person=super_admin.id, count=MANY)

    def listed(dataset: TrainingDataset, wanted: SampleFilter) -> Total:
        with transaction() as session:
            page = samples.list_samples(session, super_admin.actor, dataset.id, wanted, get_object_store(), None, 20)
        return Total(page.total, page.total_is_exact)

    with never_read_in_sequence("training_samples"):
        everything = listed(large, SampleFilter(file_type="image"))
        by_size = listed(large, SampleFilter(file_type="image", sort="file_size"))
        labelled = listed(large, SampleFilter(status="labeled", label="zero"))
        exact = listed(small, SampleFilter())
    assert not everything.is_exact
    assert close_to(everything.rows, MANY)
    assert by_size == everything
    assert not labelled.is_exact
    assert exact == Total(300, is_exact=True)


def test_how_many_samples_a_dataset_has_is_known_without_counting(super_admin: Person) -> None:
    dataset = make_dataset(super_admin, sample_count=70_000, labeled_count=60_000, verified_count=50_000)
    make_samples(dataset, 30, super_admin)

    def listed(**wanted: str) -> Total:
        with transaction() as session:
            page = samples.list_samples(
                session, super_admin.actor, dataset.id, SampleFilter(**wanted), get_object_store(), None, 10
            )
        return Total(page.total, page.total_is_exact)

    assert listed() == Total(70_030, is_exact=True)
    assert listed(sort="file_size") == Total(70_030, is_exact=True)
    assert listed(status="labeled") == Total(30, is_exact=True)


def test_many_datasets_are_estimated_for_whoever_asks(super_admin: Person, enterprise_admin: Person) -> None:
    fill(DATASETS, person=super_admin.id, count=MANY)
    with never_read_in_sequence("training_datasets"), transaction() as session:
        pages = [
            datasets.list_datasets(session, person.actor, wanted, None, 20)
            for person in (super_admin, enterprise_admin)
            for wanted in (DatasetFilter(), DatasetFilter(sort="-name"), DatasetFilter(status="active"))
        ]
        few = datasets.list_datasets(session, super_admin.actor, DatasetFilter(q="digits 12345"), None, 5)
    assert all(not page.total_is_exact and close_to(page.total, MANY) for page in pages)
    assert (few.total, few.total_is_exact) == (11, True)


def test_counting_ends_where_the_planner_was_wrong_about_the_rows(super_admin: Person) -> None:
    """Statistics that do not know a dataset yet make it look empty, and counting it cheap."""
    known, new = make_dataset(super_admin), make_dataset(super_admin)
    fill(SAMPLES, dataset=known.id, person=super_admin.id, count=2_000)
    fill(SAMPLES, analyze=False, dataset=new.id, person=super_admin.id, count=MOST_COUNTED + 2_000)
    with transaction() as session:
        total = counted(session, select(TrainingSample).where(TrainingSample.dataset_id == new.id))
    assert not total.is_exact
    assert total.rows > MOST_COUNTED


def test_estimate_is_never_less_than_what_is_shown(super_admin: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        make_dataset(super_admin)
    monkeypatch.setattr(counting, "EXACT_COST", 0.0)
    with transaction() as session:
        session.execute(text("ANALYZE"))  # type: ignore[deprecated]
        page = datasets.list_datasets(session, super_admin.actor, DatasetFilter(environment="dev"), None, 3)
    assert not page.total_is_exact
    assert page.total >= 4
