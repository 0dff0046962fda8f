"""Object storage behind one small interface; any S3 API will do (embedded, SeaweedFS, Ceph, AWS, …).

Only what the embedded server does faithfully is used: put, get, stat, copy, delete, signed GET and PUT. No tags, ACLs
or object metadata; types and digests live in Postgres. `file_url` columns hold `s3://bucket/key`.
"""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol

import urllib3
from minio import Minio
from minio.datatypes import Part
from minio.deleteobjects import DeleteObject
from minio.error import InvalidResponseError, S3Error

from app.errors import NotFound, TooLarge, Unavailable
from app.infra.signing import AddressSigner
from app.settings import Settings, get_settings

_ASKING_SECONDS = 300
_ERROR_CODE = re.compile(rb"<Code>([^<]+)</Code>")


@dataclass(frozen=True)
class ObjectInfo:
    """What the store knows of an object; `size` in bytes."""

    key: str
    size: int


class ObjectStore(Protocol):
    """What the product needs of object storage."""

    def put_bytes(self, key: str, data: bytes, content_type: str = ...) -> None: ...
    def put_file(self, key: str, path: Path, content_type: str = ...) -> None: ...
    def get_bytes(self, key: str, limit: int | None = ...) -> bytes: ...
    def get_to_file(self, key: str, path: Path) -> None: ...
    def stat(self, key: str) -> ObjectInfo: ...
    def delete(self, *keys: str) -> None: ...
    def presigned_get(
        self,
        key: str,
        seconds: int,
        *,
        filename: str | None = ...,
        content_type: str | None = ...,
        steady_seconds: int = ...,
    ) -> str: ...
    def presigned_put(self, key: str, seconds: int) -> str: ...
    def open_multipart(self, key: str) -> str: ...
    def presigned_part(self, key: str, multipart_id: str, number: int, seconds: int) -> str: ...
    def complete_multipart(self, key: str, multipart_id: str, parts: Sequence[tuple[int, str]]) -> None: ...
    def abort_multipart(self, key: str, multipart_id: str) -> None: ...
    def url(self, key: str) -> str: ...
    def key(self, url: str) -> str: ...


class _XmlPool(urllib3.PoolManager):
    """The embedded server labels its XML errors `text/xml`; the client wants `application/xml`."""

    def urlopen(self, method: str, url: str, redirect: bool = True, **kw: Any) -> urllib3.BaseHTTPResponse:  # type: ignore[override]
        response = super().urlopen(method, url, redirect=redirect, **kw)
        if (response.headers.get("content-type") or "").startswith("text/xml"):
            response.headers["content-type"] = "application/xml"
        return response


def _error(key: str, code: str) -> NotFound | Unavailable:
    if code in {"NoSuchKey", "NoSuchBucket", "NoSuchUpload", "ResourceNotFound"}:
        return NotFound(f"There is no object {key!r} in the store.")
    return Unavailable(f"The object store refused {key!r}: {code}.")


@contextmanager
def _translated(key: str) -> Iterator[None]:
    try:
        yield
    except S3Error as error:
        raise _error(key, error.code or "no reason") from error
    except (InvalidResponseError, urllib3.exceptions.HTTPError, OSError) as error:
        raise Unavailable(
            f"The object store does not answer ({type(error).__name__}). Try again in a moment."
        ) from error


class S3ObjectStore:
    """`ObjectStore` over the S3 protocol."""

    def __init__(self, settings: Settings) -> None:
        timeout = urllib3.Timeout(connect=5, read=60)
        retries = urllib3.Retry(total=2, backoff_factor=0.2, status_forcelist=[500, 502, 503, 504])
        common: dict[str, Any] = {
            "access_key": settings.s3_access_key,
            "secret_key": settings.s3_secret_key.get_secret_value(),
            "secure": settings.s3_secure,
            # An explicit region spares a network call before every signature.
            "region": settings.s3_region,
        }
        self.bucket = settings.s3_bucket
        pool = _XmlPool(timeout=timeout, retries=retries, maxsize=16)
        self._client = Minio(settings.s3_endpoint, http_client=pool, **common)
        # Signed URLs hold the host, so they are made for the address that browsers and edges use.
        self._signer = Minio(settings.s3_browser_endpoint, **common)
        self._outside, self._inside = (
            AddressSigner(
                client.presigned_get_object(self.bucket, "x"),
                common["access_key"],
                common["secret_key"],
                settings.s3_region,
            )
            for client in (self._signer, self._client)
        )
        self._connections = pool.connection_from_url(self._inside.origin)

    def ensure_bucket(self) -> None:
        """Make the bucket if it is missing."""
        with _translated(self.bucket):
            if not self._client.bucket_exists(self.bucket):
                self._client.make_bucket(self.bucket)

    def put_bytes(self, key: str, data: bytes, content_type: str = "application/octet-stream") -> None:
        with _translated(key):
            self._ask("PUT", key, data, {"content-type": content_type}).read()

    def put_file(self, key: str, path: Path, content_type: str = "application/octet-stream") -> None:
        with _translated(key):
            self._client.fput_object(self.bucket, key, str(path), content_type=content_type)

    def get_bytes(self, key: str, limit: int | None = None) -> bytes:
        """The object's bytes; raises `TooLarge` before reading when it has more than `limit`."""
        with _translated(key):
            response = self._ask("GET", key)
            try:
                size = int(response.headers.get("content-length", 0))
                if limit is not None and size > limit:
                    raise TooLarge(f"{key}: {size:,} bytes are more than the {limit:,} allowed.")
                return response.read()
            finally:
                response.close()
                response.release_conn()

    def _ask(
        self, method: str, key: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> urllib3.BaseHTTPResponse:
        """Ask for one object by a signed address: the client takes four times as long for the same.

        Returns the answer, unread; raises `NotFound` or `Unavailable` for any but 200.
        """
        url = self._inside.sign(method, key, _ASKING_SECONDS, int(time.time())).removeprefix(self._inside.origin)
        response = self._connections.urlopen(method, url, body=body, headers=headers, preload_content=False)
        if response.status == HTTPStatus.OK:
            return response
        found = _ERROR_CODE.search(response.read())
        response.release_conn()
        raise _error(key, found[1].decode() if found else f"status {response.status}")

    def get_to_file(self, key: str, path: Path) -> None:
        with _translated(key):
            self._client.fget_object(self.bucket, key, str(path))

    def stat(self, key: str) -> ObjectInfo:
        with _translated(key):
            return ObjectInfo(key, self._client.stat_object(self.bucket, key).size or 0)

    def delete(self, *keys: str) -> None:
        """Remove objects; those that are not there are removed already."""
        with _translated(", ".join(keys[:3])):
            refused = list(self._client.remove_objects(self.bucket, (DeleteObject(key) for key in keys)))
        if refused:
            raise Unavailable(f"The object store did not delete {refused[0].name}: {refused[0].code}.")

    def presigned_get(
        self,
        key: str,
        seconds: int,
        *,
        filename: str | None = None,
        content_type: str | None = None,
        steady_seconds: int = 0,
    ) -> str:
        """A URL that reads `key` for `seconds`, or up to `steady_seconds` longer: so long the same URL is given out."""
        headers: dict[str, str] = {}
        if filename:
            headers["response-content-disposition"] = f'attachment; filename="{filename}"'
        if content_type:
            headers["response-content-type"] = content_type
        now = int(time.time())
        moment = now - now % (steady_seconds or 1)
        return self._outside.sign("GET", key, seconds + steady_seconds, moment, headers.items())

    def presigned_put(self, key: str, seconds: int) -> str:
        """A URL that writes `key` for `seconds`."""
        return self._outside.sign("PUT", key, seconds, int(time.time()))

    # The client offers no public methods for uploads in parts whose parts somebody else puts.
    def open_multipart(self, key: str) -> str:
        """Begin an upload in parts; its id."""
        with _translated(key):
            return str(self._client._create_multipart_upload(self.bucket, key, {}))

    def presigned_part(self, key: str, multipart_id: str, number: int, seconds: int) -> str:
        """A URL that writes part `number` (from 1) for `seconds`."""
        query: dict[str, str | list[str] | tuple[str]] = {"partNumber": str(number), "uploadId": multipart_id}
        return self._signer.get_presigned_url(
            "PUT", self.bucket, key, timedelta(seconds=seconds), extra_query_params=query
        )

    def complete_multipart(self, key: str, multipart_id: str, parts: Sequence[tuple[int, str]]) -> None:
        """Make the parts (number, ETag) one object; `NotFound` if that was done or given up before."""
        with _translated(key):
            self._client._complete_multipart_upload(
                self.bucket, key, multipart_id, [Part(number, etag.strip('"')) for number, etag in parts]
            )

    def abort_multipart(self, key: str, multipart_id: str) -> None:
        """Give an upload in parts up; one that is not there is given up already."""
        with suppress(NotFound), _translated(key):
            self._client._abort_multipart_upload(self.bucket, key, multipart_id)

    def url(self, key: str) -> str:
        """What a `file_url` column holds for `key`."""
        return f"s3://{self.bucket}/{key}"

    def key(self, url: str) -> str:
        """The key inside a `file_url`."""
        return url.removeprefix(f"s3://{self.bucket}/")


@lru_cache
def get_object_store() -> S3ObjectStore:
    """The store of this process."""
    settings = get_settings()
    if not settings.s3_endpoint:
        raise Unavailable("No object store is configured. Start with ./trainyard up, or set TRAINYARD_S3_ENDPOINT.")
    return S3ObjectStore(settings)


def answers() -> bool:
    """True when the store answers now and the bucket is there."""
    try:
        get_object_store().ensure_bucket()
    except Unavailable:
        return False
    return True
