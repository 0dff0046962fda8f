"""Status for phones: what trains and what the edge servers run, in one page."""

# ruff: noqa: RUF012 Reflex copies a default for every client

from typing import Any

import reflex as rx

from app.domain.edge_health import LATE_AFTER_INTERVALS
from app.domain.machines import JOB_FINISHED
from app.domain.permissions import Permission
from app.schemas.status import TrainingStatus
from app.services import status
from app.settings import get_settings
from state import views
from state.base import Page
from state.marks import permission

SHARED = ["jobs", "edges", "deployments", "models", "ping"]
# A tab watches 64 topics at most.
RUNNING_TOPICS = 50
_READ = Permission.JOBS_READ


class StatusState(Page, rx.State):
    """Jobs and edge servers, as they were last heard."""

    jobs: list[views.StatusJob] = []
    edges: list[views.StatusEdge] = []
    topics: list[str] = SHARED
    jobs_note: str = ""
    edges_note: str = ""
    more_jobs: str = ""
    more_edges: str = ""

    @permission(_READ)
    async def load(self) -> None:
        """Everything the page shows."""
        found = await self._load(status.show)
        if found is not None:
            self._show(found)

    @permission(_READ)
    async def on_live(self, _topic: str, _data: dict[str, Any]) -> None:
        """Something changed: look again."""
        await self.load()

    def _show(self, found: TrainingStatus) -> None:
        job_limit = int(status.JOB_STALE_AFTER.total_seconds())
        edge_limit = LATE_AFTER_INTERVALS * get_settings().heartbeat_interval_seconds
        self.jobs = [views.status_job(job, job_limit) for job in found.jobs]
        self.edges = [views.status_edge(edge, edge_limit) for edge in found.edge_servers]
        running = [row["id"] for row in self.jobs if row["status"] == "running"]
        self.topics = [*SHARED, *(f"job:{job_id}" for job_id in running[:RUNNING_TOPICS])]
        waiting = sum(job.status not in JOB_FINISHED for job in found.jobs) - len(running)
        healthy = sum(row["health"] == "ok" and not row["is_revoked"] for row in self.edges)
        self.jobs_note = f"{len(running)} running, {waiting} waiting" if self.jobs else ""
        self.edges_note = f"{healthy} of {len(self.edges)} healthy" if self.edges else ""
        self.more_jobs = _left_out(found.more_jobs, "job", "jobs")
        self.more_edges = _left_out(found.more_edge_servers, "edge server", "edge servers")
        self.loading = False


def _left_out(count: int, one: str, more: str) -> str:
    return f"{count:,} more {one if count == 1 else more} in the list" if count else ""
