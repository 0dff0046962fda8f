"""Which class was taken for which: between people, and against the reference."""

from collections import Counter

from app.domain.agreement.answers import Categories
from app.domain.labels import Task
from app.schemas.quality import NOTHING, OTHER, ConfusionView
from app.services.quality_measure import Measured

# A matrix with more rows cannot be read.
MOST_LABELS = 30
Cells = Counter[tuple[int, int]]


def confusions(
    found: Measured, category: int | None, annotator: int | None, other: int | None
) -> tuple[ConfusionView | None, ConfusionView | None]:
    """Between people, and of people against the reference; None where nothing was compared.

    Between people the rows are `annotator`; without one, a cell counts the items that one called the row's class and
    another the column's, whoever was who.
    """
    one, two = (found.numbers.get(person, -1) if person is not None else None for person in (annotator, other))
    between: Cells = Counter()
    against: Cells = Counter()
    for (first, second, said, seen), times in found.tally.cells.items():
        if category is not None and category not in (said, seen):
            continue
        if second == found.reference:
            if one in (None, first) or two == first:
                against[seen, said] += times
        elif one is None:
            between[said, seen] += times
            between[seen, said] += times if said != seen else 0
        elif first == one and two in (None, second):
            between[said, seen] += times
        elif second == one and two in (None, first):
            between[seen, said] += times
    rows = "one" if annotator is None else str(annotator)
    columns = "another" if annotator is None else "people" if other is None else str(other)
    measured = "people" if annotator is None or other is not None else str(annotator)
    return (
        _view(found.task, found.categories, between, rows, columns),
        _view(found.task, found.categories, against, "reference", measured),
    )


def label_of(categories: Categories, number: int) -> str:
    """How a category is called outside."""
    return (*categories.names, OTHER, NOTHING)[number]


def _view(task: Task, categories: Categories, cells: Cells, rows: str, columns: str) -> ConfusionView | None:
    if not cells:
        return None
    apart: Counter[int] = Counter()
    for (one, other), times in cells.items():
        # What is often taken for something else matters most; what is never confused comes last.
        apart[one] += times * 1_000 if one != other else 1
        apart[other] += times * 1_000 if one != other else 0
    present = set(apart) | (set() if task == Task.CLASSIFICATION else {categories.nothing})
    fewer = len(categories.names) <= MOST_LABELS
    shown = (
        sorted(present | set(range(len(categories.names))))
        if fewer
        else sorted(sorted(present, key=lambda number: -apart[number])[:MOST_LABELS])
    )
    return ConfusionView(
        labels=[label_of(categories, number) for number in shown],
        matrix=[[cells[one, other] for other in shown] for one in shown],
        rows=rows,
        columns=columns,
        left_out=len(present - set(shown)),
    )
