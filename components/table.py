"""A list of things: server-side paging by key, dense on a desk, cards on a phone.

Rules: rows come one page at a time (the page's state holds the cursor); the height does not jump while the next page
loads (the old rows stay, dimmed); the whole row leads to the thing, through one real link in its title cell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import reflex as rx
from reflex_components_core.react_router.dom import ReactRouterLink

from components.feedback import skeleton

Cell = rx.Component | rx.Var[Any] | str


@dataclass(frozen=True)
class Column:
    """One column. ``cell`` draws it for a row; ``phone`` says what becomes of it on a card.

    "title" heads the card and carries the row's link, "corner" stands at its right, "field" is a line with its header.
    ``sort`` is the column's name in the list's order; a list can be ordered by such a column (``Sorting``).
    """

    header: str
    cell: Callable[[Any], Cell]
    width: str | None = None
    align: Literal["left", "right", "center"] = "left"
    phone: Literal["title", "corner", "field", "hidden"] = "field"
    sort: str = ""


@dataclass(frozen=True)
class Sorting:
    """How the list is ordered now (``name``, ``-name``), and what a click on the head of a column asks for."""

    present: rx.Var[str]
    on_sort: Any


@dataclass(frozen=True)
class Pager:
    """Keyset paging: whether there is a page on either side, what brings it, and what is shown now."""

    has_previous: rx.Var[bool] | bool
    has_next: rx.Var[bool] | bool
    on_previous: Any
    on_next: Any
    summary: rx.Var[str] | str = ""


def _head(columns: Sequence[Column], sorting: Sorting | None) -> rx.Component:
    cells = []
    for column in columns:
        props: dict[str, Any] = {"style": {"width": column.width}} if column.width else {}
        content: Any = column.header
        if sorting is not None and column.sort:
            content = _sort_button(column, sorting)
            props["aria_sort"] = _by_order(column, sorting, "ascending", "descending", "none")
        cells.append(rx.el.th(content, scope="col", class_name=f"is-{column.align}", **props))
    return rx.el.thead(rx.el.tr(*cells))


def _sort_button(column: Column, sorting: Sorting) -> rx.Component:
    """The arrow keeps its place while there is none, so that no head moves."""
    arrow = _by_order(
        column,
        sorting,
        rx.icon("arrow-up", size=12),
        rx.icon("arrow-down", size=12),
        rx.icon("chevrons-up-down", size=12, class_name="ty-sort-idle"),
    )
    return rx.el.button(
        column.header,
        arrow,
        type="button",
        on_click=sorting.on_sort(column.sort),
        class_name="ty-sort",
        data_testid=f"sort-{column.sort}",
    )


def _by_order(column: Column, sorting: Sorting, up: Any, down: Any, neither: Any) -> Any:
    return rx.cond(sorting.present == column.sort, up, rx.cond(sorting.present == f"-{column.sort}", down, neither))


def _row(
    row: Any,
    columns: Sequence[Column],
    href: Callable[[Any], Any] | None,
    row_id: Callable[[Any], Any] | None,
    selected: Callable[[Any], rx.Var[bool]] | None,
) -> rx.Component:
    cells = []
    for column in columns:
        content: Any = column.cell(row)
        if href is not None and column.phone == "title":
            content = ReactRouterLink.create(content, to=href(row), class_name="ty-row-link")
        cells.append(
            rx.el.td(content, class_name=f"is-{column.align} is-phone-{column.phone}", data_label=column.header)
        )
    props: dict[str, Any] = {"data_testid": "row"}
    if row_id is not None:
        props["data_row_id"] = row_id(row)
    if selected is not None:
        props["data_selected"] = rx.cond(selected(row), "true", "false")
    return rx.el.tr(*cells, class_name="has-link" if href is not None else "", **props)


def _skeleton_rows(columns: Sequence[Column], count: int) -> list[rx.Component]:
    widths = ("70%", "52%", "62%", "44%")
    return [
        rx.el.tr(
            *[
                rx.el.td(
                    skeleton(width=widths[(line + place) % 4]), class_name=f"is-{column.align} is-phone-{column.phone}"
                )
                for place, column in enumerate(columns)
            ]
        )
        for line in range(count)
    ]


def _pager(pager: Pager) -> rx.Component:
    def button(label: str, icon: str, enabled: Any, event: Any) -> rx.Component:
        return rx.icon_button(
            rx.icon(icon, size=16),
            variant="soft",
            color_scheme="gray",
            size="1",
            on_click=event,
            disabled=~enabled if isinstance(enabled, rx.Var) else not enabled,
            aria_label=label,
            data_testid=f"page-{label.split()[0].lower()}",
        )

    return rx.el.nav(
        rx.el.span(pager.summary, class_name="ty-pager-text", aria_live="polite"),
        button("Previous page", "chevron-left", pager.has_previous, pager.on_previous),
        button("Next page", "chevron-right", pager.has_next, pager.on_next),
        aria_label="Pages of this list",
        class_name="ty-pager",
    )


def data_table(
    rows: rx.Var[list[Any]],
    columns: Sequence[Column],
    *,
    label: str,
    empty: rx.Component,
    loading: rx.Var[bool] | bool = False,
    row_href: Callable[[Any], Any] | None = None,
    row_id: Callable[[Any], Any] | None = None,
    row_selected: Callable[[Any], rx.Var[bool]] | None = None,
    pager: Pager | None = None,
    sorting: Sorting | None = None,
    max_height: str | None = None,
    skeleton_rows: int = 6,
    test_id: str = "table",
) -> rx.Component:
    """A table of ``rows`` (one page of them).

    ``row_href(row)`` makes the whole row a link; ``empty`` is shown when there are no rows and nothing is loading;
    ``max_height`` scrolls the rows under a fixed head.
    """
    body = rx.el.tbody(rx.foreach(rows, lambda row: _row(row, columns, row_href, row_id, row_selected)))
    busy = rx.Var.create(loading) if not isinstance(loading, rx.Var) else loading
    table = rx.el.div(
        rx.el.table(_head(columns, sorting), body, aria_label=label, class_name="ty-table"),
        class_name=rx.cond(busy, "ty-table-wrap is-busy", "ty-table-wrap"),
        aria_busy=busy,
        data_testid=test_id,
        **({"style": {"max_height": max_height}} if max_height else {}),
    )
    waiting = rx.el.div(
        rx.el.table(
            _head(columns, sorting),
            rx.el.tbody(*_skeleton_rows(columns, skeleton_rows)),
            class_name="ty-table",
            aria_label=f"{label}, loading",
        ),
        class_name="ty-table-wrap",
        aria_busy="true",
    )
    content = rx.cond(rows.length() > 0, table, rx.cond(busy, waiting, empty))
    return rx.el.div(content, _pager(pager) if pager is not None else rx.fragment(), class_name="ty-list")


def two_lines(first: Cell, second: Cell) -> rx.Component:
    """A cell with a name and a quiet second line."""
    return rx.el.span(
        rx.el.span(first, class_name="ty-first"), rx.el.span(second, class_name="ty-second"), class_name="ty-two"
    )
