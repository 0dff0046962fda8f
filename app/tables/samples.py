"""Training samples and what each person said about them."""

from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    Computed,
    Index,
    Numeric,
    Text,
    UniqueConstraint,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

from app.domain.dataset_versions import SPLITS
from app.tables.base import UUID, datetime, each_time, in_range, jsonb, one_of, text_column, timestamp, uuid_key

FILE_TYPES = ("image", "video")
# Expressions that have an index. They are written out, keys included: a planner that sees a parameter in place of a key
# does not know them again.
only_class: ColumnElement[str] = literal_column("(training_samples.labels ->> 'class')", Text)
imported_split: ColumnElement[str] = literal_column("(training_samples.metadata ->> 'split')", Text)
name_words: ColumnElement[Any] = literal_column("sample_name_words(training_samples.metadata)")


def _filter_indexes() -> list[Index]:
    """What lists of samples are filtered by. Each gives the order of `created_at` too, or that of its own column.

    Partial where most rows have nothing to find: such an index costs only the rows that have.
    """
    newest = ("created_at", "id")

    def index(name: str, *columns: Any, where: str | None = None) -> Index:
        condition = {"postgresql_where": text(where)} if where else {}
        return Index(f"ix_training_samples_{name}", "dataset_id", *columns, **condition)

    return [
        index("class", text("(labels ->> 'class')"), *newest, where="(labels ->> 'class') IS NOT NULL"),
        index("split", text("(metadata ->> 'split')"), *newest, where="(metadata ->> 'split') IS NOT NULL"),
        index("labeler", "labeled_by", *newest, where="labeled_by IS NOT NULL"),
        index("verifier", "verified_by", *newest, where="verified_by IS NOT NULL"),
        index("camera", "source_camera_id", *newest, where="source_camera_id IS NOT NULL"),
        index("reviewed", *newest, where="verified_by IS NOT NULL"),
        index("rejections", *newest, where="rejection_reason IS NOT NULL"),
        index("videos", *newest, where="file_type = 'video'"),
        index("near", *newest, where="near_group IS NOT NULL"),
        index("withdrawn", *newest, where="withdrawn_at IS NOT NULL"),
        index("captured", "captured_at", "id", where="captured_at IS NOT NULL"),
        index("quality", "quality_score", "id", where="quality_score IS NOT NULL"),
        index("frames", "video_id", "frame_ms", "id", where="frame_ms IS NOT NULL"),
        Index(
            "ix_training_samples_metadata",
            "metadata",
            postgresql_using="gin",
            postgresql_ops={"metadata": "jsonb_path_ops"},
        ),
        Index("ix_training_samples_name", text("sample_name_words(metadata)"), postgresql_using="gin"),
    ]


# Five bands of the 64 bits of a perceptual hash: how far each is shifted to the right, and its mask.
HASH_BANDS = ((0, 0x1FFF), (13, 0x1FFF), (26, 0x1FFF), (39, 0x1FFF), (52, 0xFFF))


def hash_band(number: int, column: str = "perceptual_hash") -> str:
    """SQL for one band of `column`."""
    shift, mask = HASH_BANDS[number]
    return f"(({column} >> {shift}) & {mask})"


def hash_bands() -> list[Index]:
    """An index for each band, of the samples that have a hash."""
    return [
        Index(
            f"ix_training_samples_band_{number}",
            "dataset_id",
            text(hash_band(number)),
            postgresql_where=text("perceptual_hash IS NOT NULL"),
        )
        for number in range(len(HASH_BANDS))
    ]


class TrainingSample(SQLModel, table=True):
    """`training_samples` of the specification. `labels` and `annotations` are the agreed ones.

    `near_group` is shared by samples that look nearly the same (`perceptual_hash`, 64 bits); a frame names its video
    and when it was in it; a withdrawn sample stays as a record and is in no later version.
    """

    __tablename__ = "training_samples"
    __table_args__ = (
        one_of("file_type", FILE_TYPES),
        in_range("file_size", 1),
        in_range("quality_score", 0, 1),
        CheckConstraint("NOT is_labeled OR labeled_by IS NOT NULL", name="labeled_by_someone"),
        CheckConstraint("NOT is_verified OR (is_labeled AND verified_by IS NOT NULL)", name="verified_is_labeled"),
        CheckConstraint("NOT (is_verified AND rejection_reason IS NOT NULL)", name="verified_or_rejected"),
        CheckConstraint("frame_ms IS NULL OR video_id IS NOT NULL", name="frame_has_video"),
        CheckConstraint(
            "num_nulls(withdrawn_at, withdrawn_by, withdrawal_reason) IN (0, 3)", name="withdrawn_by_someone"
        ),
        in_range("frame_ms", 0),
        in_range("duration_ms", 0),
        one_of("split", SPLITS),
        UniqueConstraint("dataset_id", "sha256"),
        Index("ix_training_samples_order", "dataset_id", "created_at", "id"),
        Index("ix_training_samples_updated", "dataset_id", "updated_at", "id"),
        Index("ix_training_samples_size", "dataset_id", "file_size", "id"),
        Index(
            "ix_training_samples_unpictured",
            "dataset_id",
            "created_at",
            postgresql_where=text("thumbnail_url IS NULL"),
        ),
        # Where hashes differ in up to four of 64 bits, one of five bands is equal (app/services/near_duplicates.py).
        *hash_bands(),
        Index(
            "ix_training_samples_original",
            "dataset_id",
            text("(metadata ->> 'original_sha256')"),
            postgresql_where=text("metadata ? 'original_sha256'"),
        ),
        Index("ix_training_samples_revision", "dataset_id", "revision"),
        Index("ix_training_samples_review", "dataset_id", "is_labeled", "is_verified", "created_at", "id"),
        # What waits for its author again; few rows, so that it costs nothing to keep.
        Index(
            "ix_training_samples_rejected",
            "dataset_id",
            "labeled_by",
            "created_at",
            "id",
            postgresql_where=text("rejection_reason IS NOT NULL"),
        ),
        *_filter_indexes(),
    )

    id: UUID = uuid_key()
    dataset_id: UUID = Field(foreign_key="training_datasets.id", nullable=False)
    file_url: str = text_column()
    file_type: str = text_column(default="image")
    file_size: int = Field(nullable=False, sa_type=BigInteger)
    sha256: str = text_column()
    width: int | None = None
    height: int | None = None
    labels: dict[str, Any] = jsonb()
    annotations: list[Any] = jsonb(list)
    source_camera_id: UUID | None = None
    captured_at: datetime | None = timestamp()
    # `metadata` belongs to SQLAlchemy on the class; the column keeps the specified name.
    extra: dict[str, Any] = Field(
        default_factory=each_time(dict), nullable=False, sa_type=JSONB, sa_column_kwargs={"name": "metadata"}
    )
    is_labeled: bool = Field(default=False, nullable=False)
    is_verified: bool = Field(default=False, nullable=False)
    labeled_by: int | None = Field(default=None, foreign_key="users.id", index=True)
    verified_by: int | None = Field(default=None, foreign_key="users.id", index=True)
    quality_score: Decimal | None = Field(default=None, sa_type=Numeric(4, 3))
    rejection_reason: str | None = text_column(nullable=True)
    perceptual_hash: int | None = Field(default=None, sa_type=BigInteger)
    near_group: UUID | None = Field(default=None, index=True)
    thumbnail_url: str | None = text_column(nullable=True)
    video_id: UUID | None = Field(default=None, foreign_key="training_samples.id", index=True)
    frame_ms: int | None = None
    duration_ms: int | None = None
    withdrawn_at: datetime | None = timestamp()
    withdrawn_by: int | None = Field(default=None, foreign_key="users.id", index=True)
    withdrawal_reason: str | None = text_column(nullable=True)
    split: str | None = text_column(nullable=True)
    # Set by a trigger at every change that versions keep; what is written here is ignored.
    revision: int = Field(default=0, nullable=False, sa_type=BigInteger)
    created_at: datetime = timestamp(nullable=False)
    updated_at: datetime = timestamp(nullable=False)


# Every class that the agreed label names, as the class, as one of several or in a box. The database keeps it, and it is
# no part of a row as Python sees it: lists are filtered by it.
class_names: Column[list[str]] = Column(
    "class_names", ARRAY(Text), Computed("sample_class_names(labels, annotations)", persisted=True), nullable=False
)
TrainingSample.__table__.append_column(class_names)  # type: ignore[attr-defined]
Index("ix_training_samples_classes", class_names, postgresql_using="gin")


class SampleAnnotation(SQLModel, table=True):
    """One person's opinion about one sample; never merged in place."""

    __tablename__ = "sample_annotations"
    __table_args__ = (
        UniqueConstraint("sample_id", "annotator_id"),
        Index("ix_sample_annotations_annotator", "annotator_id", "created_at", "id"),
    )

    id: UUID = uuid_key()
    sample_id: UUID = Field(foreign_key="training_samples.id", ondelete="CASCADE", nullable=False)
    annotator_id: int = Field(foreign_key="users.id", nullable=False)
    labels: dict[str, Any] = jsonb()
    annotations: list[Any] = jsonb(list)
    created_at: datetime = timestamp(nullable=False)
    updated_at: datetime = timestamp(nullable=False)
