"""Status for phones: what trains, what the edge servers run, and how old each of these facts is."""

from pydantic import Field

from app.domain.edge_health import EdgeHealth
from app.domain.machines import DeploymentStatus, JobStatus
from app.schemas.base import UUID, View, datetime


class Fact(View):
    """Something that was so at a moment. The age is the server's, so that a wrong clock of a phone does not matter."""

    as_of: datetime | None = Field(description="When this was last heard; null if never")
    age_seconds: int | None = Field(description="How long ago that was when this answer was made")
    is_stale: bool = Field(description="Something newer should have been heard by now")


class JobStatusView(Fact):
    """A job that waits, runs, or ended in the last day. `as_of`: its last report or change."""

    id: UUID
    organization_id: int | None
    name: str
    ai_module: str
    status: JobStatus
    progress_percent: int
    current_epoch: int
    total_epochs: int
    estimated_completion: datetime | None
    completed_at: datetime | None
    error_message: str | None


class ActiveModelView(View):
    """A model in an edge server's memory, as the edge server itself reported with its last heartbeat."""

    ai_module: str
    version: str
    model_version_id: UUID
    bundle_sha256: str
    loaded_at: datetime
    is_released_digest: bool | None = Field(
        description="Whether the digest it loaded is the one released as this version; null if no such version is known"
    )


class PendingDeploymentView(Fact):
    """What was ordered for an edge server and is not there yet. `as_of`: its last report or change."""

    id: UUID
    ai_module: str
    version: str
    model_version_id: UUID
    status: DeploymentStatus
    progress_percent: int


class EdgeStatusView(Fact):
    """An edge server. `as_of`: its last heartbeat, by which `models` are known."""

    id: int
    organization_id: int | None
    name: str
    site: str
    health: EdgeHealth
    is_revoked: bool
    last_error: str | None
    models: list[ActiveModelView]
    more_models: int = Field(description="Loaded models that are left out here")
    deployments: list[PendingDeploymentView]


class TrainingStatus(View):
    """The whole status, bounded: what is left out is counted in `more_…`."""

    generated_at: datetime
    jobs: list[JobStatusView] = Field(description="Running first, then waiting, then those that ended")
    more_jobs: int
    edge_servers: list[EdgeStatusView] = Field(description="Offline first, then late, then healthy; revoked last")
    more_edge_servers: int
