"""From a training loop to the database: what a checkpoint may rely on."""

import pytest
from sqlmodel import col, select

from app.domain.machines import JobStatus
from app.domain.permissions import SystemActor
from app.infra.db import transaction
from app.services import job_runs
from app.tables import MetricPoint
from tests.support.people import Person
from tests.support.records import make_dataset, make_job
from workers import reporting
from workers.reporting import JobReporter


def test_what_was_told_before_a_checkpoint_is_stored_before_it(
    super_admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporting, "FLUSH_SECONDS", 3600)
    monkeypatch.setattr(reporting, "SETTLE_SECONDS", 60)
    job = make_job(super_admin, make_dataset(super_admin), JobStatus.QUEUED).id
    with transaction() as session:
        job_runs.begin(session, SystemActor("worker"), job, 1)
    with JobReporter(job, 1) as reporter:
        for step in (1, 2, 3):
            reporter.metric("val_loss", step, step, 0.5)
            reporter.settle()
            with transaction() as session:
                points = session.exec(select(MetricPoint.step).where(col(MetricPoint.job_id) == job)).all()
            assert sorted(points) == list(range(1, step + 1))
