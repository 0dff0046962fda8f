"""One record of every kind in an organization, and a valid request for each of the 25 specified endpoints."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.domain.dataset_versions import Scope
from app.domain.machines import DeploymentStatus, JobStatus
from app.infra.db import transaction
from app.schemas.dataset_versions import VersionCommit
from app.services import version_commits
from app.tables import ModelDeployment, Rollout
from tests.support.people import Person
from tests.support.records import make_dataset, make_edge, make_job, make_samples, make_version

API = "/api/v1/training"
SCHEMA = {"classes": [{"name": "zero"}, {"name": "one"}]}


@dataclass(frozen=True)
class World:
    """Ids of records that belong together."""

    dataset: UUID
    sample: UUID
    job: UUID
    version: UUID
    edge: int
    deployment: UUID


@dataclass(frozen=True)
class Call:
    """A request that is valid for someone who may."""

    method: str
    path: str
    body: Any = None

    @property
    def reads(self) -> bool:
        return self.method == "GET"


def make_world(owner: Person, organization_id: int | None) -> World:
    """A dataset with a labelled sample, a queued job, a draft version, an edge server and a failed deployment."""
    dataset = make_dataset(owner, organization_id=organization_id)
    (sample,) = make_samples(dataset, 1, owner)
    with transaction() as session:
        version_commits.create(session, owner.actor, dataset.id, VersionCommit(scope=Scope.ALL))
    job = make_job(owner, dataset, JobStatus.QUEUED)
    version = make_version(f"{organization_id or 0}.0.0", organization_id=organization_id)
    edge = make_edge(owner, organization_id=organization_id)
    assert edge.id is not None
    rollout = Rollout(model_version_id=version.id, kind="single", target_count=1, created_by=owner.id)
    deployment = ModelDeployment(
        rollout_id=rollout.id,
        model_version_id=version.id,
        ai_module=version.ai_module,
        edge_server_id=edge.id,
        status=DeploymentStatus.FAILED,
        error_message="It broke.",
    )
    with transaction() as session:
        session.add(rollout)
        session.flush()
        session.add(deployment)
    return World(dataset.id, sample, job.id, version.id, edge.id, deployment.id)


def calls(world: World) -> list[Call]:
    """One request per specified endpoint."""
    dataset, sample = f"{API}/datasets/{world.dataset}", f"{API}/datasets/{world.dataset}/samples/{world.sample}"
    job, version = f"{API}/jobs/{world.job}", f"{API}/models/{world.version}"
    key = f"uploads/{world.dataset}/{world.sample}/0"
    signed = {"payload_base64": "e30=", "keyid": "0" * 64, "signature": "0" * 128}
    return [
        Call("GET", f"{API}/datasets"),
        Call("GET", dataset),
        Call("POST", f"{API}/datasets", {"name": "new", "ai_module": "meter_digits", "label_schema": SCHEMA}),
        Call("PUT", dataset, {"description": "changed"}),
        Call("DELETE", dataset),
        Call("GET", f"{dataset}/samples"),
        Call("POST", f"{dataset}/samples", {"samples": [{"upload_key": key, "labels": {"class": "one"}}]}),
        Call("PUT", sample, {"labels": {"class": "one"}}),
        Call("DELETE", sample),
        Call("POST", f"{sample}/verify", {"verified": False, "rejection_reason": "blurred", "quality_score": 0.5}),
        Call("GET", f"{API}/jobs"),
        Call("GET", job),
        Call("POST", f"{API}/jobs", {"name": "train", "dataset_id": str(world.dataset), "hyperparameters": {}}),
        Call("POST", f"{job}/cancel"),
        Call("GET", f"{job}/logs"),
        Call("GET", f"{API}/models"),
        Call("GET", version),
        Call("PUT", version, {"name": "changed", "description": "", "release_notes": "", "status": "testing"}),
        Call("POST", f"{version}/approve", signed),
        Call("POST", f"{version}/release"),
        Call("POST", f"{version}/deprecate"),
        Call("GET", f"{version}/deployments"),
        Call("POST", f"{version}/deploy", {"edge_server_id": world.edge}),
        Call("POST", f"{version}/deploy-all"),
        Call("POST", f"{API}/deployments/{world.deployment}/retry"),
    ]
