"""Published reliability data with published results, and agreement computed the long way, straight from definitions."""

from collections.abc import Sequence
from itertools import permutations

import numpy as np

from app.domain.agreement.answers import Categories, Compared, Given, compare
from app.domain.agreement.tally import Tally
from app.domain.labels import Task

Table = Sequence[Sequence[int | None]]
N = None

# Krippendorff, Computing Krippendorff's Alpha-Reliability (2011): four observers, twelve units, values missing.
FOUR_OBSERVERS: Table = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, N, N, N],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, N, 3],
    [N, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, N],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, N],
]
# The same paper: two observers, nominal data; and two observers, yes or no.
BEN_AND_GERRY: Table = [[1, 1, 2, 2, 4, 3, 3, 3, 5, 4, 4, 1], [2, 1, 2, 2, 2, 3, 3, 3, 5, 4, 4, 4]]
MEG_AND_OWEN: Table = [[0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]]
# The worked example of the Wikipedia article on the coefficient.
THREE_CODERS: Table = [
    [N, N, N, N, N, 3, 4, 1, 2, 1, 1, 3, 3, N, 3],
    [1, N, 2, 1, 3, 3, 4, 3, N, N, N, N, N, N, N],
    [N, N, 2, 1, 3, 4, 4, N, 2, 1, 1, 3, 3, N, 4],
]
# Fleiss' κ of fourteen raters, ten subjects (Wikipedia): how many raters chose each of five categories; κ = 0.210.
FOURTEEN_RATERS = [
    [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
]  # fmt: skip
# Made once with numpy's generator (seed 7); the figures of each class come from the package `krippendorff` 0.9.0.
SIXTY_UNITS: Table = [
    [None if value == "." else int(value) for value in row]
    for row in (
        "33.022.2.3..310..223120213.30.10....0...0.0..1.2202.300.233.",
        "33.0.21202311203.332110...120.1012.0..03..2.0.3.2.11..022323",
        ".1101212.20.1.023.2.....1.11.01..220.223.101..32232.0..22321",
    )
]
SIXTY_ALPHA = 0.47555012224938886
SIXTY_ALPHA_OF_EACH = [0.7115384615384615, 0.505, 0.4342857142857143, 0.27329192546583847]


def classified(table: Table, classes: int = 6) -> tuple[Categories, Compared]:
    """A table of persons × samples as one compared batch."""
    categories = Categories(tuple(f"class {number}" for number in range(classes)))
    given = [
        Given(sample, person, value)
        for person, row in enumerate(table)
        for sample, value in enumerate(row)
        if value is not None
    ]
    return categories, compare(Task.CLASSIFICATION, categories, len(table[0]), given, None, 0.5)


def tallied(table: Table, classes: int = 6) -> Tally:
    """The sums of such a table."""
    categories, batch = classified(table, classes)
    tally = Tally.begin(Task.CLASSIFICATION, categories, len(table), 1)
    tally.take_in(batch, np.zeros(len(table[0]), np.int64))
    return tally


def alpha_the_long_way(table: Table) -> float:
    """α from its definition: every pair of values inside a unit against every pair of values at all."""
    units = [[row[unit] for row in table if row[unit] is not None] for unit in range(len(table[0]))]
    units = [unit for unit in units if len(unit) >= 2]
    values = [value for unit in units for value in unit]
    observed = sum(sum(a != b for a, b in permutations(unit, 2)) / (len(unit) - 1) for unit in units) / len(values)
    expected = sum(a != b for a, b in permutations(values, 2)) / (len(values) * (len(values) - 1))
    return 1 - observed / expected if expected else float("nan")
