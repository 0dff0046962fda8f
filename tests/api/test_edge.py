"""What an edge gets and says: assignments, signed metadata, the bundle, progress; always and only about itself."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from app.infra.db import transaction
from app.tables import AiModelVersion, AuditEvent, EdgeServer, TufMetadata
from app.tables.base import utcnow
from tests.distribution.world import updater
from tests.support.edges import EdgeClient
from tests.support.people import Person
from tests.support.records import make_version
from tests.support.trust import Trusted
from tests.support.world import API


@pytest.fixture
def version(trusted: Trusted, super_admin: Person) -> AiModelVersion:
    """A released version."""
    made = make_version()
    trusted.release(super_admin, made.id)
    return made


def deploy(admin: TestClient, version: AiModelVersion, edge: EdgeClient) -> str:
    answer = admin.post(f"{API}/models/{version.id}/deploy", json={"edge_server_id": edge.id})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["deployments"][0]["id"])


def loaded(version: AiModelVersion) -> dict[str, Any]:
    return {
        "ai_module": version.ai_module,
        "version": version.version,
        "model_version_id": str(version.id),
        "bundle_sha256": version.bundle_sha256,
        "loaded_at": "2026-01-01T00:00:00Z",
    }


def test_enrolment_answers_with_identity_and_the_root_that_the_token_names(
    admin: TestClient, edge_client: EdgeClient
) -> None:
    created = admin.post(f"{API}/edge-servers", json={"name": "roof", "latitude": 48.1, "longitude": 11.5}).json()
    token = created["enrolment"]["token"]
    answer = EdgeClient(edge_client.http).enrol(token).json()
    assert (answer["name"], answer["organization_id"], answer["heartbeat_interval_seconds"]) == ("roof", None, 5)
    assert hashlib.sha256(answer["root"].encode()).hexdigest() == token.split("_")[3]
    shown = admin.get(f"{API}/edge-servers/{answer['edge_server_id']}").json()
    assert (shown["health"], shown["latitude"], shown["platform"]) == ("never", 48.1, "linux/x86_64")


def test_heartbeat_is_shown_and_answers_with_what_is_ordered(
    admin: TestClient, edge_client: EdgeClient, version: AiModelVersion
) -> None:
    assert edge_client.heartbeat().json()["assignments"] == []
    deployment = deploy(admin, version, edge_client)
    (assignment,) = edge_client.heartbeat(loaded(version), inference_count=7, last_error="hot").json()["assignments"]
    assert assignment == {
        "deployment_id": deployment,
        "ai_module": "meter_digits",
        "version": "1.0.0",
        "model_version_id": str(version.id),
        "target": "meter_digits/1.0.0/bundle.tar",
        "status": "pending",
    }
    shown = admin.get(f"{API}/edge-servers/{edge_client.id}").json()
    assert (shown["health"], shown["inference_count"], shown["last_error"]) == ("ok", 7, "hot")
    assert shown["loaded"][0]["bundle_sha256"] == version.bundle_sha256
    with transaction() as session:
        row = session.get_one(EdgeServer, edge_client.id)
        row.last_heartbeat_at = utcnow() - timedelta(minutes=5)
        session.add(row)
    assert admin.get(f"{API}/edge-servers/{edge_client.id}").json()["health"] == "offline"


def test_edge_downloads_what_is_ordered_for_it_and_python_tuf_verifies_it(
    admin: TestClient, edge_client: EdgeClient, version: AiModelVersion, tmp_path: Any
) -> None:
    deployment = deploy(admin, version, edge_client)
    names = ["timestamp.json", "1.snapshot.json", "1.targets.json", "1.root.json"]
    files = {name: edge_client.call("GET", f"/tuf/metadata/{name}").content for name in names}
    client = updater(tmp_path / "tuf", files["1.root.json"], files)
    client.refresh()
    target = client.get_targetinfo("meter_digits/1.0.0/bundle.tar")
    assert target is not None
    answer = edge_client.call("POST", f"/deployments/{deployment}/download").json()
    data = httpx.get(answer["url"], trust_env=False).content
    target.verify_length_and_hashes(data)
    assert target.hashes["sha256"] == version.bundle_sha256
    with transaction() as session:
        event = session.exec(select(AuditEvent).where(AuditEvent.action == "model_version.download")).one()
    assert (event.actor, event.subject_id) == (f"edge-{edge_client.id}", str(version.id))


def test_metadata_that_does_not_exist_or_was_not_released_is_not_found(
    edge_client: EdgeClient, version: AiModelVersion, trusted: Trusted, super_admin: Person
) -> None:
    trusted.approve(super_admin, make_version("1.1.0").id)  # approved, and not released
    wrong = ["2.root.json", "2.targets.json", "0.targets.json", "targets.json", "1.targets.txt", "1.mirrors.json",
             "..%2f..%2fetc%2fpasswd", "99999999999.root.json", "1.timestamp.json", "-1.root.json"]  # fmt: skip
    found = {name: edge_client.call("GET", f"/tuf/metadata/{name}").status_code for name in wrong}
    assert set(found.values()) == {404}, found
    with transaction() as session:
        assert session.get(TufMetadata, ("targets", 2)) is not None


def test_anonymous_caller_gets_no_metadata(client: TestClient, version: AiModelVersion) -> None:
    assert client.get("/api/v1/edge/tuf/metadata/timestamp.json").status_code == 401


def test_progress_is_followed_to_the_end(admin: TestClient, edge_client: EdgeClient, version: AiModelVersion) -> None:
    deployment = deploy(admin, version, edge_client)
    for status, percent in (("downloading", 10), ("downloading", 60), ("installing", 5), ("completed", 100)):
        answer = edge_client.progress(deployment, status, percent)
        assert answer.json() == {"status": status}
    (row,) = admin.get(f"{API}/deployments").json()["items"]
    assert (row["status"], row["progress_percent"]) == ("completed", 100)
    assert row["scheduled_at"] <= row["started_at"] <= row["completed_at"]
    assert edge_client.progress(deployment, "completed", 100).status_code == 200, "repeated after a lost answer"
    assert edge_client.heartbeat().json()["assignments"] == []
    again = edge_client.progress(deployment, "downloading", 1)
    assert (again.status_code, again.json()["type"].rsplit("/", 1)[1]) == (409, "deployment-superseded")


def test_step_that_leaves_one_out_is_refused(
    admin: TestClient, edge_client: EdgeClient, version: AiModelVersion
) -> None:
    deployment = deploy(admin, version, edge_client)
    answer = edge_client.progress(deployment, "completed", 100)
    assert (answer.status_code, answer.json()["type"].rsplit("/", 1)[1]) == (409, "illegal-transition")


def test_node_that_restarts_in_the_middle_begins_again(
    admin: TestClient, edge_client: EdgeClient, version: AiModelVersion
) -> None:
    deployment = deploy(admin, version, edge_client)
    for status in ("downloading", "installing", "downloading", "installing", "completed"):
        assert edge_client.progress(deployment, status, 1).status_code == 200


def test_superseded_deployment_is_told_so(
    admin: TestClient, edge_client: EdgeClient, version: AiModelVersion, trusted: Trusted, super_admin: Person
) -> None:
    older = deploy(admin, version, edge_client)
    newer_version = make_version("1.1.0")
    trusted.release(super_admin, newer_version.id)
    newer = deploy(admin, newer_version, edge_client)
    for answer in (
        edge_client.progress(older, "downloading"),
        edge_client.call("POST", f"/deployments/{older}/download"),
    ):
        assert (answer.status_code, answer.json()["type"].rsplit("/", 1)[1]) == (409, "deployment-superseded")
    (assignment,) = edge_client.heartbeat().json()["assignments"]
    assert assignment["deployment_id"] == newer


def test_deployment_of_another_edge_does_not_exist(
    admin: TestClient, enrolled: Callable[..., EdgeClient], version: AiModelVersion
) -> None:
    owner, stranger = enrolled("owner"), enrolled("stranger")
    deployment = deploy(admin, version, owner)
    assert stranger.heartbeat().json()["assignments"] == []
    assert stranger.call("POST", f"/deployments/{deployment}/download").status_code == 404
    assert stranger.progress(deployment, "failed", error="sabotage").status_code == 404
    (row,) = admin.get(f"{API}/deployments").json()["items"]
    assert row["status"] == "pending"


def test_organizations_model_has_a_folder_of_its_own_and_goes_to_its_edges_only(
    admin: TestClient,
    enrolled: Callable[..., EdgeClient],
    trusted: Trusted,
    super_admin: Person,
    enterprise_admin: Person,
) -> None:
    organization = enterprise_admin.organization_id
    mine, common = enrolled("mine", organization), enrolled("common")
    version = make_version(organization_id=organization)
    trusted.release(super_admin, version.id)
    refused = admin.post(f"{API}/models/{version.id}/deploy", json={"edge_server_id": common.id})
    assert refused.status_code == 422
    rollout = admin.post(f"{API}/models/{version.id}/deploy-all").json()
    assert [made["edge_server_id"] for made in rollout["deployments"]] == [mine.id]
    (assignment,) = mine.heartbeat().json()["assignments"]
    assert assignment["target"] == f"org-{organization}/meter_digits/1.0.0/bundle.tar"
    assert UUID(assignment["model_version_id"]) == version.id
