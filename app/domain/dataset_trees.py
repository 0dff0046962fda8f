"""A dataset version as content: canonical lines of samples, in buckets, whose digests make one root digest.

A sample is one line of canonical JSON. The lines of a bucket, in the order of the ids, are a chunk, known by its
sha256; the digests of all chunks, in the order of the buckets, are the tree; the root covers the tree and what applies
to all samples. Equal content has equal digests, whatever the order in which it came to be, and two versions are
compared without looking into buckets that are equal. The form is that of a Merkle tree of two levels (R. Merkle, "A
Digital Signature Based on a Conventional Encryption Function", CRYPTO '87).
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from app.errors import Invalid

FORMAT = 1
BUCKETS = 4096
"""At 10,000 samples a bucket holds two or three, so 100 changes rewrite 100 small chunks; at a million, 244."""
_DIGEST = 32
EMPTY = bytes(_DIGEST)
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)

Record = dict[str, Any]
Lines = dict[UUID, bytes]


def bucket_of(sample_id: UUID) -> int:
    """The first 12 bits of a random id: as good as a hash of it, and buckets follow each other in the order of ids."""
    return sample_id.int >> (128 - 12)


def canonical(value: Any) -> bytes:
    """The one way in which `value` is written as JSON; NaN and infinity are refused."""
    return _ENCODER.encode(value).encode()


def line_of(record: Record) -> bytes:
    """A sample as it stands in a chunk, with its line end. `record` holds its `id`."""
    return canonical(record) + b"\n"


def chunk_of(lines: Lines) -> bytes:
    """A bucket's lines in the order of their ids."""
    return b"".join(line for _, line in sorted(lines.items()))


def lines_of(chunk: bytes) -> Lines:
    """The lines of a chunk by the id of their sample."""
    return {UUID(json.loads(line)["id"]): line for line in chunk.splitlines(keepends=True)}


def records_of(chunk: bytes) -> Iterator[Record]:
    """The samples of a chunk, in the order of their ids."""
    for line in chunk.splitlines():  # JSON escapes the line ends inside texts
        yield json.loads(line)


def digest_of(chunk: bytes) -> bytes:
    """The sha256 of a chunk; an empty bucket has no chunk and the digest of all zeros."""
    return hashlib.sha256(chunk).digest() if chunk else EMPTY


class Tree:
    """The digests of all buckets; changed in place while a version is made."""

    def __init__(self, body: bytes | None = None) -> None:
        self._body = bytearray(body if body is not None else EMPTY * BUCKETS)
        if len(self._body) != BUCKETS * _DIGEST:
            raise Invalid(f"A tree has {BUCKETS} digests of {_DIGEST} bytes; this one has {len(self._body)} bytes.")

    def __getitem__(self, bucket: int) -> bytes:
        return bytes(self._body[bucket * _DIGEST : (bucket + 1) * _DIGEST])

    def __setitem__(self, bucket: int, digest: bytes) -> None:
        self._body[bucket * _DIGEST : (bucket + 1) * _DIGEST] = digest

    @property
    def body(self) -> bytes:
        """The tree as it is stored."""
        return bytes(self._body)

    def filled(self) -> list[int]:
        """The buckets that hold samples, in order."""
        return [bucket for bucket in range(BUCKETS) if self[bucket] != EMPTY]

    def differing(self, other: "Tree") -> list[int]:
        """The buckets whose content differs, in order."""
        if self._body == other._body:
            return []
        return [bucket for bucket in range(BUCKETS) if self[bucket] != other[bucket]]


def root_of(tree: Tree, about: Mapping[str, Any]) -> str:
    """The digest (hex) that a version is known by. `about` is what applies to all its samples."""
    content = {"format": FORMAT, "tree": hashlib.sha256(tree.body).hexdigest(), **about}
    return hashlib.sha256(canonical(content)).hexdigest()


def ids_between(bucket: int) -> tuple[UUID, UUID]:
    """The first and the last id that a bucket can hold."""
    low = bucket << (128 - 12)
    return UUID(int=low), UUID(int=low + (1 << (128 - 12)) - 1)


def changed_lines(before: Lines, after: Lines) -> list[UUID]:
    """The samples that are in one of both only, or differ, in the order of their ids."""
    return sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
