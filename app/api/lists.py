"""The query of lists that can be sorted."""

from pydantic import Field

from app.api.deps import PageQuery

# A cursor holds the sorted value of the page's last row: a name or an address, of up to 254 characters in UTF-8.
CURSOR_LENGTH = 2_000


class SortedQuery(PageQuery):
    """`PageQuery` for a list with a `sort`. Mix it with the list's filter."""

    cursor: str | None = Field(
        None, max_length=CURSOR_LENGTH, description="`next_cursor` of the page before, asked with the same filter"
    )
