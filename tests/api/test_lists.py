"""The contract of lists over REST: an order to choose, filters that narrow, a total, and cursors that fit."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from starlette.testclient import TestClient

from app.domain.dataset_versions import Scope
from app.domain.machines import DatasetStatus, DeploymentStatus, JobStatus, ModelVersionStatus
from app.domain.permissions import Plan, Role
from app.infra.db import transaction
from app.schemas.dataset_versions import VersionCommit
from app.services import version_commits
from app.settings import get_settings
from app.tables import AiModelVersion, EdgeServer, ModelDeployment, Rollout, TrainingJob, TrainingSample
from app.tables.base import utcnow
from tests.support.people import Person, make_organization, make_person
from tests.support.records import make_dataset, make_edge, make_job, make_samples, make_version
from tests.support.world import API

AsPerson = Callable[..., TestClient]
LISTS = ("datasets", "jobs", "models", "deployments", "edge-servers")
PATHS = {
    **{name: f"{API}/{name}" for name in LISTS},
    "users": "/api/v1/users",
    "organizations": "/api/v1/organizations",
}


def ok(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


def set_columns(table: Any, row_id: Any, **columns: Any) -> None:
    with transaction() as session:
        row = session.get_one(table, row_id)
        row.sqlmodel_update(columns)
        session.add(row)


def make_deployment(owner: Person, version: AiModelVersion, edge: EdgeServer, status: DeploymentStatus) -> Any:
    rollout = Rollout(model_version_id=version.id, kind="single", target_count=1, created_by=owner.id)
    with transaction() as session:
        session.add(rollout)
        session.flush()
        row = ModelDeployment(
            rollout_id=rollout.id,
            model_version_id=version.id,
            ai_module=version.ai_module,
            edge_server_id=edge.id,
            status=status,
            error_message="It broke." if status == DeploymentStatus.FAILED else None,
        )
        session.add(row)
    return row.id


@pytest.fixture
def pairs(super_admin: Person, second_admin: Person) -> dict[str, tuple[Any, Any, dict[str, Any]]]:
    """Per list: the record that each filter finds, the one that it does not, and a value for every filter."""
    organization = make_organization("Ants Ltd", Plan.ENTERPRISE)
    make_organization("Bees Ltd", Plan.PROFESSIONAL)
    early, late = utcnow() - timedelta(days=9), utcnow() - timedelta(days=3)
    between = (utcnow() - timedelta(days=6)).isoformat()
    found = make_dataset(
        super_admin, organization_id=organization, name="Ants", ai_module="ants", environment="production"
    )
    other = make_dataset(super_admin, name="Bees", status=DatasetStatus.DRAFT)
    sample, second = make_samples(found, 2, super_admin, second_admin)
    camera, look = uuid4(), uuid4()
    belongs = {"source_camera_id": camera, "near_group": look, "video_id": second}
    gone = {"withdrawn_at": late, "withdrawn_by": super_admin.id, "withdrawal_reason": "asked for"}
    known = {"extra": {"split": "test", "lamp": "infrared", "file_name": "night/valve 7.png"}, "quality_score": 0.9}
    made = {"captured_at": late, "created_at": late, "file_size": 500, "labels": {"class": "one"}}
    set_columns(TrainingSample, sample, **made, **belongs, **gone, **known)
    unverified = {"labeled_by": second_admin.id, "is_verified": False, "verified_by": None}
    old = {
        "captured_at": early,
        "created_at": early,
        "file_type": "video",
        "quality_score": 0.1,
        "labels": {"class": "zero"},
    }
    set_columns(TrainingSample, second, **old, **unverified)
    job, other_job = make_job(second_admin, found, JobStatus.RUNNING), make_job(super_admin, other, JobStatus.FAILED)
    with transaction() as session:
        frozen = version_commits.create(session, super_admin.actor, found.id, VersionCommit(scope=Scope.ALL)).id
    set_columns(TrainingJob, job.id, dataset_version_id=frozen)
    version = make_version(
        organization_id=organization,
        ai_module="ants",
        training_job_id=job.id,
        status=ModelVersionStatus.APPROVED,
        is_approved=True,
        approved_by=super_admin.id,
        approved_at=late,
    )
    other_version = make_version("2.0.0")
    edge = make_edge(super_admin, "ants", organization_id=organization, site="Anthill", last_heartbeat_at=utcnow())
    other_edge = make_edge(super_admin, "bees", revoked_at=late, public_key=None, enrolled_at=None)
    deployment = make_deployment(super_admin, version, edge, DeploymentStatus.PENDING)
    other_deployment = make_deployment(super_admin, other_version, other_edge, DeploymentStatus.FAILED)
    person = make_person("Anna Ant", Role.ORGANIZATION_ADMIN, organization_id=organization)
    stranger = make_person("Ben Bee", Role.MEMBER, active=False)
    for table, rows in ((TrainingJob, (job.id, other_job.id)), (ModelDeployment, (deployment, other_deployment))):
        for row_id, moment in zip(rows, (late, early), strict=True):
            set_columns(table, row_id, created_at=moment)
    since = {"since": between, "until": utcnow().isoformat()}
    return {
        "datasets": (
            found.id,
            other.id,
            {"q": "aN", "ai_module": "ants", "status": "active", "environment": "production",
             "organization_id": organization},
        ),
        f"datasets/{found.id}/samples": (
            sample,
            second,
            {"status": "verified", "label": "one", "labeled_by": super_admin.id, "verified_by": second_admin.id,
             "file_type": "image", "captured_since": between, "captured_until": since["until"],
             "created_since": between, "created_until": since["until"], "reviewed": True, "size_min": 300,
             "size_max": 300, "quality_min": 0.5, "quality_max": 0.5, "source_camera_id": camera, "near_group": look,
             "near_duplicates": True, "video_id": second, "withdrawn": True, "split": "test",
             "metadata": "lamp=infrared", "q": "VALV"},
        ),
        "jobs": (
            job.id,
            other_job.id,
            {"status": "running", "ai_module": "ants", "dataset_id": found.id, "organization_id": organization,
             "created_by": second_admin.id, "dataset_version_id": frozen, **since},
        ),
        "models": (
            version.id,
            other_version.id,
            {"ai_module": "ants", "status": "approved", "organization_id": organization, "is_approved": True,
             "training_job_id": job.id},
        ),
        "deployments": (
            deployment,
            other_deployment,
            {"status": "pending", "edge_server_id": edge.id, "model_version_id": version.id, "ai_module": "ants",
             **since},
        ),
        "edge-servers": (
            edge.id,
            other_edge.id,
            {"organization_id": organization, "site": "Anthill", "health": "ok", "enrolled": True, "revoked": False},
        ),
        "users": (
            person.id,
            stranger.id,
            {"q": "ANNA", "role": "organization_admin", "organization_id": organization},
        ),
    }  # fmt: skip


def path_of(name: str) -> str:
    return PATHS.get(name, f"{API}/{name}")


def parameters(client: TestClient, name: str) -> dict[str, Any]:
    """The query parameters of a list, as the API describes them."""
    document = client.get("/api/v1/openapi.json").json()
    path = path_of(name).removeprefix(document["servers"][0]["url"])
    if "/samples" in path:
        path = "/training/datasets/{dataset_id}/samples"
    return {p["name"]: p["schema"] for p in document["paths"][path]["get"]["parameters"] if p["in"] == "query"}


def test_every_filter_of_every_list_finds_what_fits_and_nothing_else(
    admin: TestClient, pairs: dict[str, tuple[Any, Any, dict[str, Any]]]
) -> None:
    for name, (found, other, filters) in pairs.items():
        for field, value in filters.items():
            if field.endswith("until"):
                value = filters[field.replace("until", "since")]
            page = ok(admin.get(path_of(name), params={field: str(value)}))
            ids = [item["id"] for item in page["items"]]
            # What was captured or made until the moment between, or is less than what lies between, is the other one.
            wanted, unwanted = (other, found) if field.endswith(("until", "_max")) else (found, other)
            assert str(wanted) in map(str, ids), f"{name}?{field}={value}"
            assert str(unwanted) not in map(str, ids), f"{name}?{field}={value}"
            assert (page["total"], page["total_is_exact"]) == (len(ids), True)


def test_no_filter_is_untested(admin: TestClient, pairs: dict[str, tuple[Any, Any, dict[str, Any]]]) -> None:
    known = {"sort", "cursor", "limit", "position"}
    for name, (_, _, filters) in pairs.items():
        left = set(parameters(admin, name)) - known - set(filters)
        assert left == ({"is_active"} if name == "users" else set()), name


def test_people_and_organizations_are_filtered(admin: TestClient, pairs: dict[str, Any]) -> None:
    inactive = ok(admin.get(PATHS["users"], params={"is_active": "false"}))
    assert [item["name"] for item in inactive["items"]] == ["Ben Bee"]
    by_address = ok(admin.get(PATHS["users"], params={"q": "ben.bee@EX"}))
    assert [item["name"] for item in by_address["items"]] == ["Ben Bee"]
    for params in ({"q": "bEES"}, {"plan": "professional"}):
        page = ok(admin.get(PATHS["organizations"], params=params))
        assert [item["name"] for item in page["items"]] == ["Bees Ltd"]


@pytest.mark.parametrize(
    ("health", "age"), [("ok", 0), ("ok", 3), ("late", 4), ("late", 11), ("offline", 13), ("never", None)]
)
def test_edge_servers_are_found_by_how_they_are(
    admin: TestClient, super_admin: Person, health: str, age: int | None
) -> None:
    seconds = get_settings().heartbeat_interval_seconds
    beat = None if age is None else utcnow() - timedelta(seconds=age * seconds - 1)
    edge = make_edge(super_admin, last_heartbeat_at=beat)
    for asked in ("ok", "late", "offline", "never"):
        page = ok(admin.get(PATHS["edge-servers"], params={"health": asked}))
        assert [(item["id"], item["health"]) for item in page["items"]] == (
            [(edge.id, health)] if asked == health else []
        )


@pytest.mark.parametrize("name", [*PATHS, "samples"])
def test_every_sort_of_every_list_orders_it_over_its_pages(
    admin: TestClient, pairs: dict[str, tuple[Any, Any, dict[str, Any]]], name: str
) -> None:
    name = next(path for path in [*pairs, "organizations"] if path.endswith(name))
    # Frames have an order inside their video only.
    sorts = [sort for sort in parameters(admin, name)["sort"]["enum"] if not sort.endswith("frame_ms")]
    assert len(sorts) >= 4
    for sort in sorts:
        items, params = [], {"sort": sort, "limit": 1}
        while True:
            page = ok(admin.get(path_of(name), params=params))
            items += page["items"]
            if page["next_cursor"] is None:
                break
            params["cursor"] = page["next_cursor"]
        column = sort.removeprefix("-")
        values = [_comparable(item[column]) for item in items]
        assert len(values) >= 2
        assert values == sorted(values, reverse=sort.startswith("-")), f"{name} by {sort}"


def _comparable(value: Any) -> Any:
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return value


def test_list_without_a_sort_begins_with_the_newest(admin: TestClient, super_admin: Person) -> None:
    first, second = make_dataset(super_admin), make_dataset(super_admin)
    items = ok(admin.get(PATHS["datasets"]))["items"]
    assert [item["id"] for item in items] == [str(second.id), str(first.id)]


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("query", ["sort=id", "sort=-password_hash", "sort=", "nothing=1", "q=", "cursor=x", "limit=0"])
def test_what_a_list_does_not_know_is_refused(admin: TestClient, name: str, query: str) -> None:
    answer = admin.get(f"{PATHS[name]}?{query}")
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_cursor_with_another_sort_says_so(admin: TestClient, super_admin: Person) -> None:
    for _ in range(2):
        make_dataset(super_admin)
    cursor = ok(admin.get(PATHS["datasets"], params={"limit": 1}))["next_cursor"]
    answer = admin.get(PATHS["datasets"], params={"cursor": cursor, "sort": "name"})
    assert answer.status_code == 422
    assert "another sort or filter" in answer.json()["detail"]


@pytest.mark.parametrize("name", ["datasets", "jobs", "models", "edge-servers"])
def test_filter_for_another_organization_finds_nothing_and_tells_nothing(
    as_person: AsPerson, super_admin: Person, enterprise_admin: Person, name: str
) -> None:
    other = make_organization("Another Ltd")
    dataset = make_dataset(super_admin, organization_id=other)
    make_job(super_admin, dataset, JobStatus.QUEUED)
    make_version(organization_id=other)
    make_edge(super_admin, organization_id=other)
    caller = as_person(enterprise_admin)
    nobody = other + 1
    answers = [ok(caller.get(PATHS[name], params={"organization_id": asked})) for asked in (other, nobody)]
    assert answers[0] == answers[1] == {"items": [], "next_cursor": None, "total": 0, "total_is_exact": True}


def test_deployments_of_a_version_are_sorted_and_filtered(admin: TestClient, super_admin: Person) -> None:
    version = make_version()
    edges = [make_edge(super_admin) for _ in range(2)]
    made = [make_deployment(super_admin, version, edge, DeploymentStatus.FAILED) for edge in edges]
    path = f"{API}/models/{version.id}/deployments"
    oldest = ok(admin.get(path, params={"sort": "created_at"}))
    assert [item["id"] for item in oldest["items"]] == [str(one) for one in made]
    one = ok(admin.get(path, params={"edge_server_id": edges[1].id, "status": "failed"}))
    assert [item["id"] for item in one["items"]] == [str(made[1])]
    assert admin.get(path, params={"model_version_id": str(version.id)}).status_code == 422
