"""The overview: counts around the loop, and what needs a person now."""

from uuid import UUID

from app.schemas.audit import AuditView
from app.schemas.base import View
from app.schemas.deployments import DeploymentRow
from app.schemas.training_jobs import TrainingJobView


class LabelsToVerify(View):
    """Labels that nobody verified yet in all datasets that are in use, and the dataset with most of them."""

    count: int
    dataset_id: UUID
    dataset_name: str
    dataset_count: int


class Overview(View):
    """Counts per station of the loop."""

    datasets: int
    samples: int
    labeled: int
    verified: int
    labels_to_verify: LabelsToVerify | None
    jobs_running: int
    jobs_completed: int
    models_waiting_for_approval: int
    models_approved: int
    models_released: int
    edges: int
    edges_online: int
    deployments_unfinished: int
    deployments_failed: int
    recent_jobs: list[TrainingJobView]
    recent_deployments: list[DeploymentRow]
    recent_events: list[AuditView]
