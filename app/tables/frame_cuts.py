"""Videos that are cut into frames: what was wished, and how far it is."""

from sqlalchemy import CheckConstraint, Index, Numeric
from sqlmodel import Field, SQLModel

from app.tables.base import UUID, datetime, in_range, text_column, timestamp, uuid_key


class FrameCut(SQLModel, table=True):
    """One request for the frames of a video. Its status follows from its moments: begun, cancelled, finished, error."""

    __tablename__ = "frame_cuts"
    __table_args__ = (
        CheckConstraint("num_nulls(every_ms, scene_change) = 1", name="one_wish"),
        in_range("every_ms", 1),
        in_range("scene_change", 0, 1),
        in_range("most", 1),
        in_range("made", 0),
        in_range("known", 0),
        Index("ix_frame_cuts_video", "video_id", "created_at", "id"),
    )

    id: UUID = uuid_key()
    dataset_id: UUID = Field(foreign_key="training_datasets.id", ondelete="CASCADE", nullable=False, index=True)
    video_id: UUID = Field(foreign_key="training_samples.id", ondelete="CASCADE", nullable=False)
    every_ms: int | None = None
    scene_change: float | None = Field(default=None, sa_type=Numeric(4, 3, asdecimal=False))
    most: int = Field(nullable=False)
    made: int = Field(default=0, nullable=False)
    known: int = Field(default=0, nullable=False)
    at_ms: int = Field(default=0, nullable=False)
    attempts: int = Field(default=0, nullable=False)
    error: str | None = text_column(nullable=True)
    created_by: int = Field(foreign_key="users.id", nullable=False, index=True)
    created_at: datetime = timestamp(nullable=False)
    heartbeat_at: datetime | None = timestamp()
    cancelled_at: datetime | None = timestamp()
    # Open ones are looked through by the reconciler; there are few.
    finished_at: datetime | None = timestamp(index=True)
