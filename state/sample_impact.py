"""Everything that one sample has touched, and withdrawing it."""

# ruff: noqa: RUF012 Reflex copies a default for every client

from typing import Any, TypedDict
from uuid import UUID

import reflex as rx

from app.domain.permissions import Permission
from app.schemas.withdrawals import Impact, SampleWithdraw
from app.services import datasets, labelling_queue, withdrawals
from state import views
from state.addresses import dataset_of
from state.base import Page, store
from state.marks import permission
from state.views.words import iso

MOST = 100
_READ, _WRITE = Permission.DATASETS_READ, Permission.DATASETS_WRITE


class Touched(TypedDict):
    """One record that the sample touched: its name, where it is shown, its status, and a word about it."""

    name: str
    href: str
    status: str
    note: str


class SampleImpactState(Page, rx.State):
    """The sample whose id stands in the address."""

    dataset_id: str = ""
    dataset_name: str = ""
    sample_id: str = ""
    summary: str = ""
    sample: views.SampleCard = views.NO_SAMPLE
    withdrawn_at: str = ""
    reason: str = ""
    is_deleted: bool = False
    versions: list[Touched] = []
    jobs: list[Touched] = []
    models: list[Touched] = []
    edges: list[Touched] = []
    older: str = ""
    is_asking: bool = False

    @permission(_READ)
    async def load(self) -> Any:
        """What the sample has touched up to now."""
        url = self.router.url
        dataset_id, sample_id = dataset_of(url.path), _uuid(url.query_parameters.get("sample", ""))
        if dataset_id is None or sample_id is None:
            self.problem, self.loading = "There is no such sample. Choose one in the dataset.", False
            return
        self.is_asking = False
        if (self.dataset_id, self.sample_id) != (str(dataset_id), str(sample_id)):
            self.dataset_id, self.sample_id, self.loading = str(dataset_id), str(sample_id), True
            self.sample, self.problem = views.NO_SAMPLE, ""
            yield
        await self._look()

    @permission(_WRITE)
    def ask(self, is_asking: bool) -> None:
        """Open or close the question why."""
        self.is_asking, self.form_error = bool(is_asking), ""

    @permission(_WRITE)
    async def withdraw(self, form: dict[str, Any]) -> None:
        """Take the sample out of everything that is made from now on."""
        request = self._parse(SampleWithdraw, {"reason": str(form.get("reason", "")).strip()})
        if request is None:
            return
        done = await self._submit(withdrawals.withdraw, UUID(self.dataset_id), UUID(self.sample_id), request)
        if done is not None:
            self.is_asking = False
            self._tell("Withdrawn. It is in no later version, and nothing is trained on versions that hold it.")
            await self._look()

    @permission(_WRITE)
    async def reinstate(self) -> None:
        """Let it be used again."""
        done = await self._do(withdrawals.reinstate, UUID(self.dataset_id), UUID(self.sample_id))
        if done is not None:
            self._tell("Reinstated. The next version holds it again.")
            await self._look()

    async def _look(self) -> None:
        dataset = await self._load(datasets.get, UUID(self.dataset_id))
        found = await self._load(withdrawals.impact, UUID(self.dataset_id), UUID(self.sample_id)) if dataset else None
        if dataset is None or found is None:
            return
        if not found.is_deleted:
            shown = await self._do(labelling_queue.get, UUID(self.dataset_id), UUID(self.sample_id), store())
            colours = {str(one["name"]): str(one.get("color", "")) for one in dataset.label_schema["classes"]}
            self.sample = views.sample_card(shown, colours) if shown else views.NO_SAMPLE
        self.dataset_name, self.loading = dataset.name, False
        self.withdrawn_at, self.reason = iso(found.withdrawn_at), found.withdrawal_reason or ""
        self.is_deleted, self.older = found.is_deleted, ", ".join(found.unsearchable_versions[:20])
        base = f"/datasets/{self.dataset_id}/versions?version="
        self.versions = [_touched(v.version, base + v.version, "", v.message) for v in found.versions[:MOST]]
        self.jobs = [_touched(j.name, f"/jobs/{j.id}", j.status, "") for j in found.jobs[:MOST]]
        self.models = [
            _touched(f"{m.ai_module} {m.version}", f"/models/{m.id}", m.status, "") for m in found.models[:MOST]
        ]
        self.edges = [
            _touched(e.name, f"/edge-servers/{e.id}", "", "runs such a model now" if e.runs_now else "was sent one")
            for e in found.edge_servers[:MOST]
        ]
        self.summary = _summary(found)


def _summary(found: Impact) -> str:
    """How much there is, in words."""
    parts = [
        (len(found.versions), "version", "versions"),
        (len(found.jobs), "training job", "training jobs"),
        (len(found.models), "model version", "model versions"),
        (len(found.deployments), "deployment", "deployments"),
        (len(found.edge_servers), "edge server", "edge servers"),
    ]
    known = [f"{count} {one if count == 1 else more}" for count, one, more in parts if count]
    return "It touched " + ", ".join(known) + "." if known else "It touched nothing: no version holds it."


def _touched(name: str, href: str, status: str, note: str) -> Touched:
    return {"name": name, "href": href, "status": status, "note": note}


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
