"""How good labels are, as callers ask and see it. Every figure says what it rests on; docs/quality.md defines them."""

from datetime import date
from typing import Literal

from pydantic import Field

from app.domain.labels import Task
from app.schemas.base import UUID, DatabaseId, Moment, Request, Sorted, View, datetime

NOTHING = "(nothing)"
"""What a person said who marked no such box, or did not give that class."""
OTHER = "(no class any more)"
"""A class that the schema had when the label was given, and has no longer."""


class QualityFilter(Request):
    """Which labels to measure."""

    FROM_ADDRESS = True

    label: str | None = Field(None, max_length=200, description="Only this class: it, or anything else")
    annotator: DatabaseId | None = Field(None, description="Only what involves this person")
    other: DatabaseId | None = Field(None, description="With `annotator`: only these two")
    since: Moment | None = Field(None, description="Labels given from this moment on")
    until: Moment | None = Field(None, description="Labels given before this moment")
    against: Literal["verified", "planted"] = Field(
        "verified", description="What accuracy is measured against: labels that another person verified, planted truth"
    )


class BehindFilter(Sorted):
    """Which samples stand behind a figure: those about which two answers differ, or agree on the class asked for."""

    annotator: DatabaseId | None = Field(None, description="One of the two")
    other: DatabaseId | None = Field(None, description="The other of the two")
    against: Literal["people", "verified"] = Field(
        "people", description="Compare people with each other, or with labels that another person verified"
    )
    label: str | None = Field(None, max_length=200, description="What the first of the two said: a class, or (nothing)")
    seen_as: str | None = Field(None, max_length=200, description="What the other said; absent: anything but `label`")
    since: Moment | None = Field(None, description="Labels given from this moment on")
    until: Moment | None = Field(None, description="Labels given before this moment")
    sort: Literal["created_at", "-created_at"] = "-created_at"


class EstimateView(View):
    """A figure with its 95 % interval. Null where it is not defined; `items` are what was compared, in `samples`."""

    value: float | None
    low: float | None
    high: float | None
    items: int
    samples: int


class ClassQuality(View):
    """One class: how far people agree about it, and how often it was said where two or more looked."""

    name: str
    color: str
    alpha: EstimateView


class AccuracyView(View):
    """One person against the reference. `score`: the share of right samples; of boxes or classes the F-measure."""

    score: EstimateView
    precision: EstimateView
    recall: EstimateView


class PaceView(View):
    """Seconds per sample: half of the samples took at most `median`, nine of ten at most `p90`; out of `samples`."""

    median: float | None
    p90: float | None
    samples: int


class AnnotatorQuality(View):
    """One person. `name` is null for those who may not see accounts."""

    annotator_id: int
    name: str | None
    opinions: int
    kappa: EstimateView | None = Field(description="Agreement with all others taken together")
    accuracy: AccuracyView | None
    pace: PaceView


class PairQuality(View):
    """Two people over the samples that both labelled."""

    first: int
    second: int
    kappa: EstimateView
    same: EstimateView = Field(description="Share of items to which both said the same; chance is not taken off")
    found: EstimateView | None = Field(description="Boxes and several labels: 2 · both / (one + other)")
    overlap: EstimateView | None = Field(description="Boxes: mean IoU of boxes of one object")


class ConfusionView(View):
    """`matrix[i][j]`: how often the row's side said `labels[i]` where the column's said `labels[j]`."""

    labels: list[str]
    matrix: list[list[int]]
    rows: str = Field(description="Who the rows are: a person's id, `reference`, or `one`")
    columns: str = Field(description="Who the columns are: a person's id, `people`, or `another`")
    left_out: int = Field(description="Classes that have no room here; those that are confused most come first")


class WeekAnnotator(View):
    """One person in one week."""

    annotator_id: int
    opinions: int
    seconds: float | None
    right: EstimateView | None


class WeekQuality(View):
    """A week, from Monday in UTC: the samples whose last label was given in it."""

    starts: date
    alpha: EstimateView | None
    annotators: list[WeekAnnotator]


class QualityReport(View):
    """How far the people who label a dataset agree, how often they are right, and how fast they are."""

    dataset_id: UUID
    task: Task
    as_of: datetime
    samples: int = Field(description="Samples with at least one label")
    compared: int = Field(description="Samples that at least two people labelled")
    referenced: int = Field(description="Samples with a verified label to measure against; 0 for planted truth")
    opinions: int
    is_complete: bool = Field(description="False where a random part of very many samples was measured")
    overlap_from: float | None = Field(description="Boxes are the same object from this IoU on")
    resamples: int
    alpha: EstimateView
    classes: list[ClassQuality]
    annotators: list[AnnotatorQuality]
    more_annotators: int = Field(description="People who gave labels and have no room here")
    pairs: list[PairQuality]
    confusion: ConfusionView | None
    against_reference: ConfusionView | None
    weeks: list[WeekQuality]


class Said(View):
    """A difference about a sample, or a class that both said: what `first` said and what `second` said.

    `second` is null for the reference.
    """

    first: int
    second: int | None
    said: str
    seen_as: str


class SampleBehind(View):
    """A sample behind a figure, with signed, expiring URLs of its file and its preview."""

    id: UUID
    url: str
    thumbnail: str | None
    width: int | None
    height: int | None
    created_at: datetime
    said: list[Said]
