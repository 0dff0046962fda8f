"""What of a long list is shown and held: arithmetic that must be right for any number of samples."""

from typing import Any

import pytest

from tests.components.browser_modules import run_js

GRID = "const grid = layout(1000, { least: 104, gap: 12, caption: 26 });"
LOAD = 'const { layout, view, scrollTo, reveal, Pages, PAGE, KEPT_PAGES } = await load("sample_window.js");'


def js(script: str, given: Any = None) -> Any:
    return run_js(f"{LOAD}\n{GRID}\n{script}", given=given)


def test_tiles_fill_the_width() -> None:
    assert js("return [grid.columns, Math.round(grid.columns * (grid.tile + 12) - 12)];") == [8, 1000]


@pytest.mark.parametrize("total", [0, 1, 7, 100, 99_999, 1_000_000, 50_000_000])
def test_both_ends_of_the_scroll_bar_are_the_ends_of_the_list(total: int) -> None:
    first, end = js(
        """
        const top = view(0, 600, given, grid);
        const bottom = view(Math.max(0, top.height - 600), 600, given, grid);
        return [top, bottom];
        """,
        total,
    )
    assert first["first"] == 0
    assert end["last"] == total
    assert first["height"] <= 8_000_000, "a browser draws nothing higher"
    assert end["last"] - end["first"] < 110


@pytest.mark.parametrize("total", [5_000, 1_000_000])
def test_scrolling_to_a_tile_shows_it(total: int) -> None:
    shown = js(
        """
        return [0, 8, 1234, given - 1].map((index) => {
          const found = view(reveal(index, 0, 600, given, grid), 600, given, grid, 0);
          return [index, found.first, found.last];
        });
        """,
        total,
    )
    assert all(first <= index < last for index, first, last in shown)


def test_few_pages_are_kept_and_the_nearest_ones() -> None:
    kept = js(
        """
        const pages = new Pages();
        const total = { total: 10000, total_is_exact: true };
        const page = (number) => ({ items: Array(PAGE).fill(number), next_cursor: "c", ...total });
        for (let number = 0; number < 60; number++) { pages.put(number, page(number), 0); pages.trim(number * PAGE); }
        return [[...pages.pages.keys()], KEPT_PAGES, pages.at(5950), pages.at(10) ?? null];
        """
    )
    numbers, most, near, far = kept
    assert len(numbers) == most
    assert max(numbers) == near == 59
    assert far is None


def test_page_is_asked_for_by_cursor_where_the_one_before_is_true() -> None:
    places = js(
        """
        const pages = new Pages();
        pages.put(3, { items: Array(PAGE).fill(1), next_cursor: "c", total: 900, total_is_exact: true }, 0);
        const before = [pages.place(0), pages.place(4), pages.place(6)];
        pages.stale();
        return [...before, pages.place(4)];
        """
    )
    assert places == [{}, {"cursor": "c"}, {"position": 600}, {"position": 400}]


def test_total_becomes_exact_at_the_end_and_follows_the_list() -> None:
    totals = js(
        """
        const pages = new Pages();
        const seen = [];
        const put = (number, count, next, total, exact) => {
          pages.put(number, { items: Array(count).fill(1), next_cursor: next, total, total_is_exact: exact }, 0);
          seen.push([pages.total, pages.isExact]);
        };
        put(0, 100, "c", 20000, false);
        put(150, 100, "c", 12000, false);
        put(199, 0, null, 15320, true);
        put(153, 20, null, 12000, false);
        return seen;
        """
    )
    assert totals == [[20_000, False], [15_101, False], [15_320, True], [15_320, True]]


FEED = """
const { Feed } = await load("sample_pages.js");
const asked = [];
const answer = (url) => {
  const query = new URL(url, "http://x").searchParams;
  const position = Number(query.get("position") ?? 0);
  return { items: [{ id: `s${position}` }], next_cursor: "c", total: 100000, total_is_exact: true };
};
"""


def test_places_that_are_only_passed_are_not_asked_for() -> None:
    asked = run_js(
        FEED
        + """
        const feed = new Feed("/s", "label=a", () => {}, { get: async (url) => {
          asked.push(url);
          return { ok: true, json: async () => answer(url) };
        } });
        feed.ask();
        await new Promise((done) => setTimeout(done, 50));
        for (let step = 1; step <= 20; step++) {
          feed.show(step * 2000, step * 2000 + 60);
          await new Promise((done) => setTimeout(done, 5));
        }
        await new Promise((done) => setTimeout(done, 400));
        feed.close();
        return asked.map((url) => new URL(url, "http://x").searchParams.get("position"));
        """
    )
    assert asked[0] is None
    assert "40000" in asked
    assert len(asked) < 8


def test_fault_is_told_and_asked_again() -> None:
    told = run_js(
        FEED
        + """
        let isDown = true;
        const told = [];
        const feed = new Feed("/s", "", () => told.push(feed.problem), { get: async (url) => {
          if (isDown) return { ok: false, json: async () => ({ detail: "The database does not answer." }) };
          return { ok: true, json: async () => answer(url) };
        } });
        feed.ask();
        await new Promise((done) => setTimeout(done, 50));
        isDown = false;
        feed.retry();
        await new Promise((done) => setTimeout(done, 50));
        feed.close();
        return [told[0], told.at(-1), feed.pages.total];
        """
    )
    assert told == ["The database does not answer.", "", 100_000]
