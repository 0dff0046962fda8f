"""`./trainyard bench data`: what datasets and labels cost. One module per figure; add yours to `FIGURES`."""

from typing import Any

from app.bench.figures import Measure, table
from app.bench.formats import measure_formats
from app.bench.labelling import measure_labelling
from app.bench.lists import measure_lists
from app.bench.place import place
from app.bench.quality import measure_quality
from app.bench.upload import measure_upload
from app.bench.versions import measure_versions
from app.errors import Invalid

FIGURES: dict[str, Measure] = {
    "upload": measure_upload,
    "labelling": measure_labelling,
    "formats": measure_formats,
    "versions": measure_versions,
    "quality": measure_quality,
    "lists": measure_lists,
}


def measure_data(only: list[str] | None = None) -> dict[str, Any]:
    """Every figure, or those named, each on the same fresh product. Prints a table; returns all of it."""
    chosen = only or list(FIGURES)
    for name in chosen:
        if name not in FIGURES:
            raise Invalid(f"There is no figure {name!r}. There are: {', '.join(FIGURES)}.")
    with place() as where:
        measured = {name: FIGURES[name](where) for name in chosen}
    print(table([figure for figures in measured.values() for figure in figures]))
    return {
        "figures": [
            {"name": name, **vars(figure), "reached": figure.reached}
            for name, figures in measured.items()
            for figure in figures
        ]
    }
