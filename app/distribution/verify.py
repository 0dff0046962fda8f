"""The whole repository through the eyes of an edge server: python-tuf's client rules over stored bytes.

`verify_repository` answers what an edge would accept at `now`, or says which document is the first wrong one.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tuf.api.exceptions import RepositoryError
from tuf.ngclient._internal.trusted_metadata_set import TrustedMetadataSet
from tuf.ngclient.config import EnvelopeType

from app.distribution import metadata, repository
from app.distribution.approvals import TargetEntry, entries_of
from app.distribution.tuf_types import Root, Snapshot, Targets, Timestamp
from app.errors import Invalid


@dataclass(frozen=True)
class VerifiedRepository:
    """What an edge server accepts: the approved targets by path, who signed them, and until when that holds."""

    root_version: int
    timestamp_version: int
    snapshot_version: int
    targets_version: int
    approved: Mapping[str, TargetEntry]
    approved_by: tuple[str, ...]
    valid_until: datetime


def verify_repository(
    roots: Sequence[bytes],
    timestamp: bytes,
    snapshot: bytes,
    targets: bytes,
    *,
    now: datetime,
    root_sha256: str | None = None,
) -> VerifiedRepository:
    """Check every document in the client's order; `roots` is the chain from the trusted root to the newest.

    `root_sha256`, when given, is the digest the first root must have, as in an enrolment token.
    Raises Invalid with the field `role` naming the first document that is wrong.
    """
    if not roots:
        raise Invalid("There is no root yet: run `trainyard keys init-root`.", role=Root.type)
    if root_sha256 is not None and hashlib.sha256(roots[0]).hexdigest() != root_sha256:
        raise Invalid("root.json is not the root that is trusted here.", role=Root.type)
    for data in roots:
        repository.trusted_root(data)
    metadata.load(Timestamp, timestamp)
    metadata.load(Snapshot, snapshot)
    entries_of(metadata.load(Targets, targets).signed)
    trusted = _walk(roots, timestamp, snapshot, targets, metadata.utc(now))
    return _summary(trusted, targets)


def _walk(
    roots: Sequence[bytes], timestamp: bytes, snapshot: bytes, targets: bytes, now: datetime
) -> TrustedMetadataSet:
    step = Root.type
    try:
        trusted = TrustedMetadataSet(roots[0], EnvelopeType.METADATA)
        trusted.reference_time = now
        for data in roots[1:]:
            trusted.update_root(data)
        if trusted.root.is_expired(now):
            raise Invalid(f"root.json expired on {trusted.root.expires:%Y-%m-%d %H:%M} UTC.", role=step)
        step = Timestamp.type
        trusted.update_timestamp(timestamp)
        step = Snapshot.type
        trusted.update_snapshot(snapshot)
        step = Targets.type
        trusted.update_targets(targets)
    except RepositoryError as error:
        raise Invalid(f"{step}.json is refused: {error}", role=step) from error
    return trusted


def _summary(trusted: TrustedMetadataSet, targets: bytes) -> VerifiedRepository:
    loaded = metadata.load(Targets, targets)
    result = trusted.root.get_verification_result(Targets.type, loaded.signed_bytes, loaded.signatures)
    documents = (trusted.root, trusted.timestamp, trusted.snapshot, trusted.targets)
    return VerifiedRepository(
        root_version=trusted.root.version,
        timestamp_version=trusted.timestamp.version,
        snapshot_version=trusted.snapshot.version,
        targets_version=trusted.targets.version,
        approved=entries_of(trusted.targets),
        approved_by=tuple(result.signed),
        valid_until=min(document.expires for document in documents),
    )
