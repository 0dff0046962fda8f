"""Which state of a record a caller saw, and refusing an update that was made from another one (ADR 5).

A tag names what an update may change (`View.EDITED`), so that two people who edit one record notice each other, and a
count or a heartbeat that moves beside them disturbs neither.
"""

import hashlib
import json
from collections.abc import Set

from app.errors import PreconditionFailed
from app.schemas.base import View

ANY = frozenset({"*"})
# The tags that a caller accepts; None if the caller does not ask.
IfMatch = Set[str] | None


def etag(view: View) -> str:
    """The entity tag of the record behind `view`, in its quotes."""
    kept = {"id", *view.EDITED} if view.EDITED else None
    state = json.dumps([type(view).__name__, view.model_dump(mode="json", include=kept)], sort_keys=True)
    return f'"{hashlib.sha256(state.encode()).hexdigest()[:32]}"'


def check(view: View, accepted: IfMatch) -> None:
    """Raise `PreconditionFailed`, with the present tag, if the record is none of what the caller accepts.

    Call it on the locked row, before anything changes.
    """
    if accepted is None or accepted == ANY:
        return
    present = etag(view)
    if present not in accepted:
        raise PreconditionFailed(
            "Somebody changed this since you read it, and nothing of your change was made. Read it again, then decide.",
            etag=present,
        )
