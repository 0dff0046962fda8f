"""Plans, and how much of them an organization has used, as callers send and see them."""

from typing import ClassVar

from pydantic import Field

from app.domain.permissions import Plan
from app.domain.quotas import Level
from app.schemas.base import Request, View, datetime

MAX_COUNT = 1_000_000
MAX_BYTES = 10**15  # a thousand terabytes; every JSON reader holds it exactly


class PlanUpdate(Request):
    """All limits of a plan, as they shall be; null is no limit. None may be left out, so none changes by oversight."""

    training_jobs_per_month: int | None = Field(ge=0, le=MAX_COUNT, examples=[10])
    dataset_bytes: int | None = Field(ge=0, le=MAX_BYTES, examples=[10_000_000_000])
    active_models_per_module: int | None = Field(ge=0, le=MAX_COUNT, examples=[5])
    custom_training: bool = Field(description="Whether an organization may train on its own datasets")


class PlanView(View):
    """What a plan allows each organization; null is no limit."""

    EDITED: ClassVar = ("plan", *PlanUpdate.model_fields)

    plan: Plan
    training_jobs_per_month: int | None
    dataset_bytes: int | None
    active_models_per_module: int | None
    custom_training: bool
    updated_at: datetime


class Used(View):
    """How much of one limit is used."""

    used: int
    allowed: int | None = Field(description="null is no limit")
    level: Level = Field(description="near from 80 % on; not_included where the plan allows nothing")


class JobsUsed(Used):
    """Training jobs of this calendar month (UTC), without those cancelled before a worker took them."""

    resets_at: datetime = Field(description="When the count begins anew")


class ModelsUsed(Used):
    """Released versions of one module."""

    ai_module: str


class UsageView(View):
    """What an organization has used of its plan. Only the number of training jobs begins anew with time."""

    organization_id: int
    organization: str
    plan: Plan
    custom_training: bool = Field(description="Whether it may train on its own datasets")
    training_jobs: JobsUsed
    dataset_bytes: Used = Field(description="All its datasets together")
    active_models_allowed: int | None = Field(description="For each module; null is no limit")
    active_models: list[ModelsUsed] = Field(description="Modules it has versions of, those with most released first")
    more_modules: int = Field(description="Modules that are left out here")
