"""Frozen versions of datasets: what they say, the chunks they are made of, the files they need, what was deleted.

Triggers (migration 0010) make versions and chunks unchangeable, number every change of a sample, and note deletions.
"""

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from app.domain.dataset_versions import Scope
from app.tables.base import UUID, datetime, in_range, jsonb, one_of, text_column, timestamp, uuid_key


class DatasetVersion(SQLModel, table=True):
    """An immutable state of a dataset's samples: exactly what a job trains on (docs/versions.md).

    `sha256` is the root digest and `tree_sha256` the chunk that lists all chunks; `revision` is the last change that
    is in it. Versions from before there were trees have a `manifest_url` instead, a list of files and classes only.
    """

    __tablename__ = "dataset_versions"
    __table_args__ = (
        UniqueConstraint("dataset_id", "number"),
        UniqueConstraint("dataset_id", "version"),
        ForeignKeyConstraint(["dataset_id", "tree_sha256"], ["dataset_chunks.dataset_id", "dataset_chunks.sha256"]),
        CheckConstraint("num_nonnulls(tree_sha256, manifest_url) = 1", name="tree_or_manifest"),
        one_of("scope", Scope),
        in_range("sample_count", 1),
        in_range("number", 1),
        Index("ix_dataset_versions_order", "dataset_id", "created_at", "id"),
    )

    id: UUID = uuid_key()
    dataset_id: UUID = Field(foreign_key="training_datasets.id", nullable=False)
    number: int = Field(nullable=False)
    version: str = text_column()
    message: str = text_column(default="")
    parent_id: UUID | None = Field(default=None, foreign_key="dataset_versions.id", index=True)
    scope: str = text_column(default=Scope.VERIFIED)
    sample_count: int = Field(nullable=False)
    label_schema: dict[str, Any] = jsonb()
    split: dict[str, Any] = jsonb()
    statistics: dict[str, Any] = jsonb()
    changes: dict[str, Any] = jsonb()
    single_person_review: bool = Field(default=False, nullable=False)
    sha256: str = text_column()
    tree_sha256: str | None = text_column(nullable=True)
    revision: int = Field(default=0, nullable=False, sa_type=BigInteger)
    manifest_url: str | None = text_column(nullable=True)
    created_by: int = Field(foreign_key="users.id", nullable=False, index=True)
    created_at: datetime = timestamp(nullable=False)


class DatasetChunk(SQLModel, table=True):
    """The samples of one bucket, or the list of all buckets' digests; known by its content and shared by versions."""

    __tablename__ = "dataset_chunks"

    dataset_id: UUID = Field(foreign_key="training_datasets.id", primary_key=True)
    sha256: str = text_column(primary_key=True)
    body: bytes = Field(nullable=False, sa_type=LargeBinary)


class DatasetFile(SQLModel, table=True):
    """A file that some version needs: it stays in the store when its sample is deleted."""

    __tablename__ = "dataset_files"

    dataset_id: UUID = Field(foreign_key="training_datasets.id", primary_key=True)
    file_url: str = text_column(primary_key=True)


class DeletedSample(SQLModel, table=True):
    """That a sample was deleted, as which change, and whether it had been withdrawn; written by a trigger."""

    __tablename__ = "deleted_samples"
    __table_args__ = (Index("ix_deleted_samples_revision", "dataset_id", "revision"),)

    dataset_id: UUID = Field(foreign_key="training_datasets.id", ondelete="CASCADE", primary_key=True)
    sample_id: UUID = Field(primary_key=True)
    revision: int = Field(nullable=False, sa_type=BigInteger)
    withdrawn_at: datetime | None = timestamp()
    withdrawn_by: int | None = None
    withdrawal_reason: str | None = text_column(nullable=True)
