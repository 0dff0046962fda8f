"""Every limit of a plan: what counts, when the month begins anew, whom it binds, and that no race gets past it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import select

from app.domain.machines import JobStatus, ModelVersionStatus
from app.domain.permissions import PersonActor, Plan, Role, SystemActor
from app.domain.quotas import month_of
from app.errors import Forbidden, Invalid, NotFound, QuotaExceeded, Unauthenticated
from app.infra.db import transaction
from app.infra.object_store import get_object_store
from app.schemas.plans import UsageView
from app.schemas.samples import SamplesCreate
from app.schemas.training_jobs import TrainingJobCreate
from app.schemas.uploads import UploadRequest
from app.services import model_versions, sample_uploads, training_jobs, upload_folders, usage
from app.services.files import ReceivedFile
from app.tables import AiModelVersion, AuditEvent, Organization, TrainingDataset, TrainingJob
from app.tables.base import utcnow
from tests.support.people import Person, make_organization
from tests.support.plans import make_trainable, set_limits
from tests.support.records import make_dataset, make_job, make_version
from tests.support.trust import Trusted
from tests.support.waiting import together

GIGABYTE = 1_000_000_000


@pytest.fixture
def organization(database: str) -> int:
    return make_organization("Acme Ltd", Plan.ENTERPRISE)


@pytest.fixture
def trainable(super_admin: Person, second_admin: Person, organization: int) -> UUID:
    return make_trainable(super_admin, second_admin, organization)[0]


def create_job(person: Person, dataset_id: UUID) -> UUID:
    with transaction() as session:
        return training_jobs.create(session, person.actor, TrainingJobCreate(name="train", dataset_id=dataset_id)).id


def register(person: Person, dataset_id: UUID, *sizes: int) -> None:
    """Files of these sizes, as if they had been received."""
    files = [ReceivedFile(f"s3://nowhere/{uuid4()}.png", size, uuid4().hex * 2, 8, 8) for size in sizes]
    request = SamplesCreate(samples=[{"upload_key": f"uploads/{dataset_id}/{uuid4()}/0"} for _ in files])
    with transaction() as session:
        sample_uploads.create(session, person.actor, dataset_id, request, files)


def release(person: Person, version_id: UUID) -> None:
    with transaction() as session:
        model_versions.release(session, person.actor, version_id)


def usage_of(person: Person, organization_id: int | None = None, now: datetime | None = None) -> UsageView:
    with transaction() as session:
        return usage.show(session, person.actor, organization_id, now)


def refusal_of(action: Callable[[], object]) -> QuotaExceeded:
    with pytest.raises(QuotaExceeded) as caught:
        action()
    return caught.value


def make_jobs(person: Person, dataset_id: UUID, status: JobStatus, count: int, created_at: datetime) -> None:
    with transaction() as session:
        dataset = session.get_one(TrainingDataset, dataset_id)
    for _ in range(count):
        started = created_at if status is JobStatus.RUNNING else None
        make_job(person, dataset, status, created_at=created_at, started_at=started)


def test_eleventh_job_of_a_month_is_refused_and_leaves_nothing(
    super_admin: Person, trainable: UUID, organization: int
) -> None:
    for _ in range(10):
        create_job(super_admin, trainable)
    refusal = refusal_of(lambda: create_job(super_admin, trainable))
    assert "Acme Ltd has used 10 of the 10 training jobs" in refusal.message
    shown = usage_of(super_admin, organization).training_jobs
    assert (shown.used, shown.allowed, shown.level) == (10, 10, "reached")
    assert refusal.fields["resets_at"] == shown.resets_at.isoformat().replace("+00:00", "Z")
    with transaction() as session:
        assert len(session.exec(select(TrainingJob)).all()) == 10
        assert len(session.exec(select(AuditEvent).where(AuditEvent.action == "training_job.create")).all()) == 10


def test_month_begins_anew_on_its_first_moment_in_utc(super_admin: Person, trainable: UUID, organization: int) -> None:
    december = datetime(2026, 12, 1, tzinfo=UTC)
    last_moment = december - timedelta(microseconds=1)
    make_jobs(super_admin, trainable, JobStatus.QUEUED, 10, last_moment)
    november = usage_of(super_admin, organization, last_moment).training_jobs
    assert (november.used, november.resets_at) == (10, december)
    anew = usage_of(super_admin, organization, december).training_jobs
    assert (anew.used, anew.resets_at) == (0, datetime(2027, 1, 1, tzinfo=UTC))
    with transaction() as session:
        refusal_of(lambda: usage.check_training_job(session, organization, last_moment))
        usage.check_training_job(session, organization, december)


def test_job_is_counted_in_the_month_of_its_creation(super_admin: Person, trainable: UUID, organization: int) -> None:
    month = month_of(utcnow())
    make_jobs(super_admin, trainable, JobStatus.RUNNING, 10, month.begins - timedelta(seconds=1))
    job = create_job(super_admin, trainable)
    with transaction() as session:
        assert month.begins <= session.get_one(TrainingJob, job).created_at < month.ends
    assert usage_of(super_admin, organization).training_jobs.used == 1


def test_job_cancelled_before_a_worker_took_it_frees_its_place(super_admin: Person, trainable: UUID) -> None:
    jobs = [create_job(super_admin, trainable) for _ in range(10)]
    with transaction() as session:
        training_jobs.cancel(session, super_admin.actor, jobs[3])
    create_job(super_admin, trainable)
    refusal_of(lambda: create_job(super_admin, trainable))


def test_job_that_a_worker_took_counts_however_it_ended(
    super_admin: Person, trainable: UUID, organization: int
) -> None:
    with transaction() as session:
        dataset = session.get_one(TrainingDataset, trainable)
    now = utcnow()
    make_job(super_admin, dataset, JobStatus.CANCELLED, started_at=now, completed_at=now)
    make_job(super_admin, dataset, JobStatus.FAILED, completed_at=now)
    make_job(super_admin, dataset, JobStatus.CANCELLED, completed_at=now)
    assert usage_of(super_admin, organization).training_jobs.used == 2


def test_plan_without_custom_training_refuses_it_before_counting(
    super_admin: Person, second_admin: Person, professional_admin: Person
) -> None:
    (dataset,) = make_trainable(super_admin, second_admin, professional_admin.organization_id)
    assert refusal_of(lambda: create_job(super_admin, dataset)).fields["limit"] == "custom_training"
    set_limits(Plan.PROFESSIONAL, training_jobs_per_month=3)
    assert refusal_of(lambda: create_job(super_admin, dataset)).fields["limit"] == "custom_training"
    set_limits(Plan.PROFESSIONAL, custom_training=True)
    create_job(super_admin, dataset)


def test_datasets_of_an_organization_share_one_size(super_admin: Person, organization: int) -> None:
    first = make_dataset(super_admin, organization_id=organization, size_bytes=6 * GIGABYTE)
    second = make_dataset(super_admin, organization_id=organization, size_bytes=4 * GIGABYTE - 100)
    refusal = refusal_of(lambda: register(super_admin, second.id, 60, 41))
    assert (refusal.fields["limit"], refusal.fields["used"]) == ("dataset_bytes", 10 * GIGABYTE - 100)
    register(super_admin, second.id, 60, 40)
    shown = usage_of(super_admin, organization).dataset_bytes
    assert (shown.used, shown.allowed, shown.level) == (10 * GIGABYTE, 10 * GIGABYTE, "reached")
    refusal_of(lambda: register(super_admin, first.id, 1))


def test_full_organization_is_told_before_it_uploads(super_admin: Person, organization: int) -> None:
    make_dataset(super_admin, organization_id=organization, size_bytes=10 * GIGABYTE - 1)
    empty = make_dataset(super_admin, organization_id=organization)

    def open_places() -> None:
        with transaction() as session:
            upload_folders.open_uploads(
                session, super_admin.actor, empty.id, UploadRequest(count=1), get_object_store()
            )

    def may_create() -> None:
        with transaction() as session:
            sample_uploads.may_create(session, super_admin.actor, empty.id)

    open_places()
    may_create()
    register(super_admin, empty.id, 1)
    assert refusal_of(open_places).fields["limit"] == "dataset_bytes"
    assert refusal_of(may_create).fields["limit"] == "dataset_bytes"


def make_released(person: Person, count: int, organization_id: int, **columns: Any) -> list[AiModelVersion]:
    now = utcnow()
    released = {"status": ModelVersionStatus.RELEASED, "is_approved": True, "is_released": True, "released_at": now}
    approved = {"approved_by": person.id, "approved_at": now, **released, **columns}
    return [make_version(f"9.0.{n}", organization_id=organization_id, **approved) for n in range(count)]


def test_sixth_active_model_of_a_module_waits_until_one_is_deprecated(
    super_admin: Person, trusted: Trusted, organization: int
) -> None:
    active = make_released(super_admin, 5, organization)
    make_released(super_admin, 5, organization, ai_module="seals")
    make_released(super_admin, 5, make_organization("Another Ltd"))
    sixth = make_version("10.0.0", organization_id=organization)
    trusted.approve(super_admin, sixth.id)
    refusal = refusal_of(lambda: release(super_admin, sixth.id))
    assert (refusal.fields["used"], refusal.fields["ai_module"]) == (5, "meter_digits")
    with transaction() as session:
        assert session.get_one(AiModelVersion, sixth.id).status == "approved"
        model_versions.deprecate(session, super_admin.actor, active[0].id)
    release(super_admin, sixth.id)


def test_global_records_have_no_limits(super_admin: Person, second_admin: Person, trusted: Trusted) -> None:
    for plan in Plan:
        set_limits(plan, training_jobs_per_month=0, dataset_bytes=0, active_models_per_module=0, custom_training=False)
    (dataset,) = make_trainable(super_admin, second_admin, None)
    create_job(super_admin, dataset)
    register(super_admin, dataset, 5 * GIGABYTE // 2)
    trusted.release(super_admin, make_version("1.0.0").id)


def test_limit_that_is_null_is_no_limit(super_admin: Person, trainable: UUID, organization: int) -> None:
    set_limits(training_jobs_per_month=None, dataset_bytes=None, active_models_per_module=None)
    make_jobs(super_admin, trainable, JobStatus.RUNNING, 11, utcnow())
    create_job(super_admin, trainable)
    register(super_admin, trainable, 2 * GIGABYTE)
    shown = usage_of(super_admin, organization)
    assert [shown.training_jobs.level, shown.dataset_bytes.level] == ["unlimited"] * 2
    assert (shown.training_jobs.used, shown.training_jobs.allowed) == (12, None)


def test_one_organization_uses_nothing_of_another(super_admin: Person, trainable: UUID, second_admin: Person) -> None:
    other = make_organization("Another Ltd")
    (theirs,) = make_trainable(super_admin, second_admin, other)
    for _ in range(10):
        create_job(super_admin, theirs)
    create_job(super_admin, trainable)
    refusal_of(lambda: create_job(super_admin, theirs))


def test_usage_shows_every_module_those_with_most_released_first(super_admin: Person, organization: int) -> None:
    make_version("1.0.0", organization_id=organization, ai_module="drafts")
    make_released(super_admin, 4, organization)
    make_released(super_admin, 1, organization, ai_module="seals")
    shown = usage_of(super_admin, organization)
    found = [(model.ai_module, model.used, model.allowed, model.level) for model in shown.active_models]
    assert found == [("meter_digits", 4, 5, "near"), ("seals", 1, 5, "free"), ("drafts", 0, 5, "free")]
    assert shown.more_modules == 0


def test_modules_beyond_the_bound_are_counted(
    super_admin: Person, organization: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage, "MODULES", 2)
    for module in ("a", "b", "c", "d", "e"):
        make_version("1.0.0", organization_id=organization, ai_module=module)
    shown = usage_of(super_admin, organization)
    assert ([model.ai_module for model in shown.active_models], shown.more_modules) == (["a", "b"], 3)


def test_usage_is_that_of_the_own_organization_and_of_no_other(
    super_admin: Person, enterprise_admin: Person, professional_admin: Person, organization: int
) -> None:
    assert usage_of(enterprise_admin).organization == "Enterprise Ltd"
    for wanted in (organization, 9_999):
        with pytest.raises(NotFound, match=f"no organization {wanted}"):
            usage_of(enterprise_admin, wanted)
    with pytest.raises(Forbidden, match="part of the Enterprise plan"):
        usage_of(professional_admin)
    with pytest.raises(Invalid, match="Say whose"):
        usage_of(super_admin)
    with pytest.raises(Unauthenticated), transaction() as session:
        usage.show(session, None)
    with pytest.raises(Invalid, match="Say whose"), transaction() as session:
        usage.show(session, SystemActor("test"))
    lost = PersonActor(1, "l@example.test", "L", Role.ORGANIZATION_ADMIN, None, Plan.ENTERPRISE)
    with pytest.raises(NotFound), transaction() as session:
        usage.show(session, lost, organization)


def test_twenty_at_once_for_the_last_job_are_one_job(
    super_admin: Person, second_admin: Person, trainable: UUID, organization: int
) -> None:
    """Each on a dataset of its own, so that only the organization's row stands between them."""
    datasets = make_trainable(super_admin, second_admin, organization, 20)
    make_jobs(super_admin, trainable, JobStatus.RUNNING, 9, utcnow())
    outcomes = together(*(lambda d=d: create_job(super_admin, d) for d in datasets))
    assert [type(outcome) for outcome in outcomes if not isinstance(outcome, UUID)] == [QuotaExceeded] * 19
    assert usage_of(super_admin, organization).training_jobs.used == 10


def test_files_registered_at_once_never_exceed_the_size(super_admin: Person, organization: int) -> None:
    set_limits(dataset_bytes=350)
    datasets = [make_dataset(super_admin, organization_id=organization).id for _ in range(8)]
    outcomes = together(*(lambda d=d: register(super_admin, d, 60, 40) for d in datasets))
    assert [outcome for outcome in outcomes if outcome is None] == [None] * 3
    assert {type(outcome) for outcome in outcomes if outcome is not None} == {QuotaExceeded}
    assert usage_of(super_admin, organization).dataset_bytes.used == 300


def test_versions_released_at_once_never_exceed_the_number(
    super_admin: Person, trusted: Trusted, organization: int
) -> None:
    set_limits(active_models_per_module=2)
    make_released(super_admin, 1, organization)
    versions = [make_version(f"1.{n}.0", organization_id=organization).id for n in range(4)]
    for version in versions:
        trusted.approve(super_admin, version)
    outcomes = together(*(lambda v=v: release(super_admin, v) for v in versions))
    assert [type(outcome) for outcome in outcomes if outcome is not None] == [QuotaExceeded] * 3
    (models,) = usage_of(super_admin, organization).active_models
    assert models.used == 2


def test_downgrade_waits_for_a_job_that_is_being_counted_and_binds_the_next(
    super_admin: Person, trainable: UUID, organization: int
) -> None:
    """The change of plan and the check take the same lock: there is no job that neither plan admitted."""
    with transaction() as counting:
        usage.check_training_job(counting, organization, utcnow())
        with transaction() as other:
            held = select(Organization.id).where(Organization.id == organization)
            free = other.exec(held.with_for_update(key_share=True, skip_locked=True)).all()
            assert free == []
            assert other.exec(held.with_for_update(read=True, key_share=True)).all() == [organization]
    with transaction() as session:
        session.get_one(Organization, organization).plan = Plan.PROFESSIONAL
    assert refusal_of(lambda: create_job(super_admin, trainable)).fields["limit"] == "custom_training"
