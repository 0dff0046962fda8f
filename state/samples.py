"""One dataset and its samples: a gallery that is looked through, verified and rejected."""

# ruff: noqa: RUF012 Reflex copies a default for every client

from typing import Any
from uuid import UUID

import reflex as rx
from pydantic import ValidationError

from app import charts
from app.domain.permissions import Permission
from app.schemas.datasets import DatasetUpdate
from app.schemas.samples import SampleFilter, SamplesVerify
from app.services import datasets, etags, reviews, samples
from state import views
from state.addresses import address, uuid_of
from state.base import Paged, in_words, store
from state.marks import permission

PAGE = 60
_READ, _WRITE, _VERIFY = Permission.DATASETS_READ, Permission.DATASETS_WRITE, Permission.SAMPLES_VERIFY


class SamplesState(Paged, rx.State):
    """The dataset whose id stands in the address, and one page of its samples."""

    dataset: views.DatasetRow = views.NO_DATASET
    classes: list[views.Option] = []
    balance: list[dict[str, Any]] = []
    rows: list[views.SampleCard] = []
    status: str = ""
    label: str = ""
    picked: list[str] = []
    opened: views.SampleCard = views.NO_SAMPLE
    is_rejecting: bool = False
    _tag: str = ""

    @permission(_READ)
    async def load(self) -> Any:
        """The dataset and its first page, filtered as the address says."""
        url = self.router.url
        self.status, self.label = url.query_parameters.get("status", ""), url.query_parameters.get("label", "")
        dataset_id = uuid_of(url.path)
        if dataset_id is None:
            self.problem, self.loading = "There is no such dataset. Choose one from the list.", False
            return
        self.picked, self.opened, self.is_rejecting = [], views.NO_SAMPLE, False
        if self.dataset["id"] != str(dataset_id):
            self.dataset, self.rows, self.balance = views.NO_DATASET, [], []
            self.loading, self.problem = True, ""
            yield
        self._first_page()
        await self._refresh(dataset_id)

    @permission(_READ)
    async def next_page(self) -> None:
        """Older samples."""
        await self._page(forward=True)

    @permission(_READ)
    async def previous_page(self) -> None:
        """Newer samples."""
        await self._page(forward=False)

    @permission(_READ)
    def filter_status(self, value: str) -> Any:
        """Put the filter into the address; loading follows from it."""
        return rx.redirect(address(self._path(), status=str(value), label=self.label), replace=True)

    @permission(_READ)
    def filter_label(self, value: str) -> Any:
        """Put the filter into the address."""
        return rx.redirect(address(self._path(), status=self.status, label=str(value)), replace=True)

    @permission(_READ)
    def open_sample(self, sample_id: str) -> None:
        """Show one sample large, or none."""
        self.opened = next((row for row in self.rows if row["id"] == sample_id), views.NO_SAMPLE)

    @permission(_READ)
    def close_sample(self, is_open: bool) -> None:
        """The dialog was closed."""
        if not is_open:
            self.opened = views.NO_SAMPLE

    @permission(_VERIFY)
    def toggle(self, sample_id: str) -> None:
        """Pick a sample, or put it back."""
        known = {row["id"] for row in self.rows}
        if sample_id in self.picked:
            self.picked = [one for one in self.picked if one != sample_id]
        elif sample_id in known:
            self.picked = [*self.picked, sample_id]

    @permission(_VERIFY)
    def pick_all(self) -> None:
        """Pick every labelled sample of this page that still waits, or put all back."""
        waiting = [row["id"] for row in self.rows if row["status"] == "labeled"]
        self.picked = [] if self.picked else waiting or [row["id"] for row in self.rows]

    @permission(_VERIFY)
    async def verify(self) -> None:
        """Accept the labels of the picked samples."""
        await self._decide({"verified": True})

    @permission(_VERIFY)
    def ask_reason(self, is_open: bool) -> None:
        """Open or close the question why the picked samples are rejected."""
        self.is_rejecting, self.form_error = bool(is_open), ""

    @permission(_VERIFY)
    async def reject(self, form: dict[str, Any]) -> None:
        """Reject the labels of the picked samples, with a reason."""
        reason = str(form.get("reason", "")).strip()
        if not reason:
            self.form_error = "Say why, so that whoever labels them again knows what to change."
            return
        await self._decide({"verified": False, "rejection_reason": reason})
        self.is_rejecting = False

    @permission(_WRITE)
    async def set_status(self, status: str) -> None:
        """Make the dataset active, put it back to draft, or archive it."""
        request = self._parse(DatasetUpdate, {"status": status})
        if request is None:
            return
        dataset_id = UUID(self.dataset["id"])
        changed = await self._do(datasets.update, dataset_id, request, frozenset({self._tag}))
        if changed is not None:
            self._tell(f"The dataset is {changed.status} now.")
        await self._refresh(dataset_id)

    def _path(self) -> str:
        return f"/datasets/{self.dataset['id']}"

    async def _page(self, *, forward: bool) -> None:
        self._turn(forward)
        self.picked = []
        await self._refresh(UUID(self.dataset["id"]))

    async def _decide(self, decision: dict[str, Any]) -> None:
        request = self._parse(SamplesVerify, {"sample_ids": self.picked, **decision})
        if request is None:
            self._tell("Pick samples first.", "warning")
            return
        dataset_id = UUID(self.dataset["id"])
        done = await self._do(reviews.verify_many, dataset_id, request)
        if done is not None:
            word = "verified" if request.verified else "rejected"
            self._tell(f"{done.count} {'sample' if done.count == 1 else 'samples'} {word}.")
            self.picked = []
        await self._refresh(dataset_id)

    async def _refresh(self, dataset_id: UUID) -> None:
        try:
            wanted = SampleFilter.model_validate({"status": self.status or None, "label": self.label or None})
        except ValidationError as error:
            self.problem = in_words(error)
            return
        dataset = await self._load(datasets.get, dataset_id)
        if dataset is None:
            return
        counts = await self._load(samples.class_counts, dataset_id)
        page = await self._load(samples.list_samples, dataset_id, wanted, store(), self._cursor(), PAGE)
        if page is None or counts is None:
            return
        self.balance = [dict(bar) for bar in charts.class_balance_bars(counts)] if dataset.labeled_count else []
        self.dataset, self._tag = views.dataset_row(dataset), etags.etag(dataset)
        names = [str(known["name"]) for known in dataset.label_schema["classes"]]
        self.classes = [{"value": name, "label": name} for name in names]
        self.rows = [views.sample_card(item) for item in page.items]
        self._shown(page, "sample", "samples")
