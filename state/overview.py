"""The overview: counts around the loop, what needs a person now, the newest of everything."""

# ruff: noqa: RUF012 Reflex copies a default for every client

from typing import Any

import reflex as rx

from app.domain.permissions import Permission
from app.schemas.overview import Overview
from app.services import overview
from state import views
from state.base import Page
from state.marks import permission

STATIONS = ("dataset", "labels", "training", "model_version", "approval", "release", "edge", "heartbeat")


class OverviewState(Page, rx.State):
    """One glance at the loop."""

    counts: dict[str, str] = dict.fromkeys(STATIONS, "")
    waiting: int = 0
    approved: int = 0
    failed: int = 0
    unverified: str = ""
    unverified_at: str = ""
    is_empty: bool = False
    needs_person: bool = False
    is_moving: bool = False
    jobs: list[views.JobRow] = []
    deployments: list[views.DeploymentLine] = []
    events: list[views.EventRow] = []

    @permission(Permission.DATASETS_READ)
    async def load(self) -> None:
        """Everything the page shows."""
        found = await self._load(overview.show)
        if found is not None:
            self._show(found)

    @permission(Permission.DATASETS_READ)
    async def on_live(self, _topic: str, _data: dict[str, Any]) -> None:
        """Something changed: look again."""
        await self.load()

    def _show(self, found: Overview) -> None:
        self.waiting, self.approved = found.models_waiting_for_approval, found.models_approved
        self.failed = found.deployments_failed
        self.is_empty = found.datasets == 0
        labels = found.labels_to_verify
        self.unverified = views.to_verify(labels)
        self.unverified_at = f"/datasets/{labels.dataset_id}" if labels else ""
        self.needs_person = bool(self.waiting or self.approved or self.failed or self.unverified)
        self.is_moving = bool(found.jobs_running or found.deployments_unfinished)
        self.counts = {
            "dataset": f"{found.datasets:,}",
            "labels": f"{found.verified:,} of {found.samples:,}",
            "training": f"{found.jobs_running} running" if found.jobs_running else f"{found.jobs_completed:,} done",
            "model_version": str(found.models_waiting_for_approval + found.models_approved + found.models_released),
            "approval": f"{self.waiting} waiting" if self.waiting else "none waiting",
            "release": str(found.models_released),
            "edge": str(found.edges),
            "heartbeat": f"{found.edges_online} of {found.edges}",
        }
        self.jobs = [views.job_row(job) for job in found.recent_jobs]
        self.deployments = [views.deployment_line(row) for row in found.recent_deployments]
        self.events = [views.event_row(event) for event in found.recent_events]
        self.loading = False
