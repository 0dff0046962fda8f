"""What a page says of its list, and the order that a click asks for."""

import pytest

from state.addresses import turned
from state.views.words import span


@pytest.mark.parametrize(
    ("start", "count", "total", "is_exact", "words"),
    [
        (0, 0, 0, True, "0 jobs"),
        (0, 1, 1, True, "1 job"),
        (0, 25, 25, True, "25 jobs"),
        (0, 25, 26, True, "1–25 of 26 jobs"),
        (25, 1, 26, True, "26–26 of 26 jobs"),
        (1_000, 25, 1_234, True, "1,001–1,025 of 1,234 jobs"),
        (0, 25, 199_873, False, "1–25 of about 200,000 jobs"),
        (0, 25, 1_049_999, False, "1–25 of about 1,000,000 jobs"),
        (0, 25, 26, False, "1–25 of about 26 jobs"),
        (10_400, 25, 10_426, False, "10,401–10,425 of about 10,425 jobs"),
        (50, 25, 60, True, "51–75 of 75 jobs"),
        (25, 0, 25, True, "No more jobs"),
    ],
)
def test_page_says_what_it_shows_of_how_many(start: int, count: int, total: int, is_exact: bool, words: str) -> None:
    assert span(start, count, total, is_exact, "job", "jobs") == words


@pytest.mark.parametrize(
    ("present", "column", "asked"),
    [
        ("-created_at", "name", "name"),
        ("name", "name", "-name"),
        ("-name", "name", "name"),
        ("name", "created_at", "-created_at"),
        ("-created_at", "created_at", "created_at"),
        ("created_at", "updated_at", "-updated_at"),
    ],
)
def test_click_on_a_head_orders_by_it_and_the_next_turns_it_round(present: str, column: str, asked: str) -> None:
    assert turned(present, column) == asked
