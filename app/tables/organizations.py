"""Organizations (tenants) and their plan."""

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from app.domain.permissions import Plan
from app.tables.base import datetime, one_of, text_column, timestamp


class Organization(SQLModel, table=True):
    """A customer. Records without an organization are global."""

    __tablename__ = "organizations"
    __table_args__ = (one_of("plan", Plan), Index("ix_organizations_order", "created_at", "id"))

    id: int | None = Field(default=None, primary_key=True)
    name: str = text_column(unique=True)
    plan: str = text_column(default=Plan.PROFESSIONAL)
    created_at: datetime = timestamp(nullable=False)
