"""Ground truth as callers send it. No answer ever names a planted sample."""

from pydantic import Field, model_validator

from app.schemas.base import UUID, Request, View
from app.schemas.samples import BATCH, SampleLabel


class KnownTruth(SampleLabel):
    """What one sample really shows."""

    sample_id: UUID


class GroundTruthPlant(Request):
    """Plant what is known about some samples, or what was verified about `from_verified` samples drawn at random."""

    samples: list[KnownTruth] = Field(default_factory=list, max_length=BATCH)
    from_verified: int | None = Field(None, ge=1, le=10_000)

    @model_validator(mode="after")
    def _one_way(self) -> "GroundTruthPlant":
        if bool(self.samples) == (self.from_verified is not None):
            raise ValueError("give either samples or from_verified")
        return self


class GroundTruthView(View):
    """How many samples of the dataset have a planted truth; which ones they are is told nobody."""

    planted: int
