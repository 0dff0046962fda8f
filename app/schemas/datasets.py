"""Datasets as callers send and see them."""

from collections import Counter
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from app.domain.labels import AttributeType, Task
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


class LabelAttribute(Request):
    """Something that boxes of a class can say about themselves. `choices` belong to the type `choice`."""

    name: Name
    type: AttributeType
    choices: list[Name] = Field(default_factory=list, max_length=100)

    @model_validator(mode="after")
    def _choices(self) -> Self:
        if (self.type is AttributeType.CHOICE) != bool(self.choices):
            raise ValueError("an attribute of type choice needs choices, and no other has them")
        _each_once(self.choices, "choice of an attribute")
        return self


class LabelClass(Request):
    """One class of a label schema. `key` is what a person presses for it."""

    name: Name
    color: str = Field("#6e56cf", pattern=r"^#[0-9a-fA-F]{6}$")
    key: str | None = Field(None, pattern=r"^[a-z0-9]$")
    attributes: list[LabelAttribute] = Field(default_factory=list, max_length=30)

    @field_validator("attributes")
    @classmethod
    def _unique(cls, attributes: list[LabelAttribute]) -> list[LabelAttribute]:
        _each_once([attribute.name for attribute in attributes], "attribute of a class")
        return attributes


class LabelSchema(Request):
    """What may be said about a sample: one class (`classification`), several (`multilabel`), or boxes (`detection`)."""

    task: Task = Task.CLASSIFICATION
    classes: list[LabelClass] = Field(min_length=1, max_length=1000)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        _each_once([known.name for known in self.classes], "class")
        _each_once([known.key for known in self.classes if known.key is not None], "key")
        if self.task is Task.CLASSIFICATION and len(self.classes) < 2:
            raise ValueError("telling apart needs at least two classes")
        if self.task is not Task.DETECTION and any(known.attributes for known in self.classes):
            raise ValueError("attributes describe boxes, so only a detection dataset has them")
        return self


def _each_once(names: list[str], what: str) -> None:
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise ValueError(f"every {what} stands once, and {repeated[0]!r} stands there again")


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
    """What may be changed; absent fields stay. The label schema only while nobody labelled anything; later
    it is changed by a schema change, which shows first what becomes of the labels."""

    name: Name | None = None
    description: Note | None = None
    label_schema: LabelSchema | None = None
    environment: Environment | None = None
    version: Slug | None = None
    status: DatasetStatus | None = None
    single_person_review: bool | None = Field(None, description="Whether people may verify their own labels")
    keeps_location: bool | None = Field(None, description="Whether pictures that arrive keep where they were taken")


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

    EDITED: ClassVar = (
        *DatasetUpdate.model_fields,
        "opinions_per_sample",
        "opinions_share",
        "consensus_quorum",
        "consensus_iou",
    )

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
    opinions_per_sample: int
    opinions_share: int
    consensus_quorum: int | None
    consensus_iou: float
    single_person_review: bool
    keeps_location: bool
    created_by: int
    created_at: datetime
    updated_at: datetime
