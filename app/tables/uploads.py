"""Places that were opened for uploads."""

from sqlmodel import Field, SQLModel

from app.tables.base import UUID, datetime, in_range, text_column, timestamp, uuid_key


class UploadFolder(SQLModel, table=True):
    """One call's places in the store: `uploads/<dataset_id>/<id>/0` … `slots - 1`. It outlives its dataset, so that
    what was put there and never registered is removed all the same. `multipart_id` names an upload in parts."""

    __tablename__ = "upload_folders"
    __table_args__ = (in_range("slots", 1),)

    id: UUID = uuid_key()
    dataset_id: UUID = Field(nullable=False)
    slots: int = Field(nullable=False)
    multipart_id: str | None = text_column(nullable=True)
    opened_at: datetime = timestamp(nullable=False, index=True)
