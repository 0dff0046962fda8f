"""What an organization has used of its plan, and the limits of the plans for those who set them."""

# ruff: noqa: RUF012 Reflex copies a default for every client

from decimal import Decimal
from typing import Any

import reflex as rx

from app.domain.permissions import Permission, Plan, permissions_of
from app.schemas.people import OrganizationFilter
from app.schemas.plans import PlanUpdate
from app.services import etags, organizations, plans, usage
from state import views
from state.addresses import address, number_of
from state.base import Page, caller
from state.marks import permission
from state.views.usage import PLAN_NAMES, Meter, PlanRow, module_meters, plan_meters, plan_row

GIGABYTE = 1_000_000_000
ABSURD = 10**18
_READ, _PLANS, _SET = Permission.USAGE_READ, Permission.ORGANIZATIONS_READ, Permission.ORGANIZATIONS_WRITE


class UsageState(Page, rx.State):
    """The usage of the own organization, or of the one that the address names."""

    organization: str = ""
    organizations: list[views.Option] = []
    name: str = ""
    plan: str = ""
    custom_training: bool = False
    meters: list[Meter] = []
    modules: list[Meter] = []
    more_modules: str = ""
    plans: list[PlanRow] = []

    @permission(_READ)
    async def load(self) -> None:
        """Whose usage, and, for those who choose, everything to choose from and what plans allow."""
        self.organization = self.router.url.query_parameters.get("organization", "")[:20]
        self.name, self.problem, self.loading = "", "", True
        if _PLANS in permissions_of(caller.get()):
            page = await self._do(organizations.list_organizations, OrganizationFilter(sort="name"), None, 200)
            found = page.items if page else []
            self.organizations = [
                {"value": str(item.id), "label": f"{item.name} · {PLAN_NAMES[item.plan]}"} for item in found
            ]
            await self.load_plans()
        await self._refresh()

    @permission(_PLANS)
    async def load_plans(self) -> None:
        """What each plan allows."""
        self.plans = [plan_row(item) for item in await self._do(plans.list_plans) or []]

    @permission(_READ)
    async def on_live(self, _topic: str, _data: dict[str, Any]) -> None:
        """A job or a version changed: count again."""
        await self._refresh()

    @permission(_PLANS)
    def choose(self, organization: str) -> Any:
        """Put the organization into the address; loading follows from it."""
        return rx.redirect(address("/usage", organization=str(organization)[:20]), replace=True)

    async def _refresh(self) -> None:
        wanted = number_of(self.organization)
        if wanted is None and self.organization:
            self.problem = "The address names no organization. Choose one from the list."
        elif wanted is not None or _PLANS not in permissions_of(caller.get()):
            await self._show(wanted)
        self.loading = False

    async def _show(self, organization_id: int | None) -> None:
        found = await self._load(usage.show, organization_id)
        if found is None:
            return
        self.name, self.plan = found.organization, PLAN_NAMES[found.plan]
        self.custom_training = found.custom_training
        self.meters, self.modules = plan_meters(found), module_meters(found)
        self.more_modules = f"and {found.more_modules:,} more modules" if found.more_modules else ""


class PlanState(Page, rx.State):
    """The form that changes the limits of a plan."""

    is_open: bool = False
    plan: str = ""
    name: str = ""
    jobs: str = ""
    gigabytes: str = ""
    models: str = ""
    custom_training: str = ""
    _tag: str = ""

    @permission(_SET)
    async def open_for(self, plan: str) -> None:
        """Open the form with the present limits of `plan`."""
        if plan not in PLAN_NAMES:
            return
        found = await self._do(plans.get, Plan(plan))
        if found is None:
            return
        self.form_error, self.plan, self.name = "", str(found.plan), PLAN_NAMES[found.plan]
        self.jobs, self.models = _text(found.training_jobs_per_month), _text(found.active_models_per_module)
        self.gigabytes = "" if found.dataset_bytes is None else f"{Decimal(found.dataset_bytes) / GIGABYTE:f}"
        self.custom_training = "yes" if found.custom_training else "no"
        self._tag, self.is_open = etags.etag(found), True

    @permission(_SET)
    def set_open(self, is_open: bool) -> None:
        """Close the form."""
        self.form_error, self.is_open = "", bool(is_open) and bool(self.plan)

    @permission(_SET)
    async def submit(self, form: dict[str, Any]) -> Any:
        """Change the limits, and show what follows from them."""
        texts = {str(name): str(value).strip() for name, value in form.items()}
        request = self._parse(
            PlanUpdate,
            {
                "training_jobs_per_month": texts.get("training_jobs_per_month") or None,
                "dataset_bytes": _bytes(texts.get("gigabytes", "")),
                "active_models_per_module": texts.get("active_models_per_module") or None,
                "custom_training": texts.get("custom_training") == "yes",
            },
        )
        if request is None or not self.plan:
            return None
        if await self._submit(plans.update, Plan(self.plan), request, frozenset({self._tag})) is None:
            return None
        self.is_open = False
        return UsageState.load


def _text(limit: int | None) -> str:
    return "" if limit is None else str(limit)


def _bytes(gigabytes: str) -> int | str | None:
    """Gigabytes as a person writes them, in bytes; what is no number, or an absurd one, is refused later as it is."""
    if not gigabytes:
        return None
    try:
        amount = Decimal(gigabytes) * GIGABYTE
        return int(amount) if abs(amount) < ABSURD else gigabytes
    except ArithmeticError:
        return gigabytes
