"""Several people about one sample, as callers send and see it."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from app.schemas.base import UUID, DatabaseId, Note, Request, Sorted, View, datetime, sort_field
from app.schemas.samples import SampleLabel

Choice = Literal["proposal", "opinion", "edited"]
DisagreementSort = Literal["created_at", "-created_at", "agreement_percent", "-agreement_percent"]
Reason = Annotated[Note, StringConstraints(pattern=r"\S")]


class OpinionSettings(Request):
    """How many independent opinions samples take, and what makes them a label.

    They hold for samples without a label; what was agreed stays agreed.
    """

    opinions_per_sample: int = Field(1, ge=1, le=10)
    opinions_share: int = Field(100, ge=0, le=100, description="Percent of the samples; the others take one")
    consensus_quorum: int | None = Field(
        None, ge=1, le=10, description="How many must say the same to propose it; null: more than half"
    )
    consensus_iou: float = Field(0.5, ge=0.05, le=1, description="How much two boxes overlap to be one object")

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.consensus_quorum is not None and self.consensus_quorum > self.opinions_per_sample:
            raise ValueError(
                f"{self.consensus_quorum} cannot agree where {self.opinions_per_sample} are asked; lower "
                "consensus_quorum or raise opinions_per_sample"
            )
        return self


class OpinionView(View):
    """What one person says of a sample."""

    annotator_id: int
    annotator: str
    labels: dict[str, Any]
    annotations: list[Any]
    created_at: datetime
    updated_at: datetime


class DifferenceView(View):
    """One thing that not everybody says; `votes` names the people by their ids, `box` says where, if it is a box."""

    kind: str
    name: str
    votes: dict[str, list[int]]
    box: list[float] | None


class ProposalView(View):
    """What the opinions say together. It can only be taken where it `is_complete`: where no vote is tied."""

    labels: dict[str, Any]
    annotations: list[Any]
    differences: list[DifferenceView]
    is_complete: bool
    agreement_percent: int


class DecisionView(View):
    """How opinions became a label. It stands unless it was undone or another label ended it."""

    id: UUID
    sample_id: UUID
    kind: str
    labels: dict[str, Any]
    annotations: list[Any]
    sources: list[int] = Field(description="Whose opinions went in: none of them may verify it")
    reason: str
    decided_by: int | None
    decided_by_name: str = ""
    created_at: datetime
    ended_at: datetime | None
    undone_at: datetime | None
    undone_by: int | None


class OpinionsView(View):
    """Everything that the caller may know of the opinions about a sample.

    While it collects, these are their own opinion and how many others there are.
    """

    sample_id: UUID
    state: str
    wanted: int
    given: int
    opinions: list[OpinionView]
    proposal: ProposalView | None
    decisions: list[DecisionView]


class Adjudicate(SampleLabel):
    """Decide what a sample shows where people differ: the proposal, one person's opinion, or a label of your own."""

    choice: Choice
    annotator_id: DatabaseId | None = Field(None, description="Whose opinion, for `opinion`")
    reason: Reason

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.choice == "opinion") != (self.annotator_id is not None):
            raise ValueError("annotator_id says whose opinion is chosen: give it with choice `opinion`, and only then")
        if (self.choice == "edited") != self.says_something:
            raise ValueError("labels and annotations are your own label: give them with choice `edited`, and only then")
        return self


class DisagreementFilter(Sorted):
    """In which order to list disagreements."""

    sort: DisagreementSort = sort_field()


class DisagreementView(View):
    """A sample about which people differ and nobody decided yet."""

    id: UUID
    sample_id: UUID
    agreement_percent: int
    difference_count: int
    created_at: datetime
    url: str = ""


class DecisionFilter(Sorted):
    """In which order to list decisions."""

    sort: Literal["created_at", "-created_at"] = sort_field()


class AnnotatorProgress(View):
    """How many opinions a person gave, and how many samples they were handed and have not answered."""

    annotator_id: int
    annotator: str
    given: int
    waiting: int


class OpinionProgress(View):
    """How far a dataset is: how many of its asked samples have 0, 1, 2 … opinions, and what became of them."""

    opinions_per_sample: int
    opinions_share: int
    consensus_quorum: int | None
    consensus_iou: float
    asked: int
    by_count: list[int]
    agreed: int
    disagreements: int
    annotators: list[AnnotatorProgress]
