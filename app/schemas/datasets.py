"""Datasets as callers send and see them."""

from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from app.domain.machines import DatasetStatus
from app.schemas.base import (
    UUID,
    DatabaseId,
    Identifier,
    Name,
    Note,
    Prefix,
    Request,
    Slug,
    Sorted,
    View,
    datetime,
    sort_field,
)

Environment = Literal["dev", "staging", "production"]
DatasetSort = Literal["name", "-name", "created_at", "-created_at", "updated_at", "-updated_at"]


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


class DatasetFilter(Sorted):
    """Which datasets to list, and in which order."""

    q: Prefix | None = Field(None, description="How the name begins, in upper or lower case")
    ai_module: Identifier | None = None
    status: DatasetStatus | None = None
    environment: Environment | None = None
    organization_id: DatabaseId | None = None
    sort: DatasetSort = sort_field()


class DatasetView(View):
    """A dataset."""

    EDITED: ClassVar = tuple(DatasetUpdate.model_fields)

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
