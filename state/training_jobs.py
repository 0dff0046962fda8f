"""Training jobs: the list, and the form that starts one."""

# ruff: noqa: RUF012 Reflex copies a default for every client

from typing import Any
from uuid import UUID

import reflex as rx
from pydantic import ValidationError

from app.domain.hyperparameters import describe
from app.domain.permissions import Permission
from app.schemas.dataset_versions import VersionFilter
from app.schemas.datasets import DatasetFilter
from app.schemas.model_versions import ModelVersionFilter
from app.schemas.training_jobs import TrainingJobCreate, TrainingJobFilter
from app.services import datasets, model_versions, training_jobs, versions
from state import views
from state.addresses import NEWEST
from state.base import Page, in_words, sortable
from state.marks import permission

HYPERPARAMETERS = describe()
PAGE = 25
_READ, _WRITE = Permission.JOBS_READ, Permission.JOBS_WRITE


class TrainingJobsState(sortable(_READ, "/jobs"), rx.State):
    """One page of jobs."""

    rows: list[views.JobRow] = []
    topics: list[str] = ["jobs"]
    status: str = ""

    @permission(_READ)
    async def load(self) -> None:
        """The first page, filtered as the address says."""
        query = self.router.url.query_parameters
        self.status, self.sort = query.get("status", ""), query.get("sort") or NEWEST
        self._first_page()
        await self._refresh()

    @permission(_READ)
    def filter_status(self, status: str) -> Any:
        """Put the filter into the address; loading follows from it."""
        return self._go(status=str(status))

    def _filters(self) -> dict[str, str]:
        return {"status": self.status}

    async def _refresh(self) -> None:
        try:
            wanted = TrainingJobFilter.model_validate({"status": self.status or None, "sort": self.sort})
        except ValidationError as error:
            self.problem = in_words(error)
            return
        page = await self._load(training_jobs.list_jobs, wanted, self._cursor(), PAGE)
        if page is None:
            return
        self.rows = [views.job_row(job) for job in page.items]
        self.topics = ["jobs", *(f"job:{row['id']}" for row in self.rows if row["status"] == "running")]
        self._shown(page, "job", "jobs")


class NewJobState(Page, rx.State):
    """The form of a new job."""

    is_open: bool = False
    datasets: list[views.Option] = []
    bases: list[views.Option] = []
    versions: list[views.Option] = []
    dataset_id: str = ""
    _modules: dict[str, str] = {}

    @permission(_WRITE)
    async def set_open(self, is_open: bool) -> None:
        """Open the form with the datasets that can be trained on, or close it."""
        self.form_error, self.bases, self.versions, self.dataset_id = "", [], [], ""
        self.is_open = bool(is_open)
        if not self.is_open:
            return
        page = await self._submit(datasets.list_datasets, DatasetFilter(), None, 200)
        found = [item for item in page.items if item.status != "archived" and item.verified_count] if page else []
        self._modules = {str(item.id): item.ai_module for item in found}
        self.datasets = [
            {"value": str(item.id), "label": f"{item.name} {item.version} · {item.verified_count:,} verified"}
            for item in found
        ]
        if not found and not self.form_error:
            self.form_error = "No dataset has verified samples yet. Label and verify some first."
        if len(found) == 1:
            await self._choose(str(found[0].id))

    @permission(_WRITE)
    async def choose_dataset(self, dataset_id: str) -> None:
        """Offer the dataset's versions, and the models of its module as a base."""
        await self._choose(str(dataset_id))

    async def _choose(self, dataset_id: str) -> None:
        self.dataset_id, self.bases, self.versions = dataset_id, [], []
        module = self._modules.get(dataset_id)
        if module is None:
            return
        page = await self._submit(model_versions.list_versions, ModelVersionFilter(ai_module=module), None, 100)
        self.bases = [
            {"value": str(item.id), "label": f"{item.version} · {item.status} · accuracy {views.share(item.accuracy)}"}
            for item in (page.items if page else [])
            if item.status != "deprecated"
        ]

        frozen = await self._submit(versions.list_versions, UUID(dataset_id), VersionFilter(), None, 50)
        self.versions = [
            {"value": str(item.id), "label": f"{item.version} · {item.sample_count:,} samples · {item.message}"[:100]}
            for item in (frozen.items if frozen else [])
            if item.has_samples
        ]

    @permission(_WRITE)
    async def submit(self, form: dict[str, Any]) -> Any:
        """Start the job and go to its page."""
        texts = {str(name): str(value).strip() for name, value in form.items()}
        request = self._parse(
            TrainingJobCreate,
            {
                "name": texts.get("name", ""),
                "description": texts.get("description", ""),
                "dataset_id": texts.get("dataset_id", ""),
                "dataset_version": texts.get("dataset_version") or None,
                "base_model_version": texts.get("base_model_version") or None,
                "seed": texts.get("seed") or 0,
                "hyperparameters": _hyperparameters(texts),
            },
        )
        job = await self._submit(training_jobs.create, request) if request else None
        if job is None:
            return None
        self.is_open = False
        return rx.redirect(f"/jobs/{job.id}")


def _hyperparameters(texts: dict[str, str]) -> dict[str, Any]:
    """The fields of the form that were filled, as the types they should be; what is not a number is refused later."""
    values: dict[str, Any] = {}
    for known in HYPERPARAMETERS:
        text = texts.get(known["name"], "")
        if text:
            values[known["name"]] = _typed(known, text)
    return values


def _typed(known: dict[str, Any], text: str) -> int | float | str:
    wants_number = known["kind"] != "choice" or all(isinstance(choice, int) for choice in known["choices"])
    for convert in (int, float) if wants_number else ():
        try:
            return convert(text)
        except ValueError:
            continue
    return text
