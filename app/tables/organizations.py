"""Organizations (tenants), their plan, and what each plan allows."""

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from app.domain.permissions import Plan
from app.tables.base import datetime, in_range, one_of, prefix_index, text_column, timestamp


class PlanLimits(SQLModel, table=True):
    """What a plan allows an organization; NULL is no limit. Rows with the specified defaults come with the schema."""

    __tablename__ = "plans"
    __table_args__ = (
        one_of("plan", Plan),
        in_range("training_jobs_per_month", 0),
        in_range("dataset_bytes", 0),
        in_range("active_models_per_module", 0),
    )

    plan: str = text_column(primary_key=True)
    training_jobs_per_month: int | None = None
    dataset_bytes: int | None = Field(default=None, sa_type=BigInteger)
    active_models_per_module: int | None = None
    custom_training: bool = Field(default=False, nullable=False)
    updated_at: datetime = timestamp(nullable=False)


class Organization(SQLModel, table=True):
    """A customer. Records without an organization are global, and no plan limits them."""

    __tablename__ = "organizations"
    __table_args__ = (
        one_of("plan", Plan),
        Index("ix_organizations_order", "created_at", "id"),
        prefix_index("ix_organizations_prefix", "name"),
    )

    id: int | None = Field(default=None, primary_key=True)
    name: str = text_column(unique=True)
    plan: str = text_column(default=Plan.PROFESSIONAL, foreign_key="plans.plan")
    created_at: datetime = timestamp(nullable=False)
