"""Model versions as callers send and see them."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StringConstraints

from app.domain.machines import ModelVersionStatus
from app.schemas.base import (
    UUID,
    DatabaseId,
    Identifier,
    Name,
    Note,
    Request,
    Score,
    Sorted,
    View,
    datetime,
    sort_field,
)

ModelVersionSort = Literal["name", "-name", "created_at", "-created_at", "updated_at", "-updated_at"]


class ModelVersionUpdate(Request):
    """Texts, and the way between draft and testing; approving, releasing and deprecating have calls of their own."""

    name: Name | None = None
    description: Note | None = None
    release_notes: Note | None = None
    status: Literal["draft", "testing"] | None = None


class ModelVersionFilter(Sorted):
    """Which versions to list, and in which order."""

    ai_module: Identifier | None = None
    status: ModelVersionStatus | None = None
    organization_id: DatabaseId | None = None
    is_approved: bool | None = None
    training_job_id: UUID | None = None
    sort: ModelVersionSort = sort_field()


class ApprovalProposal(View):
    """What an approver signs: the exact bytes, and what they mean in words."""

    model_version_id: UUID
    payload_base64: str
    targets_version: int
    summary: str
    current_targets: str | None = Field(description="The signed list in force, to compare with; null before the first")


class ModelVersionApprove(Request):
    """A person's signature over the proposed bytes, made on the person's own machine."""

    payload_base64: Annotated[str, StringConstraints(max_length=4_000_000)]
    keyid: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    signature: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{128}$")]


class ModelVersionView(View):
    """A version of a model."""

    EDITED: ClassVar = tuple(ModelVersionUpdate.model_fields)

    id: UUID
    organization_id: int | None
    ai_module: str
    version: str
    name: str
    description: str
    training_job_id: UUID | None
    base_version_id: UUID | None
    model_file_url: str
    model_file_size: int
    config_file_url: str | None
    bundle_sha256: str
    accuracy: Score | None
    precision_score: Score | None
    recall_score: Score | None
    f1_score: Score | None
    metrics: dict[str, Any]
    inference_time_ms: int | None
    min_edge_version: str
    supported_platforms: list[str]
    status: ModelVersionStatus
    is_approved: bool
    approved_by: int | None
    approved_at: datetime | None
    is_released: bool
    released_at: datetime | None
    release_notes: str
    created_at: datetime
    updated_at: datetime


class TrainedModel(Request):
    """What a finished job hands over: files in the store and how well it did."""

    model_version_id: UUID
    version: str
    bundle_key: str
    bundle_sha256: str
    bundle_length: int = Field(ge=1)
    contract_key: str
    checkpoint_key: str
    metrics: dict[str, Any]
    inference_time_ms: float
    split: dict[str, Any]
