"""Which models this node may load: the signed metadata, verified with python-tuf's client.

Rules, in order:
1. Trust starts at one root only, the one whose sha256 was in the enrolment token. It is checked again at every start.
2. Metadata is refreshed before every install; unsigned, expired, altered or older metadata is refused.
3. A target is accepted only if the signed metadata says that it is this module and version, for this organization, this
   platform and this edge version, and names the very model version that the cloud assigned.
Nothing here is needed to go on serving: metadata may expire while the cloud is away.
"""

import hashlib
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tuf.api import exceptions as tuf_errors
from tuf.api.metadata import Metadata, Root, TargetFile  # type: ignore[attr-defined]  # re-exported without __all__
from tuf.ngclient.config import UpdaterConfig
from tuf.ngclient.fetcher import FetcherInterface
from tuf.ngclient.updater import Updater

from edge_node.cloud import Assignment, Cloud
from edge_node.errors import CloudRefused, CloudUnreachable, Misconfigured, Refused, Retryable

logger = logging.getLogger(__name__)
_METADATA = "metadata/"


@dataclass(frozen=True)
class Target:
    """What an approver signed: these bytes are this model version."""

    path: str
    ai_module: str
    version: str
    model_version_id: str
    sha256: str
    length: int


@dataclass(frozen=True)
class NodeFacts:
    """What the custom fields of a target are compared with."""

    organization_id: int | None
    platform: str
    edge_version: str


def check_root(root: bytes, pinned_sha256: str) -> None:
    """Raise Refused unless `root` is the root that the token named and is signed by itself."""
    digest = hashlib.sha256(root).hexdigest()
    if digest != pinned_sha256:
        raise Refused(
            f"The root of trust has sha256 {digest}, the enrolment token names {pinned_sha256}: this is not the cloud "
            "that the token was made for, or someone stands in between. Nothing was trusted."
        )
    try:
        metadata = Metadata[Root].from_bytes(root)
        if not isinstance(metadata.signed, Root):
            raise Refused(f"The root of trust is {metadata.signed.type} metadata, not root metadata.")
        metadata.signed.verify_delegate(Root.type, metadata.signed_bytes, metadata.signatures)
    except (tuf_errors.RepositoryError, ValueError) as error:
        raise Refused(f"The root of trust is not a TUF root signed by its own keys: {error}.") from error


class CloudFetcher(FetcherInterface):
    """Lets python-tuf fetch metadata through the node's authenticated connection."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def _fetch(self, url: str) -> Iterator[bytes]:
        try:
            return iter([self._cloud.metadata(url.removeprefix(_METADATA))])
        except CloudRefused as error:
            raise tuf_errors.DownloadHTTPError(str(error), error.status) from error
        except CloudUnreachable as error:
            raise tuf_errors.DownloadError(str(error)) from error


class Trust:
    """The node's trusted metadata, kept in `folder`. Used by one thread at a time."""

    def __init__(self, folder: Path, root_sha256: str, facts: NodeFacts, cloud: Cloud) -> None:
        self._folder = folder
        self._root_sha256 = root_sha256
        self._facts = facts
        self._fetcher = CloudFetcher(cloud)

    def find(self, assignment: Assignment) -> Target:
        """Refresh the metadata and return the signed target for `assignment`.

        Raises Refused (not signed, not for this node, altered, expired, older than seen), CloudUnreachable, Retryable.
        """
        info = self._signed_info(f"{assignment.ai_module}/{assignment.version}/bundle.tar")
        if info is None:
            raise Refused(f"{assignment.label} is not in the signed targets: no approver signed it.")
        if assignment.target != info.path:
            raise Refused(f"The cloud names the target {assignment.target!r} for {assignment.label}: that is another.")
        return check_target(info, assignment, self._facts)

    def _signed_info(self, path: str) -> TargetFile | None:
        try:
            updater = Updater(
                metadata_dir=str(self._folder / "metadata"),
                metadata_base_url=_METADATA,
                fetcher=self._fetcher,
                config=UpdaterConfig(app_user_agent="trainyard-edge"),
                bootstrap=self._pinned_root(),
            )
            updater.refresh()
            return updater.get_targetinfo(path)
        except tuf_errors.DownloadHTTPError as error:
            raise Retryable(f"The signed metadata could not be fetched: {error}") from error
        except tuf_errors.DownloadLengthMismatchError as error:
            raise Refused(f"The cloud sent metadata longer than signed: {error}.") from error
        except tuf_errors.DownloadError as error:
            raise CloudUnreachable(str(error)) from error
        except tuf_errors.RepositoryError as error:
            raise Refused(explain(error)) from error

    def _pinned_root(self) -> bytes:
        (self._folder / "metadata").mkdir(parents=True, exist_ok=True)
        root = read_root(self._folder)
        check_root(root, self._root_sha256)
        return root


def read_root(folder: Path) -> bytes:
    """The enrolled root's exact bytes. Raises Misconfigured when the file is gone."""
    try:
        return (folder / "root.json").read_bytes()
    except OSError as error:
        raise Misconfigured(f"The root of trust {folder / 'root.json'} cannot be read: {error.strerror}.") from error


def explain(error: tuf_errors.RepositoryError) -> str:
    """A sentence on why python-tuf refused the metadata."""
    if isinstance(error, tuf_errors.ExpiredMetadataError):
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
        return (
            f"The cloud's signed metadata has expired ({error}). This machine's clock says {now}; if that is right, "
            "the cloud must publish fresh metadata."
        )
    if isinstance(error, tuf_errors.BadVersionNumberError):
        return f"The cloud sent metadata older than this node has already seen, as in a rollback attack: {error}."
    if isinstance(error, tuf_errors.UnsignedMetadataError):
        return f"The cloud's metadata is not signed by the keys this node trusts: {error}."
    if isinstance(error, tuf_errors.LengthOrHashMismatchError):
        return f"The cloud's metadata was changed after it was signed: {error}."
    return f"The cloud's metadata cannot be trusted: {error}."


def check_target(info: TargetFile, assignment: Assignment, facts: NodeFacts) -> Target:
    """Compare the signed custom fields with the assignment and with this node. Raises Refused."""
    custom = info.custom if isinstance(info.custom, dict) else {}
    for name, wanted in (
        ("ai_module", assignment.ai_module),
        ("version", assignment.version),
        ("model_version_id", assignment.model_version_id),
    ):
        if custom.get(name) != wanted:
            raise Refused(f"{info.path} is signed with {name} {custom.get(name)!r}, the cloud assigned {wanted!r}.")
    _check_fits(custom, assignment.label, facts)
    sha256 = info.hashes.get("sha256", "")
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise Refused(f"{info.path} is signed without a sha256: publish it again.")
    return Target(info.path, assignment.ai_module, assignment.version, assignment.model_version_id, sha256, info.length)


def _check_fits(custom: dict[str, Any], label: str, facts: NodeFacts) -> None:
    organization = custom.get("organization_id")
    if organization is not None and organization != facts.organization_id:
        owner = "no organization" if facts.organization_id is None else f"organization {facts.organization_id}"
        raise Refused(f"{label} is signed for organization {organization}; this node belongs to {owner}.")
    platforms = custom.get("supported_platforms") or []
    if not isinstance(platforms, list) or (platforms and facts.platform not in platforms):
        named = ", ".join(map(str, platforms)) if isinstance(platforms, list) else repr(platforms)
        raise Refused(f"{label} is signed for {named}; this node is {facts.platform}.")
    needed = custom.get("min_edge_version")
    if needed is not None and parse_version(facts.edge_version) < parse_version(needed):
        raise Refused(f"{label} needs edge version {needed} or newer; this node is {facts.edge_version}: update it.")


def parse_version(text: Any) -> tuple[int, int, int]:
    """(major, minor, patch) of a semantic version; pre-release and build parts do not count. Raises Refused."""
    match = re.fullmatch(r"(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:[-+].*)?", text) if isinstance(text, str) else None
    if match is None:
        raise Refused(f"The signed min_edge_version {text!r} is not a version such as 1.2.0.")
    return int(match[1]), int(match[2]), int(match[3])
