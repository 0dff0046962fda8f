"""Fetching one bundle: streamed to disk while it is hashed, taken up again where an earlier attempt ended.

Rules: memory does not grow with the bundle; nothing the store says is trusted, length and sha256 come from the signed
target; a server may answer a range request with 200, so only `Content-Range` tells where the bytes start.
"""

import hashlib
import logging
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import httpx

from edge_node.errors import Refused, Retryable, Stopping
from edge_node.files import refusing_when_disk_is_full, require_space
from edge_node.trust import Target

logger = logging.getLogger(__name__)
CHUNK = 1 << 18
TOTAL_SECONDS = 4 * 3600.0
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")

Progress = Callable[[int], None]


@dataclass(frozen=True)
class DownloadLimits:
    max_bundle_bytes: int
    min_free_bytes: int
    timeout_seconds: float


class PartialFile:
    """A file being downloaded: what is there already counts, and is hashed first."""

    def __init__(self, path: Path, length: int) -> None:
        self._path = path
        self._file = path.open("ab+")
        self._hash = hashlib.sha256()
        self.size = 0
        self._file.seek(0)
        while self.size <= length and (chunk := self._file.read(CHUNK)):
            self._hash.update(chunk)
            self.size += len(chunk)
        if self.size > length:
            self.restart()

    def __enter__(self) -> "PartialFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if self.size == 0:
            self._path.unlink(missing_ok=True)

    def restart(self) -> None:
        self._file.truncate(0)
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, chunk: bytes) -> None:
        self._file.write(chunk)
        self._hash.update(chunk)
        self.size += len(chunk)

    def finish(self) -> str:
        """Flush to the disk; the sha256 of the whole file."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._hash.hexdigest()


class Downloader:
    """Fetches targets into partial files. `stopping` is asked between chunks."""

    def __init__(self, limits: DownloadLimits, stopping: Callable[[], bool]) -> None:
        self._limits = limits
        self._stopping = stopping
        timeout = httpx.Timeout(limits.timeout_seconds, connect=min(5.0, limits.timeout_seconds))
        self._client = httpx.Client(timeout=timeout, follow_redirects=True)

    def close(self) -> None:
        self._client.close()

    def fetch(self, url: str, target: Target, path: Path, progress: Progress) -> None:
        """Bring `target` to `path`, whole and with the signed sha256. `progress` gets percents.

        Raises Refused (other bytes than signed, too large, disk full) and Retryable (the store did not deliver).
        """
        if target.length > self._limits.max_bundle_bytes:
            raise Refused(
                f"{target.path} is {target.length} bytes long; this node takes at most {self._limits.max_bundle_bytes} "
                "(TRAINYARD_EDGE_MAX_BUNDLE_BYTES)."
            )
        try:
            with refusing_when_disk_is_full(path.parent):
                resumed, digest = self._attempt(url, target, path, progress)
                if digest != target.sha256 and resumed:
                    logger.warning("%s: the resumed download does not match, starting again from zero", target.path)
                    path.unlink()
                    _, digest = self._attempt(url, target, path, progress)
            if digest != target.sha256:
                raise Refused(
                    f"The bundle's sha256 is {digest}, the signed metadata says {target.sha256}: the file in the store "
                    "was changed after approval."
                )
        except Refused:
            path.unlink(missing_ok=True)
            raise

    def _attempt(self, url: str, target: Target, path: Path, progress: Progress) -> tuple[bool, str]:
        """(whether bytes of an earlier attempt were used, sha256 of the whole file)."""
        with PartialFile(path, target.length) as part:
            require_space(path.parent, target.length - part.size, self._limits.min_free_bytes)
            resumed = part.size > 0
            if part.size < target.length:
                resumed = self._receive(url, target, part, progress)
            return resumed, part.finish()

    def _receive(self, url: str, target: Target, part: PartialFile, progress: Progress) -> bool:
        headers = {"Accept-Encoding": "identity"}
        if part.size:
            headers["Range"] = f"bytes={part.size}-"
        try:
            with self._client.stream("GET", url, headers=headers) as response:
                start = start_of(response, target, part)
                if start != part.size:
                    part.restart()
                resumed = part.size > 0
                if resumed:
                    logger.info("%s: taking up the download at byte %d of %d", target.path, start, target.length)
                self._write(response, target, part, progress)
                return resumed
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = str(error) or type(error).__name__
            raise Retryable(f"The download of {target.path} broke off: {reason}.") from error

    def _write(self, response: httpx.Response, target: Target, part: PartialFile, progress: Progress) -> None:
        deadline = time.monotonic() + TOTAL_SECONDS
        for chunk in response.iter_raw(CHUNK):
            if part.size + len(chunk) > target.length:
                raise Refused(f"The file in the store is longer than the {target.length} bytes that were signed.")
            part.write(chunk)
            progress(part.size * 100 // target.length)
            if self._stopping():
                raise Stopping
            if time.monotonic() > deadline:
                raise Retryable(f"The download of {target.path} takes longer than {TOTAL_SECONDS / 3600:.0f} hours.")
        if part.size < target.length:
            raise Retryable(f"The download of {target.path} broke off at byte {part.size} of {target.length}.")


def start_of(response: httpx.Response, target: Target, part: PartialFile) -> int:
    """The offset of the answer's first byte: 0 or the end of `part`. Raises Retryable, Refused (length)."""
    if response.status_code == 416:
        part.restart()
        raise Retryable(f"The store has less of {target.path} than this node: starting again from zero.")
    if response.status_code not in (200, 206):
        raise Retryable(f"The store answered {response.status_code} for {target.path}.")
    match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    start = int(match[1]) if match else 0
    total = match[2] if match else response.headers.get("Content-Length", "*")
    if total.isdigit() and int(total) != target.length:
        raise Refused(f"The file in the store has {total} bytes, the signed metadata says {target.length}.")
    if start not in (0, part.size):
        raise Retryable(f"The store answered from byte {start}, asked was byte {part.size}.")
    return start


def sha256_of(path: Path) -> str | None:
    """The digest of a file; None if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
