"""The object store over the real S3 protocol: what is put is got, what is not there is said to be missing."""

from pathlib import Path

import httpx
import pytest

from app.errors import NotFound, TooLarge, Unavailable
from app.infra.object_store import S3ObjectStore, get_object_store
from app.settings import Settings, get_settings


@pytest.fixture
def store(database: str) -> S3ObjectStore:
    return get_object_store()


def test_bytes_and_files_come_back_as_they_were(store: S3ObjectStore, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(bytes(range(256)) * 1000)
    store.put_file("t/file", source)
    store.get_to_file("t/file", target)
    assert target.read_bytes() == source.read_bytes()
    store.put_bytes("t/bytes", b"\0\1")
    assert store.get_bytes("t/bytes") == b"\0\1"
    assert store.key(store.url("t/bytes")) == "t/bytes"


def test_object_that_is_not_there_is_not_found(store: S3ObjectStore) -> None:
    with pytest.raises(NotFound, match="t/none"):
        store.get_bytes("t/none")
    store.put_bytes("t/gone", b"x")
    store.delete("t/gone")
    store.delete("t/gone")
    with pytest.raises(NotFound):
        store.get_bytes("t/gone")


def test_object_over_the_limit_is_not_taken_into_memory(store: S3ObjectStore) -> None:
    store.put_bytes("t/large", b"x" * 1000)
    assert len(store.get_bytes("t/large", 1000)) == 1000
    with pytest.raises(TooLarge):
        store.get_bytes("t/large", 999)


def test_signed_url_writes_one_place_and_nothing_else(store: S3ObjectStore) -> None:
    url = store.presigned_put("t/signed", 60)
    assert httpx.put(url, content=b"hello", trust_env=False).status_code == 200
    assert store.get_bytes("t/signed") == b"hello"
    assert httpx.put(url.replace("t/signed", "t/other"), content=b"x", trust_env=False).status_code == 403
    assert httpx.get(url, trust_env=False).status_code == 403
    assert httpx.delete(url, trust_env=False).status_code == 403


def test_signed_urls_name_the_address_that_browsers_use(store: S3ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAINYARD_S3_PUBLIC_ENDPOINT", "files.example.test:9000")
    url = httpx.URL(S3ObjectStore(Settings()).presigned_get("t/x", 60, filename="a.tar"))
    assert (url.host, url.port) == ("files.example.test", 9000)
    assert url.params["X-Amz-Expires"] == "60"


def test_store_that_refuses_is_named_with_its_reason(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAINYARD_S3_SECRET_KEY", "not the right one")
    get_settings.cache_clear()
    stranger = S3ObjectStore(get_settings())
    for asked in (lambda: stranger.get_bytes("t/x"), lambda: stranger.put_bytes("t/x", b"x")):
        with pytest.raises(Unavailable, match="refused 't/x': SignatureDoesNotMatch"):
            asked()


def test_store_that_is_away_is_unavailable(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAINYARD_S3_ENDPOINT", "127.0.0.1:1")
    get_settings.cache_clear()
    with pytest.raises(Unavailable, match="does not answer"):
        S3ObjectStore(get_settings()).get_bytes("t/x")
