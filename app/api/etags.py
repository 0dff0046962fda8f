"""`ETag` on answers that show one record, and `If-Match` on requests that change it (RFC 9110, 8.8.3 and 13.1.1).

Only strong tags are compared. Who sends no `If-Match` overwrites, as before; who sends one loses no update of others.
"""

import re
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Header, Response

from app.api.problems import MEDIA_TYPE
from app.errors import Invalid
from app.schemas.base import View
from app.services.etags import ANY, etag

Shown = TypeVar("Shown", bound=View)
TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
LIST = re.compile(rf"[ \t]*{TAG.pattern}(?:[ \t]*,[ \t]*{TAG.pattern})*[ \t]*")
MAX_TAGS = 20

SHOWS_TAG: dict[int | str, dict[str, Any]] = {
    200: {
        "headers": {
            "ETag": {"description": "Names this state; send it back as `If-Match`", "schema": {"type": "string"}}
        }
    }
}
CHECKS_TAG: dict[int | str, dict[str, Any]] = {
    **SHOWS_TAG,
    412: {
        "description": "Somebody changed it meanwhile; `etag` is its present tag, and nothing was changed",
        "content": {MEDIA_TYPE: {}},
    },
}


def tagged(response: Response, view: Shown) -> Shown:
    """`view`, with its tag in the header of the answer."""
    response.headers["ETag"] = etag(view)
    return view


def _if_match(
    if_match: Annotated[
        list[str] | None,
        Header(alias="If-Match", description="Change it only if its ETag is one of these, or `*`: if it exists"),
    ] = None,
) -> frozenset[str] | None:
    return None if if_match is None else read(",".join(if_match))


def read(field: str) -> frozenset[str]:
    """The strong tags in an `If-Match` field; a weak one equals none."""
    if field.strip() == "*":
        return ANY
    tags = TAG.findall(field)
    if LIST.fullmatch(field) is None or len(tags) > MAX_TAGS:
        raise Invalid(
            f'If-Match must be * or at most {MAX_TAGS} entity tags in quotes, such as "33a64df5".',
            field="header.If-Match",
        )
    return frozenset(tag for tag in tags if not tag.startswith("W/"))


IfMatchIn = Annotated[frozenset[str] | None, Depends(_if_match)]
