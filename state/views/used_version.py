"""The version that a job or a model came from, as pages name it and lead to it."""

from typing import TypedDict

from app.schemas.withdrawals import UsedVersion


class HeldSample(TypedDict):
    """A withdrawn sample, and the page of what it touched."""

    name: str
    href: str


class UsedRow(TypedDict):
    """A version with the addresses of it and of its dataset; `withdrawn` says how many samples were, or nothing."""

    dataset: str
    dataset_href: str
    version: str
    version_href: str
    withdrawn: str
    samples: list[HeldSample]


NO_USED: UsedRow = {
    "dataset": "", "dataset_href": "", "version": "", "version_href": "", "withdrawn": "", "samples": [],
}  # fmt: skip


def used_row(found: UsedVersion) -> UsedRow:
    """The version with its links."""
    base, rest = f"/datasets/{found.dataset_id}", found.withdrawn_count - len(found.withdrawn)
    return {
        "dataset": found.dataset_name,
        "dataset_href": base,
        "version": found.version,
        "version_href": f"{base}/versions?version={found.version}",
        "withdrawn": _withdrawn(found.version, found.withdrawn_count, rest),
        "samples": [{"name": str(one)[:8], "href": f"{base}/impact?sample={one}"} for one in found.withdrawn],
    }


def _withdrawn(version: str, count: int, rest: int) -> str:
    if not count:
        return ""
    what, was = ("sample", "was") if count == 1 else ("samples", "were")
    said = f"{count:,} {what} of version {version} {was} withdrawn since."
    return said + (f" The first {count - rest} of them are named here." if rest else "")
