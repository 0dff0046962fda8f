"""Usage and plans over REST: whose usage is shown to whom, what a refusal carries, and twenty callers at once."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from starlette.testclient import TestClient

from app.domain.machines import JobStatus
from app.domain.permissions import Plan
from app.domain.quotas import month_of
from app.infra.db import transaction
from app.tables import TrainingDataset
from tests.support.images import png, upload
from tests.support.people import Person, make_organization
from tests.support.plans import make_trainable, set_limits
from tests.support.records import make_dataset, make_job, make_version
from tests.support.waiting import together
from tests.support.world import API

AsPerson = Callable[..., TestClient]
USAGE, PLANS = f"{API}/usage", "/api/v1/plans"
LIMITS = {
    "training_jobs_per_month": 12,
    "dataset_bytes": None,
    "active_models_per_module": 5,
    "custom_training": True,
}


def of_organization(organization_id: int | None) -> str:
    return f"/api/v1/organizations/{organization_id}/usage"


def start(caller: TestClient, dataset_id: UUID) -> httpx.Response:
    return caller.post(f"{API}/jobs", json={"name": "train", "dataset_id": str(dataset_id)})


def test_organization_admin_sees_the_own_usage(
    as_person: AsPerson, enterprise_admin: Person, super_admin: Person
) -> None:
    own = enterprise_admin.organization_id
    dataset = make_dataset(super_admin, organization_id=own, size_bytes=8_500_000_000)
    make_job(super_admin, dataset, JobStatus.QUEUED)
    make_version(organization_id=own)
    make_job(super_admin, make_dataset(super_admin), JobStatus.QUEUED)  # global: nobody's usage
    caller = as_person(enterprise_admin, "read")
    shown: dict[str, Any] = caller.get(USAGE).json()
    resets_at = shown["training_jobs"].pop("resets_at")
    assert datetime.fromisoformat(resets_at) == month_of(datetime.now(UTC)).ends
    assert resets_at.endswith("T00:00:00Z")
    assert shown == {
        "organization_id": own,
        "organization": "Enterprise Ltd",
        "plan": "enterprise",
        "custom_training": True,
        "training_jobs": {"used": 1, "allowed": 10, "level": "free"},
        "dataset_bytes": {"used": 8_500_000_000, "allowed": 10_000_000_000, "level": "near"},
        "active_models_allowed": 5,
        "active_models": [{"ai_module": "meter_digits", "used": 0, "allowed": 5, "level": "free"}],
        "more_modules": 0,
    }
    assert caller.get(USAGE, params={"organization_id": own}).json()["organization"] == "Enterprise Ltd"


def test_usage_of_others_does_not_exist_for_an_organization_admin(
    as_person: AsPerson, enterprise_admin: Person, professional_admin: Person, client: TestClient
) -> None:
    caller = as_person(enterprise_admin)
    other, nobody = professional_admin.organization_id, 9_999
    answers = [caller.get(USAGE, params={"organization_id": wanted}) for wanted in (other, nobody)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json()["detail"].replace(str(other), str(nobody)) == answers[1].json()["detail"]
    refused = [caller.get(of_organization(enterprise_admin.organization_id)), caller.get(PLANS)]
    refused.append(caller.get(f"{PLANS}/enterprise"))
    refused.append(caller.put(f"{PLANS}/enterprise", json=LIMITS))
    assert [answer.status_code for answer in refused] == [403] * 4
    closed = as_person(professional_admin).get(USAGE)
    assert (closed.status_code, "Enterprise plan" in closed.json()["detail"]) == (403, True)
    assert client.get(USAGE).status_code == client.get(PLANS).status_code == 401


def test_super_admin_names_an_organization(admin: TestClient, enterprise_admin: Person) -> None:
    own = enterprise_admin.organization_id
    shown = admin.get(of_organization(own))
    assert shown.status_code == 200
    assert admin.get(USAGE, params={"organization_id": own}).json() == shown.json()
    unnamed = admin.get(USAGE)
    assert (unnamed.status_code, unnamed.json()["field"]) == (422, "organization_id")
    assert admin.get(of_organization(9_999)).status_code == 404
    for bad in (0, -1, 2**31, "x"):
        assert admin.get(of_organization(bad)).status_code == 422  # type: ignore[arg-type]
        assert admin.get(USAGE, params={"organization_id": bad}).status_code == 422


def test_limits_are_listed_and_changed_as_a_whole(admin: TestClient) -> None:
    listed = {plan["plan"]: plan for plan in admin.get(PLANS).json()}
    assert (listed["enterprise"]["dataset_bytes"], listed["professional"]["custom_training"]) == (10**10, False)
    changed = admin.put(f"{PLANS}/enterprise", json=LIMITS)
    assert changed.status_code == 200, changed.text
    assert {name: changed.json()[name] for name in LIMITS} == LIMITS
    assert {plan["plan"]: plan for plan in admin.get(PLANS).json()}["enterprise"] == changed.json()


def test_update_from_an_older_state_is_refused_with_the_present_tag(admin: TestClient) -> None:
    seen = admin.get(f"{PLANS}/enterprise")
    tag = {"If-Match": seen.headers["etag"]}
    first = admin.put(f"{PLANS}/enterprise", json=LIMITS, headers=tag)
    assert first.status_code == 200
    second = admin.put(f"{PLANS}/enterprise", json={**LIMITS, "custom_training": False}, headers=tag)
    assert (second.status_code, second.json()["etag"]) == (412, first.headers["etag"])
    assert admin.get(f"{PLANS}/enterprise").json() == first.json()
    assert admin.get(f"{PLANS}/professional").headers["etag"] != first.headers["etag"]


BAD_LIMITS: list[dict[str, Any]] = [
    {"training_jobs_per_month": -1},
    {"training_jobs_per_month": 1.5},
    {"training_jobs_per_month": 10**9},
    {"dataset_bytes": -1},
    {"dataset_bytes": 10**30},
    {"active_models_per_module": "many"},
    {"custom_training": None},
    {"price": 3},
]


def test_limits_that_are_none_are_refused_and_nothing_changes(admin: TestClient) -> None:
    before = admin.get(PLANS).json()
    for fault in BAD_LIMITS:
        answer = admin.put(f"{PLANS}/enterprise", json={**LIMITS, **fault})
        assert answer.status_code == 422, (fault, answer.text)
        assert next(iter(fault)) in answer.json()["detail"]
    for missing in LIMITS:
        partial = {name: value for name, value in LIMITS.items() if name != missing}
        assert admin.put(f"{PLANS}/enterprise", json=partial).status_code == 422, missing
    assert admin.put(f"{PLANS}/premium", json=LIMITS).status_code == 422
    assert admin.get(PLANS).json() == before


def test_refusal_carries_the_limit_what_is_used_and_when_it_begins_anew(
    admin: TestClient, super_admin: Person, second_admin: Person, enterprise_admin: Person
) -> None:
    (dataset,) = make_trainable(super_admin, second_admin, enterprise_admin.organization_id)
    set_limits(training_jobs_per_month=1)
    assert start(admin, dataset).status_code == 201
    refused = start(admin, dataset)
    problem = refused.json()
    assert (refused.status_code, problem["type"]) == (403, "https://trainyard.dev/problems/quota-exceeded")
    assert refused.headers["content-type"] == "application/problem+json"
    assert (problem["limit"], problem["used"], problem["allowed"]) == ("training_jobs_per_month", 1, 1)
    assert datetime.fromisoformat(problem["resets_at"]) == month_of(datetime.now(UTC)).ends
    assert "Enterprise Ltd has used 1 of the 1 training jobs" in problem["detail"]


def test_file_that_does_not_fit_is_refused_and_can_be_registered_once_there_is_room(
    admin: TestClient, super_admin: Person, enterprise_admin: Person
) -> None:
    dataset = make_dataset(super_admin, organization_id=enterprise_admin.organization_id)
    set_limits(dataset_bytes=len(png(1)) + 1)
    first, second = upload(admin, dataset.id, [png(1), png(2)])
    path = f"{API}/datasets/{dataset.id}/samples"
    assert admin.post(path, json={"samples": [{"upload_key": first}, {"upload_key": second}]}).status_code == 403
    assert admin.get(f"{API}/datasets/{dataset.id}").json()["size_bytes"] == 0
    assert admin.post(path, json={"samples": [{"upload_key": first}]}).status_code == 201
    refused = admin.post(path, json={"samples": [{"upload_key": second}]})
    assert (refused.status_code, refused.json()["limit"]) == (403, "dataset_bytes")
    set_limits(dataset_bytes=None)
    assert admin.post(path, json={"samples": [{"upload_key": second}]}).status_code == 201


def test_organization_on_professional_gets_no_files_and_no_jobs(
    admin: TestClient, super_admin: Person, second_admin: Person
) -> None:
    basic = make_organization("Basic Ltd", Plan.PROFESSIONAL)
    (dataset,) = make_trainable(super_admin, second_admin, basic)
    answers = [start(admin, dataset), admin.post(f"{API}/datasets/{dataset}/uploads", json={"count": 1})]
    assert [(answer.status_code, answer.json()["limit"]) for answer in answers] == [
        (403, "custom_training"),
        (403, "dataset_bytes"),
    ]


@pytest.mark.parametrize("same_dataset", [False, True], ids=["20 datasets", "one dataset"])
def test_twenty_callers_at_once_for_the_tenth_job_make_exactly_one(
    as_person: AsPerson, super_admin: Person, second_admin: Person, enterprise_admin: Person, same_dataset: bool
) -> None:
    own = enterprise_admin.organization_id
    datasets = make_trainable(super_admin, second_admin, own, 1 if same_dataset else 20) * (20 if same_dataset else 1)
    with transaction() as session:
        first = session.get_one(TrainingDataset, datasets[0])
    for _ in range(9):
        make_job(super_admin, first, JobStatus.QUEUED)
    callers = [as_person(super_admin) for _ in datasets]
    answers = together(*(lambda c=c, d=d: start(c, d) for c, d in zip(callers, datasets, strict=True)))
    codes = sorted(answer.status_code for answer in answers if isinstance(answer, httpx.Response))
    assert codes == [201] + [403] * 19
    assert as_person(enterprise_admin).get(USAGE).json()["training_jobs"]["used"] == 10
