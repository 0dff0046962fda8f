"""What a sample has touched, and that nothing is trained on a version which holds a withdrawn one."""

from uuid import UUID, uuid4

import pytest

from app.domain.machines import DeploymentStatus, JobStatus
from app.domain.permissions import SystemActor
from app.errors import Conflict, Invalid, NotFound
from app.infra.db import transaction
from app.schemas.training_jobs import TrainingJobCreate
from app.schemas.withdrawals import SampleWithdraw
from app.services import job_datasets, job_runs, samples, training_jobs, withdrawals
from app.tables import ModelDeployment, Rollout, TrainingDataset
from tests.support.people import Person
from tests.support.records import make_dataset, make_edge, make_job, make_samples, make_version
from tests.support.versions import change, commit

WORKER = SystemActor("worker")


@pytest.fixture
def dataset(super_admin: Person) -> TrainingDataset:
    return make_dataset(super_admin)


def withdraw(person: Person, dataset: TrainingDataset, which: UUID) -> None:
    with transaction() as session:
        withdrawals.withdraw(session, person.actor, dataset.id, which, SampleWithdraw(reason="No consent"))


def impact(person: Person, dataset: TrainingDataset, which: UUID) -> withdrawals.Impact:
    with transaction() as session:
        return withdrawals.impact(session, person.actor, dataset.id, which)


def start(person: Person, dataset: TrainingDataset, version: UUID | None) -> UUID:
    with transaction() as session:
        request = TrainingJobCreate(name="train", dataset_id=dataset.id, dataset_version=version)
        return training_jobs.create(session, person.actor, request).id


def test_everything_that_a_sample_touched_is_listed(
    super_admin: Person, second_admin: Person, dataset: TrainingDataset
) -> None:
    ids = make_samples(dataset, 20, super_admin, second_admin)
    first = commit(super_admin, dataset)
    withdraw(super_admin, dataset, ids[0])
    change(ids[1], labels={"class": "zero"})
    second = commit(super_admin, dataset)
    job = make_job(super_admin, dataset, JobStatus.QUEUED, dataset_version_id=first.id)
    make_job(super_admin, dataset, JobStatus.QUEUED, dataset_version_id=second.id)
    model = make_version("1.0.0", training_job_id=job.id)
    further = make_version("1.1.0", base_version_id=model.id)
    make_version("2.0.0")
    sent = make_edge(super_admin, "sent")
    runs = make_edge(super_admin, "runs", loaded=[{"model_version_id": str(further.id), "ai_module": "meter_digits"}])
    make_edge(super_admin, "other", loaded=[{"model_version_id": str(uuid4()), "ai_module": "meter_digits"}])
    rollout = Rollout(model_version_id=model.id, kind="single", target_count=1, created_by=super_admin.id)
    with transaction() as session:
        session.add(rollout)
        session.flush()
        session.add(
            ModelDeployment(
                rollout_id=rollout.id, model_version_id=model.id, ai_module=model.ai_module, edge_server_id=sent.id,
                status=DeploymentStatus.COMPLETED,
            )
        )  # fmt: skip
    found = impact(super_admin, dataset, ids[0])
    assert [each.version for each in found.versions] == ["1.0.0"]
    assert [each.id for each in found.jobs] == [job.id]
    assert {each.version for each in found.models} == {"1.0.0", "1.1.0"}
    assert len(found.deployments) == 1
    assert {(each.name, each.runs_now) for each in found.edge_servers} == {("sent", False), ("runs", True)}
    assert runs.id in {each.id for each in found.edge_servers}
    assert found.withdrawal_reason == "No consent"
    both = impact(super_admin, dataset, ids[1])
    assert [each.version for each in both.versions] == ["1.0.0", second.version]
    with transaction() as session:
        samples.delete(session, super_admin.actor, dataset.id, ids[0])
    gone = impact(super_admin, dataset, ids[0])
    assert (gone.is_deleted, gone.withdrawal_reason, gone.jobs) == (True, "No consent", found.jobs)
    with pytest.raises(NotFound):
        impact(super_admin, dataset, uuid4())


def test_impact_shows_no_record_of_another_organization(
    super_admin: Person, second_admin: Person, enterprise_admin: Person, dataset: TrainingDataset
) -> None:
    ids = make_samples(dataset, 20, super_admin, second_admin)
    first = commit(super_admin, dataset)
    own = enterprise_admin.actor.organization_id
    make_job(super_admin, dataset, JobStatus.QUEUED, dataset_version_id=first.id)
    hidden = make_dataset(super_admin, organization_id=own)
    assert impact(enterprise_admin, dataset, ids[0]).versions[0].version == "1.0.0"
    with transaction() as session:
        from app.tables import Organization, TrainingJob

        other = Organization(name="Other Ltd", plan="enterprise")
        session.add(other)
        session.flush()
        for job in session.query(TrainingJob).all():  # type: ignore[deprecated]
            job.organization_id = other.id
    assert impact(enterprise_admin, dataset, ids[0]).jobs == []
    assert len(impact(super_admin, dataset, ids[0]).jobs) == 1
    assert hidden.organization_id == own


def test_version_names_what_was_withdrawn_of_it_to_those_who_may_see_its_dataset(
    super_admin: Person, second_admin: Person, enterprise_admin: Person
) -> None:
    with transaction() as session:
        from app.tables import Organization

        other = Organization(name="Other Ltd", plan="enterprise")
        session.add(other)
        session.flush()
        owner = other.id
    dataset = make_dataset(super_admin, organization_id=owner)
    ids = make_samples(dataset, 25, super_admin, second_admin)
    first = commit(super_admin, dataset)
    for which in ids[:22]:
        withdraw(super_admin, dataset, which)
    with transaction() as session:
        found = withdrawals.used(session, super_admin.actor, first.id)
    assert (found.version, found.dataset_id, found.withdrawn_count) == ("1.0.0", dataset.id, 22)
    assert found.withdrawn == sorted(ids[:22])[:20]
    second = commit(super_admin, dataset)
    with transaction() as session:
        assert withdrawals.used(session, super_admin.actor, second.id).withdrawn == []
    with pytest.raises(NotFound, match="dataset"), transaction() as session:
        withdrawals.used(session, enterprise_admin.actor, first.id)


def test_version_with_a_withdrawn_sample_trains_nothing(
    super_admin: Person, second_admin: Person, dataset: TrainingDataset
) -> None:
    ids = make_samples(dataset, 40, super_admin, second_admin)
    first = commit(super_admin, dataset)
    job = start(super_admin, dataset, first.id)
    withdraw(super_admin, dataset, ids[0])
    with pytest.raises(Conflict, match="1 withdrawn sample"):
        start(super_admin, dataset, first.id)
    with transaction() as session:  # the one that waited is refused when it begins
        ticket = job_runs.begin(session, WORKER, job, 1)
    with pytest.raises(Conflict, match="withdrawn"), transaction() as session:
        job_datasets.freeze(session, WORKER, ticket)
    second = commit(super_admin, dataset)
    assert start(super_admin, dataset, second.id)


def test_job_trains_on_the_version_it_was_given(
    super_admin: Person, second_admin: Person, dataset: TrainingDataset
) -> None:
    ids = make_samples(dataset, 40, super_admin, second_admin)
    first = commit(super_admin, dataset)
    change(ids[0], labels={"class": "one"})
    job = start(super_admin, dataset, first.id)
    with transaction() as session:
        ticket = job_runs.begin(session, WORKER, job, 1)
        version = job_datasets.freeze(session, WORKER, ticket)
        frozen = job_datasets.frozen_samples(session, WORKER, version)
    assert version.version == "1.0.0"
    assert {each.sample_id: each.label for each in frozen}[str(ids[0])] == "zero"
    assert {each.split for each in frozen} == {"train", "validation", "test"}
    other = make_dataset(super_admin)
    make_samples(other, 40, super_admin, second_admin)
    with pytest.raises(Invalid, match="no version"):
        start(super_admin, other, first.id)


def test_job_without_a_version_freezes_what_is_verified_and_the_same_content_once(
    super_admin: Person, second_admin: Person, dataset: TrainingDataset
) -> None:
    make_samples(dataset, 40, super_admin, second_admin)
    made = []
    for _ in range(2):
        job = start(super_admin, dataset, None)
        with transaction() as session:
            ticket = job_runs.begin(session, WORKER, job, 1)
            made.append(job_datasets.freeze(session, WORKER, ticket).version)
    assert made == ["1.0.0", "1.0.0"]
