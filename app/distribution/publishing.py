"""Release: the server states which approved list is current, with its online key.

Snapshot names the targets document by version, length and sha256; timestamp names the snapshot the same way. Versions
rise by one each time something is signed. What is still good is returned unchanged, so releasing twice does no harm.
None of this can approve anything: `targets` must already carry an approver's signature.
"""

from datetime import datetime, timedelta

from app.distribution import approvals, metadata, repository
from app.distribution.keys import KeyPair
from app.distribution.tuf_types import Metadata, MetaFile, Root, Snapshot, T, Targets, Timestamp
from app.errors import Conflict, Invalid

SNAPSHOT_LIFE = timedelta(days=30)
TIMESTAMP_LIFE = timedelta(days=7)
_TARGETS_FILE = "targets.json"


def publish(
    root: bytes,
    targets: bytes,
    current_snapshot: bytes | None,
    current_timestamp: bytes | None,
    online_key: KeyPair,
    now: datetime,
) -> tuple[bytes, bytes]:
    """The snapshot and timestamp under which `targets` is current.

    Raises Invalid when `targets` is not signed by an approver, and Conflict when the root or `targets` has expired, the
    root names another online key, or a newer list than `targets` was already released.
    """
    trusted = _usable_root(root, online_key, now)
    approved = metadata.load(Targets, targets)
    approvals.entries_of(approved.signed)
    if not metadata.is_signed(trusted, Targets.type, approved):
        raise Invalid("targets.json is not signed by a present approver: an approver must sign it again.")
    if approved.signed.is_expired(metadata.utc(now)):
        raise Conflict(f"The approval expired on {approved.signed.expires:%Y-%m-%d}: an approver must sign it again.")
    reference = metadata.meta_file(approved.signed.version, targets)
    _check_no_rollback(current_snapshot, reference)
    return _publish_reference(trusted, reference, current_snapshot, current_timestamp, online_key, now)


def refresh_timestamp(
    root: bytes, current_snapshot: bytes, current_timestamp: bytes, online_key: KeyPair, now: datetime
) -> tuple[bytes, bytes]:
    """Snapshot and timestamp, signed again where more than half of their life is over; unchanged otherwise.

    Raises Conflict when the stored snapshot was not made with this key: release again instead.
    """
    trusted = _usable_root(root, online_key, now)
    snapshot = metadata.load(Snapshot, current_snapshot)
    if not metadata.is_signed(trusted, Snapshot.type, snapshot):
        raise Conflict("The stored snapshot is not signed with the present online key: release a model version again.")
    reference = snapshot.signed.meta[_TARGETS_FILE]
    return _publish_reference(trusted, reference, current_snapshot, current_timestamp, online_key, now)


def _publish_reference(
    root: Root,
    reference: MetaFile,
    current_snapshot: bytes | None,
    current_timestamp: bytes | None,
    online_key: KeyPair,
    now: datetime,
) -> tuple[bytes, bytes]:
    old = metadata.load(Snapshot, current_snapshot) if current_snapshot is not None else None
    snapshot = current_snapshot
    if old is None or old.signed.meta != {_TARGETS_FILE: reference} or _is_due(root, old, SNAPSHOT_LIFE, now):
        signed = Snapshot(
            _next_version(old), expires=metadata.utc(now) + SNAPSHOT_LIFE, meta={_TARGETS_FILE: reference}
        )
        snapshot = _sign(Snapshot, Metadata(signed).signed_bytes, online_key)
    assert snapshot is not None
    return snapshot, _publish_timestamp(root, snapshot, current_timestamp, online_key, now)


def _publish_timestamp(
    root: Root, snapshot: bytes, current_timestamp: bytes | None, online_key: KeyPair, now: datetime
) -> bytes:
    reference = metadata.meta_file(metadata.load(Snapshot, snapshot).signed.version, snapshot)
    old = metadata.load(Timestamp, current_timestamp) if current_timestamp is not None else None
    if (
        old is not None
        and current_timestamp is not None
        and old.signed.snapshot_meta == reference
        and not _is_due(root, old, TIMESTAMP_LIFE, now)
    ):
        return current_timestamp
    signed = Timestamp(_next_version(old), expires=metadata.utc(now) + TIMESTAMP_LIFE, snapshot_meta=reference)
    return _sign(Timestamp, Metadata(signed).signed_bytes, online_key)


def _usable_root(data: bytes, online_key: KeyPair, now: datetime) -> Root:
    root = repository.trusted_root(data).signed
    if root.is_expired(metadata.utc(now)):
        raise Conflict(f"The root expired on {root.expires:%Y-%m-%d}: the holder of the root key must renew it.")
    if root.roles[Timestamp.type].keyids != [online_key.keyid]:
        raise Conflict(
            f"Root version {root.version} names another online key than this server's ({online_key.keyid[:12]}): "
            "run `trainyard keys renew-root` with the root key."
        )
    return root


def _check_no_rollback(current_snapshot: bytes | None, reference: MetaFile) -> None:
    if current_snapshot is None:
        return
    released = metadata.load(Snapshot, current_snapshot).signed.meta.get(_TARGETS_FILE)
    if released is None or released.version < reference.version:
        return
    if released.version > reference.version:
        raise Conflict(f"Version {released.version} of the approved list is already released; this is an older one.")
    if released != reference:
        raise Conflict(f"Another document was already released as version {released.version} of the approved list.")


def _is_due(root: Root, document: Metadata[T], life: timedelta, now: datetime) -> bool:
    late = document.signed.expires - metadata.utc(now) < life / 2
    return late or not metadata.is_signed(root, document.signed.type, document)


def _next_version(old: Metadata[T] | None) -> int:
    return 1 if old is None else old.signed.version + 1


def _sign(role: type[T], payload: bytes, online_key: KeyPair) -> bytes:
    return metadata.assemble(role, payload, [(online_key.keyid, online_key.sign(payload))])
