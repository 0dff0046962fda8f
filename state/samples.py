"""One dataset and its samples: found by filters in the address, looked through in the gallery, verified and rejected.

The gallery reads its tiles from the API by itself; here stand only the filters, what is picked (bounded) and one sample
that is opened.
"""

# ruff: noqa: RUF012 Reflex copies a default for every client

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import reflex as rx
from pydantic import ValidationError

from app import charts
from app.domain.permissions import Permission
from app.schemas.base import AS_TEXT
from app.schemas.datasets import DatasetUpdate
from app.schemas.samples import BATCH, SampleFilter, SamplesVerify
from app.schemas.videos import FrameCutCreate
from app.services import dataset_activity, datasets, etags, frame_cuts, labelling_queue, reviews, samples
from state import views
from state.addresses import address, uuid_of
from state.base import Page, in_words, store
from state.marks import permission
from state.views import frame_cuts as cuts
from state.views import sample_filters as named

_READ, _WRITE, _VERIFY = Permission.DATASETS_READ, Permission.DATASETS_WRITE, Permission.SAMPLES_VERIFY


class SamplesState(Page, rx.State):
    """The dataset whose id stands in the address, and which of its samples are looked at."""

    dataset: views.DatasetRow = views.NO_DATASET
    classes: list[views.Option] = []
    colours: dict[str, str] = {}
    people: list[views.Option] = []
    activity: list[views.ActivityRow] = []
    balance: list[dict[str, Any]] = []
    filters: dict[str, str] = named.shown_in_form({})
    chips: list[named.Chip] = []
    query: str = ""
    is_filtering: bool = False
    revision: int = 0
    picked: list[str] = []
    opened: views.SampleCard = views.NO_SAMPLE
    is_rejecting: bool = False
    cut: cuts.CutRow = cuts.NO_CUT
    cut_by: str = cuts.EVERY
    _duration_ms: int = 0
    _tag: str = ""

    @permission(_READ)
    async def load(self) -> Any:
        """The dataset, and what of it the address asks for."""
        url = self.router.url
        dataset_id = uuid_of(url.path)
        if dataset_id is None:
            self.problem, self.loading = "There is no such dataset. Choose one from the list.", False
            return
        self.picked, self.opened, self.is_rejecting, self.is_filtering = [], views.NO_SAMPLE, False, False
        if self.dataset["id"] != str(dataset_id):
            self.dataset, self.balance, self.activity, self.query = views.NO_DATASET, [], [], ""
            self.loading, self.problem = True, ""
            yield
        wanted = named.chosen(url.query_parameters)
        if not self._understood(wanted):
            return
        if not await self._counts(dataset_id):
            return
        self.filters, self.query = named.shown_in_form(wanted), urlencode(wanted)
        if self.dataset["labeled"] and not self.balance:
            self.balance = self._linked(charts.class_balance_to_come(one["value"] for one in self.classes))
        yield  # to count the classes of a very large dataset takes a second
        await self._figures(dataset_id)
        self.chips = named.chips(wanted, self.people)

    @permission(_READ)
    def filter_by(self, name: str, value: str) -> Any:
        """Put one filter into the address, or take it away; loading follows from it."""
        return self._go({**self._wanted(), str(name): str(value)})

    @permission(_READ)
    def filter_form(self, form: dict[str, Any]) -> Any:
        """Put everything that the form says into the address."""
        wanted = {**self._wanted(), **named.from_form(form)}
        if not self._understood({name: value for name, value in wanted.items() if value}, in_form=True):
            return None
        self.is_filtering = False
        return self._go(wanted)

    @permission(_READ)
    def clear_filters(self) -> Any:
        """Show everything, newest first."""
        return self._go({})

    @permission(_READ)
    def show_filters(self, is_open: bool) -> None:
        """Open or close the form of all filters."""
        self.is_filtering, self.form_error = bool(is_open), ""

    @permission(_READ)
    async def open_sample(self, sample_id: str) -> None:
        """Show one sample large."""
        try:
            wanted = UUID(sample_id)
        except ValueError:
            return
        found = await self._do(labelling_queue.get, UUID(self.dataset["id"]), wanted, store())
        if found is not None:
            self.opened, self.form_error = views.sample_card(found, self.colours), ""
            self.cut, self._duration_ms = cuts.NO_CUT, found.duration_ms or 0
            await self._last_cut()

    @permission(_READ)
    def close_sample(self, is_open: bool) -> None:
        """The dialog was closed."""
        if not is_open:
            self.opened, self.form_error = views.NO_SAMPLE, ""

    @permission(_WRITE)
    def choose_cut(self, by: str) -> None:
        """By what the frames of the open video are chosen."""
        self.cut_by = cuts.SCENES if by == cuts.SCENES else cuts.EVERY

    @permission(_WRITE)
    async def cut_frames(self, form: dict[str, Any]) -> None:
        """Ask for the frames of the open video."""
        request = self._parse(FrameCutCreate, cuts.wish(form)) if self.opened["is_video"] else None
        if request is not None:
            await self._submit(frame_cuts.create, *self._video(), request)
            await self._last_cut()  # where somebody else was faster, theirs

    @permission(_WRITE)
    async def cancel_cut(self) -> None:
        """Stop the cut that runs; its frames stay."""
        if self.cut["is_open"]:
            await self._do(frame_cuts.cancel, *self._video(), UUID(self.cut["id"]))
            await self._last_cut()

    @permission(_VERIFY)
    def pick(self, more: list[str], fewer: list[str]) -> None:
        """Pick some samples and put others back; the rest stays as it is."""
        back = {str(one) for one in fewer}
        kept = [one for one in self.picked if one not in back]
        self.picked = list(dict.fromkeys([*kept, *(str(one)[:36] for one in more[:BATCH])]))[:BATCH]

    @permission(_VERIFY)
    async def pick_waiting(self) -> None:
        """Pick the labelled samples of this list that wait for a decision, or put all back."""
        if self.picked:
            self.picked = []
            return
        wanted = self._filter({**self._wanted(), "status": "labeled"})
        found = wanted and await self._do(samples.ids, UUID(self.dataset["id"]), wanted, BATCH)
        self.picked = [str(one) for one in found or []]
        if found is not None and not found:
            self._tell("None of these samples waits for a decision.", "info")

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

    @permission(_READ)
    async def on_live(self, _topic: str, _data: dict[str, Any]) -> None:
        """Somebody changed something: the counts and the open video's cut again. The gallery hears of it by itself."""
        if self.dataset["id"]:
            await self._counts(UUID(self.dataset["id"]))
            await self._last_cut()

    def _video(self) -> tuple[UUID, UUID]:
        return UUID(self.dataset["id"]), UUID(self.opened["id"])

    async def _last_cut(self) -> None:
        """How far the newest cut of the open video is."""
        found = await self._do(frame_cuts.latest, *self._video()) if self.opened["is_video"] else None
        if found:
            self.cut = cuts.cut_row(found[0], self._duration_ms)

    def _wanted(self) -> dict[str, str]:
        return named.chosen(self.router.url.query_parameters)

    def _go(self, wanted: dict[str, str]) -> Any:
        return rx.redirect(address(f"/datasets/{self.dataset['id']}", **named.chosen(wanted)), replace=True)

    def _filter(self, wanted: dict[str, str]) -> SampleFilter | None:
        return self._parse(SampleFilter, wanted)

    def _understood(self, wanted: dict[str, str], *, in_form: bool = False) -> bool:
        """True if the filters mean something; else the page, or its form, says what is wrong with them."""
        try:
            SampleFilter.model_validate(wanted, context=AS_TEXT)
        except ValidationError as error:
            if in_form:
                self.form_error = in_words(error)
            else:
                self.problem, self.loading = in_words(error), False
            return False
        return True

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
        self.revision += 1
        await self._refresh(dataset_id)

    async def _counts(self, dataset_id: UUID) -> bool:
        dataset = await self._load(datasets.get, dataset_id)
        if dataset is None:
            return False
        self.dataset, self._tag = views.dataset_row(dataset), etags.etag(dataset)
        known = dataset.label_schema["classes"]
        self.classes = [{"value": str(one["name"]), "label": str(one["name"])} for one in known]
        self.colours = {str(one["name"]): str(one.get("color", "")) for one in known}
        return True

    def _linked(self, bars: list[charts.Bar]) -> list[dict[str, Any]]:
        path = f"/datasets/{self.dataset['id']}"
        return [{**bar, "href": address(path, label=bar["label"])} for bar in bars]

    async def _refresh(self, dataset_id: UUID) -> None:
        if await self._counts(dataset_id):
            await self._figures(dataset_id)

    async def _figures(self, dataset_id: UUID) -> None:
        counts = await self._load(samples.class_counts, dataset_id)
        lately = await self._load(dataset_activity.show, dataset_id)
        if counts is None or lately is None:
            return
        self.balance = self._linked(charts.class_balance_bars(counts)) if self.dataset["labeled"] else []
        self.people = [{"value": str(one.user_id), "label": one.name} for one in lately.people]
        self.activity = [views.activity_row(one) for one in lately.people]
        self.loading = False
