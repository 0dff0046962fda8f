"""The opinions about a dataset's samples: how far they are, where people differ, and one sample side by side."""

# ruff: noqa: RUF012 Reflex copies a default for every client

from typing import Any
from uuid import UUID

import reflex as rx

from app.domain.permissions import Permission, PersonActor
from app.schemas.opinions import Adjudicate, DecisionFilter, DisagreementFilter, OpinionProgress, OpinionSettings
from app.services import adjudication, datasets, etags, labelling_queue, opinion_views
from state import views
from state.addresses import address, dataset_of, uuid_of
from state.base import caller, paged, store
from state.marks import permission
from state.views import opinions as words

PAGE, RECENT = 24, 10
_READ, _WRITE = Permission.DATASETS_READ, Permission.DATASETS_WRITE


class OpinionsState(paged(_READ), rx.State):  # type: ignore[misc]
    """The dataset whose id stands in the address, its queue of disagreements, and the sample that is opened."""

    dataset: views.DatasetRow = views.NO_DATASET
    asks_several: bool = False
    rule: str = ""
    settings: dict[str, str] = {}
    counts: list[dict[str, Any]] = []
    people: list[dict[str, Any]] = []
    rows: list[words.DisagreementRow] = []
    decisions: list[words.DecisionRow] = []
    sample_id: str = ""
    sample_state: str = ""
    sample_url: str = ""
    sample_note: str = ""
    has_boxes: bool = False
    may_edit: bool = False
    panels: list[words.Panel] = []
    differences: list[str] = []
    asking: str = ""
    settings_open: bool = False
    _tag: str = ""

    @permission(_READ)
    async def load(self) -> Any:
        """The dataset, its queue, and the sample that the address names."""
        dataset_id = self._dataset_id()
        if dataset_id is None:
            self.problem, self.loading = "There is no such dataset. Choose one from the list.", False
            return
        self.asking, self.settings_open = "", False
        self.sample_id = str(self.router.url.query_parameters.get("sample", ""))
        if self.dataset["id"] != str(dataset_id):
            self.dataset, self.rows, self.decisions, self.panels = views.NO_DATASET, [], [], []
            self.loading, self.problem = True, ""
            yield
        self._first_page()
        await self._refresh()

    @permission(_READ)
    def open_sample(self, sample_id: str) -> Any:
        """Show the opinions about one sample; the address says which."""
        return rx.redirect(address(self._path(), sample=str(sample_id)))

    @permission(_READ)
    def close(self) -> Any:
        """Back to the queue."""
        return rx.redirect(self._path())

    @permission(_WRITE)
    def set_asking(self, choice: str) -> None:
        """Ask for the reason why this is taken: `proposal`, or the id of a person."""
        self.asking, self.form_error = str(choice), ""

    @permission(_WRITE)
    def ask_reason(self, is_open: bool) -> None:
        """The question for the reason was closed."""
        if not is_open:
            self.asking = ""

    @permission(_WRITE)
    async def decide(self, form: dict[str, Any]) -> Any:
        """Take what was asked about as the label of the sample."""
        whose = {} if self.asking == "proposal" else {"annotator_id": self.asking}
        choice = {"choice": "opinion" if whose else "proposal", **whose, "reason": str(form.get("reason", "")).strip()}
        request, dataset_id, sample_id = self._parse(Adjudicate, choice), self._dataset_id(), uuid_of(self.sample_id)
        if request is None or dataset_id is None or sample_id is None:
            return
        done = await self._submit(adjudication.adjudicate, dataset_id, sample_id, request)
        if done is not None:
            self.asking = ""
            self._tell("Decided. It waits for its review now.")
            yield rx.redirect(self._path())

    @permission(_WRITE)
    async def undo(self, decision_id: str) -> None:
        """Put a sample back to what it said before a decision."""
        number = uuid_of(str(decision_id))
        if number is not None and await self._do(adjudication.undo, number) is not None:
            self._tell("Undone. The sample says again what it said before.")
        await self._refresh()

    @permission(_WRITE)
    def set_settings_open(self, is_open: bool) -> None:
        """Open or close the settings."""
        self.settings_open, self.form_error = bool(is_open), ""

    @permission(_WRITE)
    async def save_settings(self, form: dict[str, Any]) -> None:
        """Say how many opinions samples take."""
        given = {name: str(value).strip() for name, value in form.items() if str(value).strip()}
        request, dataset_id = self._parse(OpinionSettings, given), self._dataset_id()
        if request is None or dataset_id is None:
            return
        done = await self._submit(adjudication.configure, dataset_id, request, frozenset({self._tag}))
        if done is not None:
            self.settings_open = False
            self._tell("Saved. What has all its opinions by that is settled.")
        await self._refresh()

    def _dataset_id(self) -> UUID | None:
        return dataset_of(self.router.url.path)

    def _path(self) -> str:
        return f"/datasets/{self.dataset['id']}/opinions"

    async def _refresh(self) -> None:
        dataset_id = self._dataset_id()
        dataset = await self._load(datasets.get, dataset_id) if dataset_id else None
        if dataset_id is None or dataset is None:
            return
        progress = await self._load(opinion_views.progress, dataset_id)
        wanted = DisagreementFilter(sort="agreement_percent")
        page = await self._load(opinion_views.list_disagreements, dataset_id, wanted, store(), self._cursor(), PAGE)
        decided = await self._load(opinion_views.list_decisions, dataset_id, DecisionFilter(), None, RECENT)
        if progress is None or page is None or decided is None:
            return
        self.dataset, self._tag = views.dataset_row(dataset), etags.etag(dataset)
        self.asks_several = dataset.opinions_per_sample > 1
        self._show_progress(progress)
        self.rows = [words.disagreement_row(one) for one in page.items]
        self.decisions = [words.decision_row(one) for one in decided.items]
        self._shown(page, "disagreement", "disagreements")
        await self._show_sample(dataset_id, str(dataset.label_schema.get("task", "")))

    def _show_progress(self, found: OpinionProgress) -> None:
        self.counts, self.people = words.count_bars(found), words.annotator_bars(found.annotators)
        quorum = str(found.consensus_quorum or "")
        self.settings = {
            "opinions_per_sample": str(found.opinions_per_sample),
            "opinions_share": str(found.opinions_share),
            "consensus_quorum": quorum,
            "consensus_iou": f"{found.consensus_iou:g}",
        }
        enough = f"{quorum} who say the same" if quorum else "more than half"
        self.rule = (
            f"{found.opinions_share} % of the samples take {found.opinions_per_sample} opinions; {enough} make a "
            f"proposal. Boxes that overlap by {found.consensus_iou:g} (IoU) are one object."
        )

    async def _show_sample(self, dataset_id: UUID, task: str) -> None:
        self.panels, self.differences, self.sample_note = [], [], ""
        sample_id = uuid_of(self.sample_id) if self.sample_id else None
        if sample_id is None:
            self.sample_id = ""
            return
        found = await self._do(opinion_views.show, dataset_id, sample_id)
        sample = await self._do(labelling_queue.get, dataset_id, sample_id, store())
        if found is None or sample is None:
            self.sample_id = ""
            return
        names, actor = {one.annotator_id: one.annotator for one in found.opinions}, caller.get()
        me = actor.user_id if isinstance(actor, PersonActor) else 0
        self.has_boxes, self.sample_state, self.sample_url = task == "detection", found.state, sample.url
        self.panels = words.panels(found, (sample.width or 0, sample.height or 0), names, me)
        self.sample_note = f"{found.given} of {found.wanted} opinions"
        self.may_edit = found.state == "disputed" and all(one.annotator_id != me for one in found.opinions)
        if found.proposal is not None:
            self.differences = [words.difference_text(one, names) for one in found.proposal.differences[:50]]
