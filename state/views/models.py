"""Model versions and deployments as pages show them."""

from typing import TypedDict

from app.domain.machines import ModelVersionStatus, can_advance
from app.schemas.deployments import DeploymentRow
from app.schemas.model_versions import ModelVersionView
from state.views.words import iso, plainly, share, size

DEPLOYMENT_TONES = {"completed": "done", "failed": "failed", "pending": "waiting"}


class VersionRow(TypedDict):
    """A model version, and what may follow (`can_…`: as far as its status goes)."""

    id: str
    title: str
    ai_module: str
    version: str
    status: str
    accuracy: str
    precision: str
    recall: str
    f1: str
    created_at: str
    can_test: bool
    can_approve: bool
    can_draft: bool
    can_release: bool
    can_deploy: bool
    can_deprecate: bool


class VersionDetails(TypedDict):
    """What only the version's own page shows."""

    target: str
    sha256: str
    size: str
    description: str
    release_notes: str
    inference: str
    test_count: str
    min_edge_version: str
    platforms: str
    job_id: str
    base_id: str
    approved_at: str
    released_at: str
    organization_id: str


class DeploymentLine(TypedDict):
    """A deployment; `error` is what the edge server itself said."""

    id: str
    version_id: str
    version: str
    edge_id: str
    edge: str
    status: str
    progress: int
    tone: str
    error: str
    updated_at: str
    can_retry: bool


NO_VERSION: VersionRow = {
    "id": "",
    "title": "",
    "ai_module": "",
    "version": "",
    "status": "",
    "accuracy": "–",
    "precision": "–",
    "recall": "–",
    "f1": "–",
    "created_at": "",
    "can_test": False,
    "can_approve": False,
    "can_draft": False,
    "can_release": False,
    "can_deploy": False,
    "can_deprecate": False,
}
NO_DETAILS: VersionDetails = {
    "target": "",
    "sha256": "",
    "size": "",
    "description": "",
    "release_notes": "",
    "inference": "",
    "test_count": "",
    "min_edge_version": "",
    "platforms": "",
    "job_id": "",
    "base_id": "",
    "approved_at": "",
    "released_at": "",
    "organization_id": "",
}


def version_row(item: ModelVersionView) -> VersionRow:
    """A model version as a list shows it."""
    status = ModelVersionStatus(item.status)
    return {
        "id": str(item.id),
        "title": f"{item.ai_module} {item.version}",
        "ai_module": item.ai_module,
        "version": item.version,
        "status": str(status),
        "accuracy": share(item.accuracy),
        "precision": share(item.precision_score),
        "recall": share(item.recall_score),
        "f1": share(item.f1_score),
        "created_at": iso(item.created_at),
        "can_test": status is ModelVersionStatus.DRAFT,
        "can_approve": status is ModelVersionStatus.TESTING,
        "can_draft": can_advance(status, ModelVersionStatus.DRAFT),
        "can_release": can_advance(status, ModelVersionStatus.RELEASED),
        "can_deploy": status is ModelVersionStatus.RELEASED,
        "can_deprecate": can_advance(status, ModelVersionStatus.DEPRECATED),
    }


def version_details(item: ModelVersionView) -> VersionDetails:
    """The rest of a model version."""
    folder = "" if item.organization_id is None else f"org-{item.organization_id}/"
    tested = item.metrics.get("test_count")
    return {
        # The path under which the signed list keeps it (see `app.services.trust.target_path`).
        "target": f"{folder}{item.ai_module}/{item.version}/bundle.tar",
        "sha256": item.bundle_sha256,
        "size": size(item.model_file_size),
        "description": item.description,
        "release_notes": item.release_notes,
        "inference": _milliseconds(item.inference_time_ms),
        "test_count": f"{tested:,} held-out images" if isinstance(tested, int) else "held-out images",
        "min_edge_version": f"{item.min_edge_version} or newer",
        "platforms": ", ".join(item.supported_platforms),
        "job_id": str(item.training_job_id or ""),
        "base_id": str(item.base_version_id or ""),
        "approved_at": iso(item.approved_at),
        "released_at": iso(item.released_at),
        "organization_id": "" if item.organization_id is None else str(item.organization_id),
    }


def deployment_line(row: DeploymentRow) -> DeploymentLine:
    """A deployment as a list shows it."""
    return {
        "id": str(row.id),
        "version_id": str(row.model_version_id),
        "version": f"{row.ai_module} {row.model_version}",
        "edge_id": str(row.edge_server_id),
        "edge": row.edge_server_name,
        "status": str(row.status),
        "progress": row.progress_percent,
        "tone": DEPLOYMENT_TONES.get(str(row.status), "running"),
        "error": plainly(row.error_message),
        "updated_at": iso(row.updated_at),
        "can_retry": str(row.status) == "failed",
    }


def _milliseconds(value: int | None) -> str:
    if value is None:
        return "–"
    return f"{value} ms" if value else "< 1 ms"
