"""Trees and chunks of dataset versions in the database: read, checked against their digests, and written once."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import TextClause, delete, func, text
from sqlalchemy import select as choose
from sqlmodel import Session, col, select

from app.domain.dataset_trees import EMPTY, Record, Tree, digest_of, records_of
from app.errors import Conflict
from app.tables import DatasetChunk, DatasetFile, DatasetVersion

Item = TypeVar("Item")

AT_ONCE = 64
"""Chunks read or written in one statement; what is in memory at a time."""
_WRITE_BYTES = 4 * 1024**2
# One statement for all: a statement for each file took longer than the version's JSON.
_ADD_CHUNKS = text(
    "INSERT INTO dataset_chunks (dataset_id, sha256, body) SELECT :dataset, given.sha256, given.body"
    " FROM unnest(CAST(:sha256s AS text[]), CAST(:bodies AS bytea[])) AS given(sha256, body) ON CONFLICT DO NOTHING"
)
_ADD_FILES = text(
    "INSERT INTO dataset_files (dataset_id, file_url) SELECT :dataset, unnest(CAST(:urls AS text[]))"
    " ON CONFLICT DO NOTHING"
)


def batched(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """`items` in lists of at most `size`."""
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some


class Damaged(Conflict):
    """A chunk is missing, or is not what its digest says."""

    code = "version-damaged"


def tree_of(session: Session, version: DatasetVersion | None) -> Tree:
    """The tree of a version; an empty one for no version. Refuses versions from before there were trees."""
    if version is None:
        return Tree()
    if version.tree_sha256 is None:
        raise Conflict(
            f"Version {version.version} was frozen before versions kept their samples; only the list of its files and "
            "classes is there. Commit a new version to compare, restore or export.",
            code="version-without-samples",
        )
    return Tree(_body(session, version.dataset_id, version.tree_sha256, "tree"))


def _body(session: Session, dataset_id: UUID, sha256: str, what: str) -> bytes:
    query = select(DatasetChunk.body).where(DatasetChunk.dataset_id == dataset_id, DatasetChunk.sha256 == sha256)
    body = session.exec(query).one_or_none()
    return _checked(body, sha256, what)


def _checked(body: bytes | None, sha256: str, what: str) -> bytes:
    if body is None or hashlib.sha256(body).hexdigest() != sha256:
        state = "missing" if body is None else "not what its digest says"
        raise Damaged(f"The {what} {sha256} of a dataset version is {state}. Restore the database from a backup.")
    return body


def chunks(session: Session, dataset_id: UUID, tree: Tree, buckets: Iterable[int]) -> Iterator[tuple[int, bytes]]:
    """The chunks of `buckets` in their order; an empty bucket gives no bytes."""
    for some in batched(buckets, AT_ONCE):
        wanted = {bucket: tree[bucket].hex() for bucket in some if tree[bucket] != EMPTY}
        query = select(DatasetChunk.sha256, DatasetChunk.body).where(
            DatasetChunk.dataset_id == dataset_id, col(DatasetChunk.sha256).in_(set(wanted.values()))
        )
        found = dict(session.exec(query).all()) if wanted else {}
        for bucket in some:
            sha256 = wanted.get(bucket)
            yield bucket, _checked(found.get(sha256), sha256, f"chunk of bucket {bucket}") if sha256 else b""


def records(session: Session, version: DatasetVersion, first: int = 0) -> Iterator[Record]:
    """The samples of a version in the order of their ids, from bucket `first` on; at most 64 buckets in memory."""
    tree = tree_of(session, version)
    buckets = [bucket for bucket in tree.filled() if bucket >= first]
    for _, chunk in chunks(session, version.dataset_id, tree, buckets):
        yield from records_of(chunk)


class ChunkWriter:
    """Collects chunks and files of one version, and writes them a few megabytes at a time."""

    def __init__(self, session: Session, dataset_id: UUID) -> None:
        self._session = session
        self._dataset_id = dataset_id
        self._chunks: dict[str, bytes] = {}
        self._files: set[str] = set()
        self._size = 0

    def add(self, chunk: bytes) -> bytes:
        """Keep a chunk; its digest."""
        digest = digest_of(chunk)
        if chunk:
            self._chunks[digest.hex()] = chunk
            self._size += len(chunk)
        if self._size > _WRITE_BYTES:
            self.flush()
        return digest

    def need(self, file_url: str) -> None:
        """The version needs this file."""
        self._files.add(file_url)

    def flush(self) -> None:
        """Write what was collected; what is there already stays."""
        if self._chunks:
            self._run(_ADD_CHUNKS, sha256s=list(self._chunks), bodies=list(self._chunks.values()))
        if self._files:
            self._run(_ADD_FILES, urls=sorted(self._files))
        self._chunks, self._files, self._size = {}, set(), 0

    def _run(self, statement: TextClause, **lists: list[Any]) -> None:
        self._session.connection().execute(statement, {"dataset": self._dataset_id, **lists})


def needed(session: Session, dataset_id: UUID, file_urls: Sequence[str]) -> set[str]:
    """Those of `file_urls` that some version of the dataset needs.

    Lists from before versions kept their samples do not say which; where there is one, all are needed.
    """
    older = select(DatasetVersion.id).where(
        DatasetVersion.dataset_id == dataset_id, col(DatasetVersion.manifest_url).is_not(None)
    )
    if session.exec(older.limit(1)).first() is not None:
        return set(file_urls)
    query = select(DatasetFile.file_url).where(
        DatasetFile.dataset_id == dataset_id, col(DatasetFile.file_url).in_(file_urls)
    )
    return set(session.exec(query))


def digests_at(session: Session, dataset_id: UUID, bucket: int) -> dict[UUID, bytes]:
    """The digest of one bucket in every version of the dataset that has a tree."""
    part = func.substring(DatasetChunk.body, bucket * 32 + 1, 32)
    query = (
        choose(col(DatasetVersion.id), part)
        .join(
            DatasetChunk,
            (col(DatasetChunk.dataset_id) == DatasetVersion.dataset_id)
            & (col(DatasetChunk.sha256) == DatasetVersion.tree_sha256),
        )
        .where(col(DatasetVersion.dataset_id) == dataset_id)
    )
    return {version_id: bytes(digest) for version_id, digest in session.execute(query)}  # type: ignore[deprecated]


def forget(session: Session, dataset_id: UUID) -> set[str]:
    """Remove all versions of a dataset that is deleted; the URLs of what they needed.

    The database refuses if a job used one of them.
    """
    mine = col(DatasetVersion.dataset_id) == dataset_id
    lists = choose(col(DatasetVersion.manifest_url)).where(mine, col(DatasetVersion.manifest_url).is_not(None))
    urls = {str(url) for url in session.scalars(lists)}
    session.execute(delete(DatasetVersion).where(mine))  # type: ignore[deprecated]
    gone = delete(DatasetFile).where(col(DatasetFile.dataset_id) == dataset_id)
    urls |= set(session.scalars(gone.returning(col(DatasetFile.file_url))))
    session.execute(delete(DatasetChunk).where(col(DatasetChunk.dataset_id) == dataset_id))  # type: ignore[deprecated]
    return urls
