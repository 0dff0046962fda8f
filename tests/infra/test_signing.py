"""Signed addresses are those of the client, byte for byte, for every store that we may be pointed at."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from minio import Minio

from app.infra.object_store import S3ObjectStore
from app.infra.signing import AddressSigner
from app.settings import Settings

MOMENT = 1_796_000_000
KEYS = ["a.jpg", "datasets/7/Ä ö+ü~(1)&=%.jpg", "a/b//c.tar", "日本/画像.png", "it's*!.png"]
HEADERS = [
    {},
    {"response-content-type": "image/jpeg"},
    {"response-content-type": "image/png", "response-content-disposition": 'attachment; filename="a b.png"'},
]


@pytest.mark.parametrize("headers", HEADERS, ids=len)
@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    ("endpoint", "secure", "bucket"),
    [
        ("127.0.0.1:9000", False, "trainyard"),
        ("files.example.org", True, "with.dot"),
        ("s3.eu-central-1.amazonaws.com", True, "trainyard"),
    ],
)
def test_address_is_what_the_client_makes(endpoint: str, secure: bool, bucket: str, key: str, headers: dict) -> None:
    access, secret, region = "key+/=", "se/cret+", "eu-central-1"
    client = Minio(endpoint, access, secret, secure=secure, region=region)
    signer = AddressSigner(client.presigned_get_object(bucket, "x"), access, secret, region)
    for moment in (MOMENT, MOMENT + 86_400, MOMENT):
        when = datetime.fromtimestamp(moment, UTC)
        expected = client.presigned_get_object(
            bucket, key, timedelta(seconds=4500), response_headers=dict(headers), request_date=when
        )
        assert signer.sign("GET", key, 4500, moment, headers.items()) == expected


@pytest.mark.parametrize("key", KEYS)
def test_address_to_write_to_is_what_the_client_makes(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Minio("files.example.org", "key", "secret", region="eu-central-1")
    signer = AddressSigner(client.presigned_get_object("trainyard", "x"), "key", "secret", "eu-central-1")
    monkeypatch.setattr("minio.time.utcnow", lambda: datetime.fromtimestamp(MOMENT, UTC))
    expected = client.presigned_put_object("trainyard", key, timedelta(seconds=900))
    assert signer.sign("PUT", key, 900, MOMENT) == expected


def test_store_gives_out_one_address_for_minutes_that_reads_the_object(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = S3ObjectStore(Settings())
    store.ensure_bucket()
    store.put_bytes("t/signed here+ä.jpg", b"picture")
    begun = datetime.now(UTC).timestamp() // 900 * 900
    monkeypatch.setattr("time.time", lambda: begun)
    first = store.presigned_get("t/signed here+ä.jpg", 3600, content_type="image/jpeg", steady_seconds=900)
    monkeypatch.setattr("time.time", lambda: begun + 899.0)
    assert store.presigned_get("t/signed here+ä.jpg", 3600, content_type="image/jpeg", steady_seconds=900) == first
    monkeypatch.undo()
    answer = httpx.get(first)
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, b"picture", "image/jpeg")
