"""The approval: a person's signature over the next version of the list of approved targets.

The cloud proposes the exact bytes of the next TUF targets (`propose_targets`); a person signs them elsewhere; the cloud
accepts the signature (`accept_approval`) only if
 * the bytes are what it would propose now (only the expiry may differ, 1 to 400 days ahead);
 * the key is an approver's in a root that has not expired;
 * the signature is that key's over those bytes.
There is no empty first list: the first approval is version 1 with one target. An approved path never changes its bytes.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from app.distribution import keys, metadata, repository, strict_json
from app.distribution.tuf_types import Metadata, TargetFile, Targets
from app.errors import Conflict, Forbidden, Invalid

MIN_DAYS, MAX_DAYS, DEFAULT_DAYS = 1, 400, 365
MAX_LENGTH = 2**40
_PATH = re.compile(r"(?:org-[0-9]{1,18}/)?[A-Za-z0-9][A-Za-z0-9._+-]{0,127}/[0-9][A-Za-z0-9._+-]{0,127}/bundle\.tar")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class TargetEntry:
    """One approved bundle: its path in the repository, its bytes by length and sha256, and what it is."""

    path: str
    length: int
    sha256: str
    custom: Mapping[str, Any]

    def __post_init__(self) -> None:
        if not _PATH.fullmatch(self.path):
            raise Invalid(
                f"{self.path!a:.200} is not a target path: it must be [org-<id>/]<ai_module>/<version>/bundle.tar."
            )
        if type(self.length) is not int or not 0 < self.length <= MAX_LENGTH:
            raise Invalid(f"The length of {self.path} must be 1 to {MAX_LENGTH} bytes.")
        if not _SHA256.fullmatch(self.sha256):
            raise Invalid(f"The sha256 of {self.path} must be 64 lower-case hexadecimal digits.")
        plain = f"{self.custom.get('ai_module')}/{self.custom.get('version')}/bundle.tar"
        if self.path not in {plain, f"org-{self.custom.get('organization_id')}/{plain}"}:
            raise Invalid(f"The path {self.path} does not belong to the module, version and organization it describes.")
        if not isinstance(self.custom.get("model_version_id"), str):
            raise Invalid(f"{self.path} does not say which model version it is.")

    @classmethod
    def from_target(cls, target: TargetFile) -> Self:
        """The entry that `target` describes. Raises Invalid for members this product never writes."""
        if set(target.hashes) != {"sha256"} or set(target.unrecognized_fields) != {"custom"}:
            raise Invalid(f"The target {target.path!a:.200} has other members than length, sha256 and custom.")
        if not isinstance(target.custom, dict):
            raise Invalid(f"The target {target.path!a:.200} has no description.")
        return cls(target.path, target.length, target.hashes["sha256"], target.custom)

    def to_target(self) -> TargetFile:
        return TargetFile(self.length, {"sha256": self.sha256}, self.path, {"custom": dict(self.custom)})


def propose_targets(
    current_targets: bytes | None,
    entries: Sequence[TargetEntry],
    expires: datetime,
    *,
    withdrawn: Collection[str] = (),
) -> bytes:
    """The canonical bytes of the next targets: everything still approved, plus `entries`, minus `withdrawn` paths.

    Entries that are already approved as they are change nothing, so the same call also renews a signature.
    Raises Conflict when an entry would change approved bytes or a withdrawn path is not approved.
    """
    version, approved = 1, dict[str, TargetEntry]()
    if current_targets is not None:
        current = metadata.load(Targets, current_targets).signed
        version, approved = current.version + 1, entries_of(current)
    for path in withdrawn:
        if approved.pop(path, None) is None:
            raise Conflict(f"{path} is not approved, so it cannot be withdrawn.")
    for entry in entries:
        known = approved.setdefault(entry.path, entry)
        if known != entry:
            raise Conflict(
                f"{entry.path} is already approved with other content (sha256 {known.sha256[:12]}…). An approved "
                "version never changes: publish a new version."
            )
    targets = {path: entry.to_target() for path, entry in approved.items()}
    proposal = Metadata(Targets(version=version, expires=metadata.utc(expires), targets=targets)).signed_bytes
    return strict_json.canonical(read_payload(proposal))


def accept_approval(
    payload: bytes,
    keyid: str,
    signature: str,
    *,
    root: bytes,
    current_targets: bytes | None,
    expected_entries: Sequence[TargetEntry],
    now: datetime,
    withdrawn: Collection[str] = (),
) -> bytes:
    """The targets metadata: `payload` with the approver's signature.

    Raises Conflict (another approval came first, or the root has expired), Forbidden (not an approver's key) or Invalid
    (other bytes than proposed, a wrong expiry, a signature that does not verify).
    """
    trusted = repository.trusted_root(root).signed
    if trusted.is_expired(metadata.utc(now)):
        raise Conflict(
            f"The root expired on {trusted.expires:%Y-%m-%d}: whoever holds the root key must renew it first."
        )
    signed = read_payload(payload)
    _check_version(signed["version"], current_targets)
    if keyid not in repository.approver_keyids(trusted):
        raise Forbidden(f"The key {keyid[:12]!a} is not an approver's key in root version {trusted.version}.")
    expires = _checked_expiry(signed["expires"], now)
    if propose_targets(current_targets, expected_entries, expires, withdrawn=withdrawn) != payload:
        raise Invalid("The signed list is not the one proposed for this approval: fetch the proposal and sign again.")
    if not keys.verify_signature(repository.root_key_of(trusted, keyid), payload, signature):
        raise Invalid("The signature does not belong to this list and this key: sign again with the key it names.")
    return metadata.assemble(Targets, payload, [(keyid, signature)])


def read_payload(payload: bytes) -> dict[str, Any]:
    """The members of a proposed `signed` part, checked to be canonical targets of this product. Raises Invalid."""
    what = "The list to approve"
    signed = strict_json.parse_canonical(payload, limit=metadata.LIMITS[Targets.type], what=what)
    if set(signed) != {"_type", "spec_version", "version", "expires", "targets"}:
        raise Invalid(f"{what} has other members than a list of targets has.")
    entries_of(metadata.load(Targets, metadata.assemble(Targets, payload, [])).signed)
    return signed


def entries_of(targets: Targets) -> dict[str, TargetEntry]:
    """What `targets` approves, by path. Raises Invalid for delegations and members this product never writes."""
    if targets.delegations is not None or targets.unrecognized_fields:
        raise Invalid("targets.json delegates or has members that this product never writes.", role=Targets.type)
    return {path: TargetEntry.from_target(target) for path, target in targets.targets.items()}


def default_expiry(now: datetime) -> datetime:
    """How long an approval is proposed to last."""
    return metadata.utc(now) + timedelta(days=DEFAULT_DAYS)


def _check_version(version: int, current_targets: bytes | None) -> None:
    expected = 1 if current_targets is None else metadata.load(Targets, current_targets).signed.version + 1
    if version < expected:
        raise Conflict(
            f"Another approval was recorded meanwhile (the list is now at version {expected - 1}): sign again.",
            code="approval-superseded",
            targets_version=expected,
        )
    if version > expected:
        raise Invalid(f"The signed list has version {version}; the next one is {expected}.")


def _checked_expiry(text: str, now: datetime) -> datetime:
    expires = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    if not timedelta(days=MIN_DAYS) <= expires - metadata.utc(now) <= timedelta(days=MAX_DAYS):
        raise Invalid(f"The approval must expire {MIN_DAYS} to {MAX_DAYS} days from now, not on {text}.")
    return expires
