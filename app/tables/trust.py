"""Signed metadata and the public keys of approvers. No private key is ever in this database."""

from sqlalchemy import LargeBinary
from sqlmodel import Field, SQLModel

from app.tables.base import datetime, in_range, one_of, text_column, timestamp

TUF_ROLES = ("root", "targets", "snapshot", "timestamp")


class TufMetadata(SQLModel, table=True):
    """The exact bytes of one version of one role."""

    __tablename__ = "tuf_metadata"
    __table_args__ = (one_of("role", TUF_ROLES), in_range("version", 1))

    role: str = text_column(primary_key=True)
    version: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    content: bytes = Field(nullable=False, sa_type=LargeBinary)
    created_at: datetime = timestamp(nullable=False)


class ApproverKey(SQLModel, table=True):
    """Which person holds which key of the `targets` role."""

    __tablename__ = "approver_keys"

    keyid: str = text_column(primary_key=True)
    user_id: int = Field(foreign_key="users.id", nullable=False, index=True)
    public_key: str = text_column()
    added_at: datetime = timestamp(nullable=False)
    removed_at: datetime | None = timestamp()
