"""Edge servers as people see them, and the edge protocol (docs/edge-protocol.md)."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from app.domain.edge_health import EdgeHealth
from app.domain.machines import DeploymentStatus
from app.domain.semver import Version
from app.errors import Invalid
from app.schemas.base import (
    UUID,
    DatabaseId,
    Identifier,
    Moment,
    Name,
    Request,
    Sha256,
    Slug,
    Sorted,
    View,
    datetime,
    sort_field,
)

EdgeServerSort = Literal["name", "-name", "created_at", "-created_at"]
Site = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]


class EdgeServerCreate(Request):
    """A new edge server and where it stands."""

    name: Name
    site: Site = ""
    latitude: float | None = Field(None, ge=-90, le=90)
    longitude: float | None = Field(None, ge=-180, le=180)
    organization_id: DatabaseId | None = None


def _semver(text: str) -> str:
    try:
        return str(Version.parse(text))
    except Invalid as error:
        raise ValueError(error.message) from error


Semver = Annotated[Slug, AfterValidator(_semver)]


class LoadedModel(Request):
    """A model that is in an edge's memory; the digest is of the bytes it loaded."""

    ai_module: Identifier
    version: Semver
    model_version_id: UUID
    bundle_sha256: Sha256
    loaded_at: Moment


class EdgeServerFilter(Sorted):
    """Which edge servers to list, and in which order."""

    organization_id: DatabaseId | None = None
    site: Site | None = None
    health: EdgeHealth | None = None
    enrolled: bool | None = Field(None, description="Whether a node holds a key for it")
    revoked: bool | None = Field(None, description="Whether its key was revoked")
    sort: EdgeServerSort = sort_field()


class EdgeServerView(View):
    """An edge server and how it is doing."""

    id: int
    organization_id: int | None
    name: str
    site: str
    latitude: float | None
    longitude: float | None
    enrolled_at: datetime | None
    revoked_at: datetime | None
    edge_version: str | None
    platform: str | None
    last_heartbeat_at: datetime | None
    loaded: list[LoadedModel]
    inference_count: int
    inference_p50_ms: float | None
    last_error: str | None
    health: EdgeHealth
    created_at: datetime


class EnrolmentToken(View):
    """Shown once. The edge uses it once."""

    edge_server_id: int
    token: str
    expires_at: datetime


class EdgeServerCreated(View):
    """A new edge server and its one-time token."""

    edge_server: EdgeServerView
    enrolment: EnrolmentToken


class EnrolRequest(Request):
    """A node's first call."""

    token: Annotated[str, StringConstraints(pattern=r"^tyedge_[0-9]{1,9}_[0-9A-Za-z-]{20,80}_[0-9a-f]{64}$")]
    public_key: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
    edge_version: Slug
    platform: Slug


class Enrolled(View):
    """Who the node is now, and the root of trust it must hold to."""

    edge_server_id: int
    organization_id: int | None
    name: str
    root: str
    heartbeat_interval_seconds: int


class Heartbeat(Request):
    """What a node says about itself."""

    edge_version: Slug
    platform: Slug
    loaded: list[LoadedModel] = Field(max_length=64)
    inference_count: int = Field(0, ge=0, le=2**31 - 1)
    inference_p50_ms: float | None = Field(None, ge=0, le=1e9)
    last_error: Annotated[str, StringConstraints(max_length=2000)] | None = None


class Assignment(View):
    """A version the cloud would like to see on this node; the node verifies everything about it itself."""

    deployment_id: UUID
    ai_module: str
    version: str
    model_version_id: UUID
    target: str
    status: DeploymentStatus


class HeartbeatAnswer(View):
    """What the node should know."""

    server_time: datetime
    heartbeat_interval_seconds: int
    assignments: list[Assignment]


class Download(View):
    """A URL that expires. Length and digest come from the signed metadata, never from here."""

    url: str
    expires_in_seconds: int


class DeploymentProgress(Request):
    """How far a node is."""

    status: Literal["downloading", "installing", "completed", "failed"]
    progress_percent: int = Field(0, ge=0, le=100)
    error_message: Annotated[str, StringConstraints(max_length=2000)] | None = None


class DeploymentStatusView(View):
    """The status as the cloud now has it."""

    status: DeploymentStatus
