"""Datasets as callers send and see them."""

from typing import Any, Literal

from pydantic import Field, field_validator

from app.domain.machines import DatasetStatus
from app.schemas.base import UUID, DatabaseId, Identifier, Name, Note, Request, Slug, View, datetime

Environment = Literal["dev", "staging", "production"]


class LabelClass(Request):
    """One class of a label schema."""

    name: Name
    color: str = Field("#6e56cf", pattern=r"^#[0-9a-fA-F]{6}$")


class LabelSchema(Request):
    """What may be said about a sample. `classification` is one class per sample."""

    task: Literal["classification"] = "classification"
    classes: list[LabelClass] = Field(min_length=2, max_length=1000)

    @field_validator("classes")
    @classmethod
    def _unique(cls, classes: list[LabelClass]) -> list[LabelClass]:
        names = [c.name for c in classes]
        if len(set(names)) != len(names):
            raise ValueError("every class needs a name of its own")
        return classes


class DatasetCreate(Request):
    """A new dataset. Without an organization it is global."""

    name: Name
    description: Note = ""
    ai_module: Identifier
    organization_id: DatabaseId | None = None
    label_schema: LabelSchema
    environment: Environment = "dev"
    version: Slug = "1.0.0"


class DatasetUpdate(Request):
    """What may be changed; absent fields stay. The label schema only while nothing is labelled."""

    name: Name | None = None
    description: Note | None = None
    label_schema: LabelSchema | None = None
    environment: Environment | None = None
    version: Slug | None = None
    status: DatasetStatus | None = None


class DatasetFilter(Request):
    """Which datasets to list."""

    ai_module: Identifier | None = None
    status: DatasetStatus | None = None
    environment: Environment | None = None


class DatasetView(View):
    """A dataset."""

    id: UUID
    organization_id: int | None
    name: str
    description: str
    ai_module: str
    sample_count: int
    labeled_count: int
    verified_count: int
    size_bytes: int
    label_schema: dict[str, Any]
    environment: str
    version: str
    status: DatasetStatus
    created_by: int
    created_at: datetime
    updated_at: datetime
