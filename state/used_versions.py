"""The version that a job or a model came from: asked for beside the page's own subject, so it never fails a page."""

from uuid import UUID

from app.errors import DomainError
from app.services import withdrawals
from state.base import call
from state.views.used_version import NO_USED, UsedRow, used_row


async def used_version(dataset_id: UUID, version_id: UUID | None) -> UsedRow:
    """The version with its links; only that of its dataset where there is none yet, nothing where it is not theirs."""
    if version_id is None:
        return {**NO_USED, "dataset": "open", "dataset_href": f"/datasets/{dataset_id}"}
    try:
        return used_row(await call(withdrawals.used, version_id))
    except DomainError:
        return NO_USED
