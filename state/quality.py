"""How good the labels of a dataset are: the report, and the samples behind the figure that the address names.

A report may take seconds, so a click on a figure only reads its samples. Coming to the page, another filter, and
"Measure again" measure anew; the page says as of when its figures are.
"""

# ruff: noqa: RUF012 Reflex copies a default for every client

from typing import Any
from uuid import UUID

import reflex as rx

from app import charts
from app.domain.labels import Task
from app.domain.permissions import Permission
from app.schemas.quality import BehindFilter, QualityFilter, QualityReport
from app.services import datasets, quality, quality_samples
from state import views
from state.addresses import address, uuid_of
from state.base import Paged, store
from state.marks import permission
from state.views import quality as shown
from state.views import quality_words as words

PAGE = 24
_READ = Permission.DATASETS_READ
# What the address says: which labels are measured, and behind which figure samples are shown.
FILTERS = ("label", "annotator", "other")
FIGURE = ("behind", "one", "two", "said", "seen", "since", "until")


class QualityState(Paged, rx.State):
    """The dataset whose id stands in the address before `/quality`."""

    dataset: views.DatasetRow = views.NO_DATASET
    label: str = ""
    annotator: str = ""
    other: str = ""
    class_options: list[views.Option] = []
    people_options: list[views.Option] = []
    measured: bool = False
    is_boxes: bool = False
    as_of: str = ""
    counts: str = ""
    caution: str = ""
    overall: list[shown.Interval] = []
    verdict: str = ""
    verdict_tone: str = "plain"
    classes: list[shown.Interval] = []
    pairs: list[shown.Interval] = []
    people: list[shown.Interval] = []
    accuracies: list[shown.Interval] = []
    planted: list[shown.Interval] = []
    planted_said: str = ""
    paces: list[shown.Interval] = []
    confusion: shown.Matrix = shown.NO_MATRIX
    against: shown.Matrix = shown.NO_MATRIX
    agreement_figure: dict[str, Any] = {}
    pace_figure: dict[str, Any] = {}
    right_figure: dict[str, Any] = {}
    weeks: list[shown.WeekRow] = []
    compared: int = 0
    labelled: int = 0
    behind_title: str = ""
    cards: list[shown.BehindCard] = []
    reading: bool = False
    _names: dict[int, str] = {}
    _measured_for: str = ""

    @permission(_READ)
    async def load(self) -> Any:
        """Measure as the address says, unless only another figure was opened; then read the samples behind it."""
        query = self.router.url.query_parameters
        dataset_id = uuid_of(self.router.url.path.rstrip("/").removesuffix("/quality"))
        if dataset_id is None:
            self.problem, self.loading = "There is no such dataset. Choose one from the list.", False
            return
        self.label, self.annotator, self.other = (query.get(name, "")[:200] for name in FILTERS)
        asked = "\n".join((str(dataset_id), self.label, self.annotator, self.other))
        opened = bool(query.get("behind"))
        if not (opened and self.measured and asked == self._measured_for):
            self.loading, self.problem, self.measured = True, "", False
            self.behind_title, self.cards = "", []
            yield
            if not await self._measure(dataset_id):
                return
            self._measured_for = asked
        self._first_page()
        await self._read(dataset_id)

    @permission(_READ)
    async def measure_again(self) -> Any:
        """Measure anew, with what was labelled meanwhile."""
        if self.dataset["id"]:
            self.loading = True
            yield
            await self._measure(UUID(self.dataset["id"]))

    @permission(Permission.SAMPLES_VERIFY)
    async def measure_planted(self) -> None:
        """Accuracy against planted truth, over everything but the class: a report of its own, only when asked for."""
        if not self.dataset["id"]:
            return
        values = {"label": self.label, "against": "planted"}
        wanted = self._parse(QualityFilter, {name: value for name, value in values.items() if value})
        report = await self._do(quality.report, UUID(self.dataset["id"]), wanted) if wanted else None
        if report is not None:
            self.planted = shown.planted(report, words.Names(report))
            self.planted_said = words.planted(len(self.planted))

    @permission(_READ)
    async def next_page(self) -> None:
        """More samples behind the figure."""
        await self._page(forward=True)

    @permission(_READ)
    async def previous_page(self) -> None:
        """The ones before."""
        await self._page(forward=False)

    @permission(_READ)
    def filter_label(self, value: str) -> Any:
        """Only one class."""
        return self._go(label=str(value))

    @permission(_READ)
    def filter_annotator(self, value: str) -> Any:
        """Only what involves one person."""
        return self._go(annotator=str(value), other="")

    @permission(_READ)
    def filter_other(self, value: str) -> Any:
        """Only two people."""
        return self._go(other=str(value))

    @permission(_READ)
    def open_cell(self, one: str, other: str) -> Any:
        """The samples of a cell between people."""
        return self._go(behind="people", one=self.annotator, two=self.other, said=str(one), seen=str(other))

    @permission(_READ)
    def open_reference_cell(self, truth: str, said: str) -> Any:
        """The samples of a cell against verified labels."""
        return self._go(behind="verified", one=self.annotator, said=str(truth), seen=str(said))

    @permission(_READ)
    def close_behind(self) -> Any:
        """Show no samples."""
        self.behind_title, self.cards = "", []
        return self._go()

    def _path(self) -> str:
        return f"/datasets/{self.dataset['id']}/quality"

    def _go(self, **changed: str) -> Any:
        query = {"label": self.label, "annotator": self.annotator, "other": self.other, **changed}
        return rx.redirect(address(self._path(), **query), replace=not changed.get("behind"))

    async def _measure(self, dataset_id: UUID) -> bool:
        dataset = await self._load(datasets.get, dataset_id)
        if dataset is None:
            return False
        self.dataset = views.dataset_row(dataset)
        values = {"label": self.label, "annotator": self.annotator, "other": self.other}
        wanted = self._parse(QualityFilter, {name: value for name, value in values.items() if value})
        if wanted is None:
            self.problem, self.loading = self.form_error, False
            return False
        report = await self._load(quality.report, dataset_id, wanted)
        if report is None:
            return False
        self._show(report, [str(known["name"]) for known in dataset.label_schema["classes"]])
        return True

    def _show(self, report: QualityReport, classes: list[str]) -> None:
        names = words.Names(report)
        path = address(self._path(), label=self.label, annotator=self.annotator, other=self.other)
        self.class_options = [{"value": name, "label": name} for name in classes[:200]]
        if not (self.annotator or self.other):
            self.people_options = [
                {"value": str(one.annotator_id), "label": names(one.annotator_id)} for one in report.annotators
            ]
        self._names = {one.annotator_id: names(one.annotator_id) for one in report.annotators} | {
            int(option["value"]): option["label"] for option in self.people_options
        }
        self.as_of, self.labelled, self.compared = shown.as_of(report), report.samples, report.compared
        self.is_boxes = report.task == Task.DETECTION
        self.counts = words.counts(report)
        self.caution = words.caution(report)
        self.overall = [shown.interval("All classes" if not self.label else self.label, report.alpha, of="labels")]
        self.verdict, self.verdict_tone = words.verdict(report.alpha)
        self.classes = shown.classes(report, path)
        self.pairs, self.people = shown.pairs(report, names, path), shown.people(report, names, path)
        self.accuracies = shown.accuracies(report, names, path)
        self.paces = shown.paces(report, names, f"/datasets/{self.dataset['id']}")
        self.confusion, self.against = (
            shown.matrix(report.confusion, names),
            shown.matrix(report.against_reference, names),
        )
        self.weeks = shown.weeks(report, path)
        self._draw(report, names)
        self.planted, self.planted_said = [], ""
        self.measured, self.loading = True, False

    def _draw(self, report: QualityReport, names: words.Names) -> None:
        starts = [week.starts.isoformat() for week in report.weeks]
        alphas = [week.alpha for week in report.weeks]
        parts = [[getattr(one, part) if one else None for one in alphas] for part in ("value", "low", "high")]
        samples = [one.samples if one else 0 for one in alphas]
        self.agreement_figure = charts.agreement_by_week(starts, *parts, samples)
        paces, rights = shown.by_person(report, names), shown.right_by_person(report, names)
        self.pace_figure = charts.by_week(starts, paces, "seconds per sample") if paces else {}
        self.right_figure = charts.by_week(starts, rights, "right") if rights else {}

    async def _page(self, *, forward: bool) -> None:
        self._turn(forward)
        if self.dataset["id"]:
            await self._read(UUID(self.dataset["id"]))

    async def _read(self, dataset_id: UUID) -> None:
        query = self.router.url.query_parameters
        figure = {name: query.get(name, "")[:200] for name in FIGURE}
        if not figure["behind"]:
            self.behind_title, self.cards = "", []
            return
        names = {"one": "annotator", "two": "other", "said": "label", "seen": "seen_as"}
        values = {names.get(name, name): value for name, value in figure.items() if value and name != "behind"}
        wanted = self._parse(BehindFilter, {**values, "against": figure["behind"]})
        if wanted is None:
            self._tell(self.form_error, "error")
            return
        page = await self._do(quality_samples.list_behind, dataset_id, wanted, store(), self._cursor(), PAGE)
        if page is None:
            return
        called = words.Called(self._names)
        self.behind_title = words.behind_title(wanted, called)
        self.cards = [shown.behind_card(item, called, f"/datasets/{dataset_id}") for item in page.items]
        self._shown(page, "sample", "samples")
        if not page.total_is_exact:
            self.summary = f"{len(page.items)} samples on this page"
