"""Review of one dataset: the queue by risk, one label at a time, and truth that is planted.

What is decided is decided about the label that was shown: its entity tag goes along. Afterwards the next one is shown.
"""

# ruff: noqa: RUF012 Reflex copies a default for every client

from typing import Any
from uuid import UUID

import reflex as rx
from pydantic import ValidationError

from app.domain.permissions import Permission
from app.schemas.datasets import DatasetUpdate
from app.schemas.ground_truth import GroundTruthPlant
from app.schemas.review_queue import QueueFilter, Waiting
from app.schemas.samples import SampleVerify
from app.services import datasets, ground_truth, review_queue, reviews
from state import views
from state.addresses import address, dataset_of
from state.base import Page, in_words, store
from state.marks import permission
from state.views.review import NOTHING, QueueCard, colours, queue_card

SHOWN = 48
_VERIFY, _WRITE = Permission.SAMPLES_VERIFY, Permission.DATASETS_WRITE
FORMS = ("reject", "fix", "plant", "")


class ReviewState(Page, rx.State):
    """The labels of a dataset that wait for this person; `form` names the dialog that is open."""

    dataset: views.DatasetRow = views.NO_DATASET
    rows: list[QueueCard] = []
    current: QueueCard = NOTHING
    boxes: list[dict[str, Any]] = []
    palette: dict[str, str] = {}
    classes: list[views.Option] = []
    task: str = ""
    reason: str = ""
    waiting: int = 0
    own: int = 0
    returned: int = 0
    planted: int = 0
    is_single: bool = False
    region: list[float] = []
    form: str = ""
    _items: dict[str, Waiting] = {}

    @permission(_VERIFY)
    async def load(self) -> None:
        """The queue of the dataset in the address, narrowed as the address says."""
        url = self.router.url
        self.reason = url.query_parameters.get("reason", "")
        dataset_id = dataset_of(url.path)
        if dataset_id is None:
            self.problem, self.loading = "There is no such dataset. Choose one from the list.", False
            return
        if self.dataset["id"] != str(dataset_id):
            self.rows, self.current, self.dataset, self.form = [], NOTHING, views.NO_DATASET, ""
        await self._refresh(dataset_id)
        truths = None if self.problem else await self._load(ground_truth.show, dataset_id)
        self.planted = truths.planted if truths else 0

    @permission(_VERIFY)
    def filter_reason(self, value: str) -> Any:
        """Put the filter into the address; loading follows from it."""
        return rx.redirect(address(f"/datasets/{self.dataset['id']}/review", reason=str(value)), replace=True)

    @permission(_VERIFY)
    def show(self, sample_id: str) -> None:
        """Look at another one of those that wait."""
        self._show(str(sample_id))

    @permission(_VERIFY)
    def mark(self, region: list[float]) -> None:
        """The part of the picture that a rejection is about; an empty list takes it away."""
        numbers = isinstance(region, list) and all(isinstance(one, int | float) for one in region)
        self.region = [float(one) for one in region] if numbers and len(region) == 4 else []

    @permission(_VERIFY)
    async def act(self, action: str) -> None:
        """What a key asked for."""
        if action == "accept":
            await self._decide({})
        elif action in {"reject", "fix"} and self.current["id"]:
            self._open(action)
        elif action in {"next", "previous"}:
            self._step(1 if action == "next" else -1)

    @permission(_VERIFY)
    async def accept(self) -> None:
        """The label is right."""
        await self._decide({})

    @permission(_VERIFY)
    async def reject(self, form: dict[str, Any]) -> None:
        """The label is wrong, and this is why; it returns to its author."""
        reason = str(form.get("reason", "")).strip()
        if not reason:
            self.form_error = "Say why, so that its author knows what to change."
            return
        await self._decide({"verified": False, "rejection_reason": reason, "region": self.region or None})

    @permission(_VERIFY)
    async def fix(self, form: dict[str, Any]) -> None:
        """Put the label right and accept it."""
        names = [entry["value"] for entry in self.classes if f"class-{entry['value']}" in form]
        labels = {"class": str(form.get("class", ""))} if self.task == "classification" else {"classes": names}
        await self._decide({"fix": {"labels": labels}})

    @permission(_VERIFY)
    def open_form(self, form: str) -> None:
        """Open a dialog."""
        self._open(str(form))

    @permission(_VERIFY)
    def close_form(self, is_open: bool) -> None:
        """Close the dialog; a marked region stays for the next try."""
        if not is_open:
            self.form = self.form_error = ""

    @permission(_WRITE)
    async def set_single(self, is_single: bool) -> None:
        """Whether people may verify their own labels."""
        request = self._parse(DatasetUpdate, {"single_person_review": bool(is_single)})
        if request is None:
            return
        dataset_id = UUID(self.dataset["id"])
        changed = await self._do(datasets.update, dataset_id, request)
        if changed is not None:
            self._tell("One person may review now." if changed.single_person_review else "Two people review now.")
        await self._refresh(dataset_id)

    @permission(_VERIFY)
    async def plant(self, form: dict[str, Any]) -> None:
        """Plant what was verified about some samples, drawn at random."""
        request = self._parse(GroundTruthPlant, {"from_verified": str(form.get("count", "")).strip()})
        if request is None:
            return
        done = await self._submit(ground_truth.plant, UUID(self.dataset["id"]), request)
        if done is not None:
            self.form, self.planted = "", done.planted
            self._tell(f"{done.planted} samples measure annotators now. Nobody is told which.")

    @permission(_VERIFY)
    async def forget_truths(self) -> None:
        """Forget all planted truths."""
        done = await self._do(ground_truth.remove, UUID(self.dataset["id"]))
        if done is not None:
            self.planted = done.planted
            self._tell("No truth is planted any more.")

    def _open(self, form: str) -> None:
        self.form_error, self.form = "", form if form in FORMS else ""

    async def _decide(self, decision: dict[str, Any]) -> None:
        shown = self._items.get(self.current["id"])
        if shown is None:
            return
        try:
            request = SampleVerify.model_validate(decision)
        except ValidationError as error:
            self.form_error = in_words(error)
            return
        dataset_id, tag = UUID(self.dataset["id"]), frozenset({shown.sample.etag})
        run = self._submit if self.form else self._do
        done = await run(reviews.verify, dataset_id, shown.sample.id, request, tag)
        if self.form and done is None:
            return
        self.form, self.region = "", []
        if done is not None:
            self._tell("Rejected. It returns to its author." if not request.verified else "Accepted.")
            self._step(1)
        await self._refresh(dataset_id)

    def _step(self, by: int) -> None:
        ids = [row["id"] for row in self.rows]
        if self.current["id"] in ids:
            self._show(ids[(ids.index(self.current["id"]) + by) % len(ids)])

    def _show(self, sample_id: str) -> None:
        self.current = next((row for row in self.rows if row["id"] == sample_id), NOTHING)
        shown = self._items.get(self.current["id"])
        self.boxes, self.region = (list(shown.sample.annotations) if shown else []), []

    async def _refresh(self, dataset_id: UUID) -> None:
        try:
            wanted = QueueFilter.model_validate({"reason": self.reason or None, "limit": SHOWN})
        except ValidationError as error:
            self.problem = in_words(error)
            return
        dataset = await self._load(datasets.get, dataset_id)
        found = await self._load(review_queue.queue, dataset_id, wanted, store()) if dataset else None
        if dataset is None or found is None:
            return
        self.dataset = views.dataset_row(dataset)
        self.is_single, self.task = dataset.single_person_review, str(dataset.label_schema["task"])
        self.palette = colours(dataset.label_schema)
        self.classes = [{"value": name, "label": name} for name in self.palette]
        self.waiting, self.own, self.returned = found.waiting, found.own, found.returned
        self._items = {str(item.sample.id): item for item in found.items}
        self.rows = [queue_card(item) for item in found.items]
        region = self.region
        still = self.current["id"] if self.current["id"] in self._items else next(iter(self._items), "")
        kept = still == self.current["id"]
        self._show(still)
        self.region = region if kept else []
        self.loading = False
