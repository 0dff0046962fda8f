"""Reading and writing one TUF metadata document, with the limits python-tuf's client has.

Every other module reads metadata through `load`, so that no document with two meanings, an absurd version or members
this product never writes gets any further.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from tuf.api.exceptions import UnsignedMetadataError
from tuf.api.serialization import DeserializationError

from app.distribution import strict_json
from app.distribution.tuf_types import Metadata, MetaFile, Root, Snapshot, T, Targets, Timestamp
from app.errors import Invalid

LIMITS: Mapping[str, int] = {
    Root.type: 512_000,
    Timestamp.type: 16_384,
    Snapshot.type: 2_000_000,
    Targets.type: 5_000_000,
}
MAX_VERSION = 2**31 - 1


def load(role: type[T], data: bytes) -> Metadata[T]:
    """The metadata in `data`, which must be of `role`. Signatures are not looked at. Raises Invalid."""
    what = f"{role.type}.json"
    document = strict_json.parse(data, limit=LIMITS[role.type], what=what)
    signed = document.get("signed")
    if set(document) != {"signed", "signatures"} or not isinstance(signed, dict):
        raise Invalid(f'{what} must have the members "signed" and "signatures", and no other.', role=role.type)
    if signed.get("_type") != role.type:
        raise Invalid(f"{what} is of the type {signed.get('_type')!a:.40} instead.", role=role.type)
    version = signed.get("version")
    if type(version) is not int or not 1 <= version <= MAX_VERSION:
        raise Invalid(f"{what} has no usable version number.", role=role.type)
    try:
        return Metadata[T].from_bytes(data)
    except DeserializationError as error:
        raise Invalid(f"{what} is not TUF metadata: {error.__cause__ or error}.", role=role.type) from error


def assemble(role: type[T], signed: bytes, signatures: Iterable[tuple[str, str]]) -> bytes:
    """The document made of canonical `signed` bytes and (keyid, hexadecimal signature) pairs. Raises Invalid."""
    content = strict_json.parse_canonical(signed, limit=LIMITS[role.type], what=f"The signed part of {role.type}.json")
    document: dict[str, Any] = {
        "signatures": [{"keyid": keyid, "sig": signature} for keyid, signature in signatures],
        "signed": content,
    }
    data = json.dumps(document, separators=(",", ":"), sort_keys=True).encode("ascii")
    if load(role, data).signed_bytes != signed:
        raise Invalid(f"The signed part of {role.type}.json changes when it is read and written again.")
    return data


def is_signed(root: Root, role: str, metadata: Metadata[T]) -> bool:
    """Whether enough of the keys that `root` names for `role` signed `metadata`."""
    try:
        root.verify_delegate(role, metadata.signed_bytes, metadata.signatures)
    except (UnsignedMetadataError, ValueError):
        return False
    return True


def meta_file(version: int, data: bytes) -> MetaFile:
    """How snapshot and timestamp refer to `data`: version, length and sha256, so that no two versions can be mixed."""
    return MetaFile(version, len(data), {"sha256": hashlib.sha256(data).hexdigest()})


def utc(moment: datetime) -> datetime:
    """`moment` in UTC and whole seconds, as TUF writes times. Raises ValueError for a time without a zone."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone is ambiguous")
    return moment.astimezone(UTC).replace(microsecond=0)
