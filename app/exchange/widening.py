"""What a source names and a dataset lacks, as a change of the dataset's schema that can be looked at first."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from app.domain.schema_additions import in_words
from app.errors import Invalid
from app.exchange import Run
from app.services import imported_samples


@dataclass(frozen=True)
class Widening:
    """A line for each class that changes, and how many labels do; or `refused`, why the change cannot be made."""

    lines: list[str] = field(default_factory=list)
    labels_changed: int = 0
    refused: str = ""


def widening(
    run: Run, dataset_id: UUID, present: dict[str, Any], wide: dict[str, Any], *, wanted: bool
) -> Widening | None:
    """What going from schema `present` to `wide` would change now; None if nothing.

    A change that cannot be made is `Invalid` where it is `wanted`, and else only told.
    """
    try:
        impact = run(imported_samples.preview_schema, dataset_id, wide)
    except Invalid as error:
        if wanted:
            raise
        return Widening(refused=error.message)
    if impact is None:
        return None
    return Widening(in_words(present, wide), impact.samples_changed + impact.opinions_changed)
