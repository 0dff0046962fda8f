"""One training job: how far it is, the tail of its log, what came of it. Curves have a way of their own."""

# ruff: noqa: RUF012 Reflex copies a default for every client

from typing import Any
from uuid import UUID

import reflex as rx

from app import charts
from app.domain.hyperparameters import describe
from app.domain.machines import JOB_FINISHED
from app.domain.permissions import Permission
from app.schemas.training_jobs import TrainingJobView
from app.services import datasets, training_jobs
from state import views
from state.addresses import uuid_of
from state.base import Page
from state.marks import permission
from state.used_versions import used_version
from state.views.used_version import NO_USED, UsedRow

LOG_TAIL = 12_000
ORDER = [known["name"] for known in describe()]
SPLITS = (("train", "to train"), ("validation", "to validate"), ("test", "to test"))
_READ, _WRITE = Permission.JOBS_READ, Permission.JOBS_WRITE


class TrainingJobState(Page, rx.State):
    """The job whose id stands in the address."""

    job: views.JobRow = views.NO_JOB
    topics: list[str] = []
    dataset_id: str = ""
    dataset_name: str = ""
    used: UsedRow = NO_USED
    base_version_id: str = ""
    model_version_id: str = ""
    started_at: str = ""
    completed_at: str = ""
    seed: str = ""
    is_finished: bool = False
    is_cancelling: bool = False
    hyperparameters: list[views.Pair] = []
    split: str = ""
    scores: list[views.Pair] = []
    labels: list[str] = []
    matrix: list[list[int]] = []
    per_class: list[dict[str, Any]] = []
    log: str = ""
    log_cut: bool = False
    _log_offset: int = 0

    @permission(_READ)
    async def load(self) -> Any:
        """The job from the beginning; another job's facts are gone before this one's arrive."""
        job_id = uuid_of(self.router.url.path)
        if job_id is None:
            self.problem, self.loading = "There is no such training job. Choose one from the list.", False
            return
        if self.job["id"] != str(job_id):
            self.loading, self.job, self.dataset_name, self.used = True, views.NO_JOB, "", NO_USED
            self.problem = self.log = ""
            self.labels, self.matrix, self.per_class, self.scores = [], [], [], []
            self.is_finished = self.log_cut = False
            self._log_offset = 0
            yield
        await self._refresh(job_id, anew=True)

    @permission(_READ)
    async def on_live(self, _topic: str, _data: dict[str, Any]) -> None:
        """The job moved on: look again."""
        if self.job["id"]:
            await self._refresh(UUID(self.job["id"]))

    @permission(_WRITE)
    async def cancel(self) -> None:
        """Ask the job to stop."""
        if not self.job["id"]:
            return
        job = await self._do(training_jobs.cancel, UUID(self.job["id"]))
        if job is not None:
            self._show(job)
            self._tell("Cancelled." if self.is_finished else "The job stops after the batch it is working on.")

    async def _refresh(self, job_id: UUID, *, anew: bool = False) -> None:
        """`anew`: the page was opened, so what may have become of its dataset is read again too."""
        job = await self._load(training_jobs.get, job_id)
        if job is None:
            return
        self._show(job)
        await self._read_log(job_id)
        if not self.dataset_name:
            dataset = await self._do(datasets.get, job.dataset_id)
            self.dataset_name = dataset.name if dataset else "dataset"
        if anew or (not self.used["version"] and job.dataset_version_id):
            self.used = await used_version(job.dataset_id, job.dataset_version_id)
        self.loading = False

    async def _read_log(self, job_id: UUID) -> None:
        """Append what came since; only the tail is kept."""
        while (part := await self._do(training_jobs.logs, job_id, self._log_offset)) is not None and part.text:
            self._log_offset = part.next_offset
            whole = self.log + part.text
            self.log_cut = self.log_cut or len(whole) > LOG_TAIL
            self.log = whole[-LOG_TAIL:].partition("\n")[2] if len(whole) > LOG_TAIL else whole

    def _show(self, job: TrainingJobView) -> None:
        self.job = views.job_row(job)
        self.topics = [f"job:{job.id}"]
        self.is_finished = job.status in JOB_FINISHED
        self.is_cancelling = job.cancel_requested_at is not None and not self.is_finished
        self.dataset_id = str(job.dataset_id)
        self.base_version_id = str(job.base_model_version or "")
        self.model_version_id = str(job.output_model_version or "")
        self.started_at, self.completed_at = views.iso(job.started_at), views.iso(job.completed_at)
        self.seed = str(job.training_config.get("seed", 0))
        self.hyperparameters = views.pairs({name: job.hyperparameters.get(name) for name in ORDER})
        counts = job.training_config.get("split", {}).get("counts", {})
        self.split = " · ".join(f"{counts[name]:,} {word}" for name, word in SPLITS if name in counts)
        self._show_scores(job.metrics)

    def _show_scores(self, metrics: dict[str, Any]) -> None:
        names = ("accuracy", "precision", "recall", "f1")
        self.scores = [
            {"name": name.capitalize(), "value": views.share(metrics[name])} for name in names if name in metrics
        ]
        self.labels = [str(label) for label in metrics.get("labels", [])]
        self.matrix = metrics.get("confusion_matrix", [])
        self.per_class = [dict(bar) for bar in charts.per_class_bars(metrics.get("per_class", {}))]
